import { statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestBytes } from "@reprise/core";
import { expect, it } from "vitest";
import { temporaryFolder } from "../testing/temporary-home.ts";
import { settledStat, UnchangedFiles } from "./digest-record.ts";

function written(text: string) {
  const path = join(temporaryFolder(), "module.ts");
  writeFileSync(path, text);
  const { size, mtimeMs, ctimeMs, ino, dev } = statSync(path);
  return { path, mark: { digest: digestBytes(Buffer.from(text)), stat: [size, mtimeMs, ctimeMs, ino, dev] } };
}

it("a file with the numbers that it had is not read again", () => {
  const { path, mark } = written("const a = 1;");
  expect(new UnchangedFiles(Infinity).isSame(path, { ...mark, digest: "another" })).toBe(true);
});

it("a file with other numbers is the same if its content is", () => {
  const { path, mark } = written("const a = 1;");
  const files = new UnchangedFiles(Infinity);
  for (const stat of [undefined, mark.stat.map((number, at) => (at === 2 ? number - 1 : number))]) {
    expect(files.isSame(path, { digest: mark.digest, stat })).toBe(true);
    expect(files.isSame(path, { digest: "another", stat })).toBe(false);
  }
});

it("a file with another content is changed, also if its size and its time of change are as before", () => {
  const { path, mark } = written("const a = 1;");
  const { atimeMs, mtimeMs, ctimeMs } = statSync(path);
  // Until the clock of the file system has ticked.
  do {
    writeFileSync(path, "const a = 2;");
    utimesSync(path, atimeMs / 1000, mtimeMs / 1000);
  } while (statSync(path).ctimeMs === ctimeMs);
  expect(new UnchangedFiles(Infinity).isSame(path, mark)).toBe(false);
});

it("a file that was written after the program was loaded, or is gone, is changed", () => {
  const { path, mark } = written("const a = 1;");
  expect(new UnchangedFiles(statSync(path).mtimeMs - 1).isSame(path, mark)).toBe(false);
  expect(new UnchangedFiles(Infinity).isSame(`${path}x`, mark)).toBe(false);
  expect(new UnchangedFiles(Infinity).isAbsent(`${path}x`)).toBe(true);
  expect(new UnchangedFiles(Infinity).isAbsent(path)).toBe(false);
});

it("the numbers of a file that was written just now say nothing yet", () => {
  expect(settledStat(written("const a = 1;").path)).toBeUndefined();
  expect(settledStat(process.execPath)).toHaveLength(5);
  expect(settledStat("/there/is/no/such/file")).toBeUndefined();
});
