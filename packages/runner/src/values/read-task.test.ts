import * as crypto from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { carryOut, type ReadTask } from "./file-tasks.ts";
import { makeReader } from "./read-task.ts";
import { temporaryHome } from "./testing/temporary-home.ts";

const { folder } = temporaryHome();
const path = join(folder, "file");

/** Reads the file while `meddle` is called each time after it was opened and looked at, before it is read. */
function readMeddled(meddle: () => void) {
  const readSync = ((...args: Parameters<typeof fs.readSync>) => {
    meddle();
    return fs.readSync(...args);
  }) as typeof fs.readSync;
  const task: ReadTask = { kind: "read", paths: path, longest: 1_000 };
  const work = makeReader({ ...fs, readSync }, crypto);
  return carryOut(work as Parameters<typeof carryOut>[0], task);
}

test.each<[string, () => void]>([
  ["grows", () => fs.appendFileSync(path, "x")],
  ["shrinks", () => fs.truncateSync(path, Math.max(0, fs.statSync(path).size - 1))],
])("a file that %s each time it is read is given up", (_, meddle) => {
  fs.writeFileSync(path, "0123456789");
  expect(readMeddled(meddle)).toMatchObject({ failure: { path, code: "CHANGED" } });
});

test("a file that changes once while it is read is read again, as it is then", () => {
  fs.writeFileSync(path, "before");
  let times = 0;
  const answer = readMeddled(() => (times += 1) === 1 && fs.writeFileSync(path, "afterwards"));
  if ("failure" in answer) throw new Error(answer.failure.message);
  expect(Buffer.from(answer.value.content).toString()).toBe("afterwards");
  expect(Buffer.from(answer.value.digests)).toEqual(crypto.hash("sha256", "afterwards", "buffer"));
});

test("a link or a FIFO in the file's place is not read, and does not make it wait", () => {
  fs.rmSync(path, { force: true });
  fs.symlinkSync("/etc/hosts", path);
  expect(readMeddled(() => undefined)).toMatchObject({ failure: { path, code: "ELOOP" } });
});
