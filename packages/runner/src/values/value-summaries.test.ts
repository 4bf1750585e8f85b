import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { summarize } from "@reprise/core";
import { expect, test } from "vitest";
import { DirectoryArtifact } from "./directory-artifact.ts";
import { FileArtifact } from "./file-artifact.ts";
import { Link } from "./link.ts";
import { restored, temporaryHome } from "./testing/temporary-home.ts";

const { folder } = temporaryHome();

/** The summary of a value as a func would get it, and as whoever made it has it: they are the same. */
function summaryOf(value: unknown): unknown {
  const summary = summarize(restored(value));
  expect(summarize(value)).toEqual(summary);
  return summary;
}

test("a file shows name, size and how it begins, if that is text", async () => {
  const text = "line é\n".repeat(10_000);
  const file = await FileArtifact.of(text, { name: "notes.txt" });
  expect(summaryOf(file)).toMatchObject({
    $: "type",
    name: "reprise/FileArtifact",
    render: "file",
    value: { name: "notes.txt", size: 80_000, digest: file.digest, executable: false, whole: false },
  });
  const { text: shown } = (summaryOf(file) as { value: { text: string } }).value;
  expect(text.startsWith(shown)).toBe(true);
  expect(shown.length).toBeGreaterThan(800);
  expect(summaryOf(await FileArtifact.of("short"))).toMatchObject({
    value: { text: "short", whole: true, name: null },
  });
  for (const binary of [randomBytes(50_000), Buffer.from("text\0with a zero"), Buffer.from([0xff, 0xfe, 0x41])]) {
    expect(summaryOf(await FileArtifact.of(binary))).toMatchObject({ value: { text: null } });
  }
});

test("a directory shows its uppermost levels with sizes, and how much more there is", async () => {
  const root = mkdtempSync(join(folder, "tree-"));
  for (let index = 0; index < 30; index += 1) {
    mkdirSync(join(root, `d${String(index).padStart(2, "0")}`));
    for (let file = 0; file < 10; file += 1) {
      writeFileSync(join(root, `d${String(index).padStart(2, "0")}`, `file-${file}`), randomBytes(100));
    }
  }
  writeFileSync(join(root, "z"), "top");
  symlinkSync("z", join(root, "zz"));
  const directory = await DirectoryArtifact.from(root, { ignore: ["*.tmp"] });
  const { value } = summaryOf(directory) as { value: { entries: object[] } & Record<string, unknown> };
  expect(value).toMatchObject({ size: 30_003, files: 301, more: 132, digest: directory.digest, ignore: ["*.tmp"] });
  expect(value.entries.length).toBe(200);
  expect(value.entries[0]).toEqual({ path: "d00", kind: "directory", size: 1_000, files: 10 });
  expect(value.entries.slice(30, 33)).toEqual([
    { path: "z", kind: "file", size: 3, executable: false },
    { path: "zz", kind: "link", target: "z" },
    { path: "d00/file-0", kind: "file", size: 100, executable: false },
  ]);
});

test("a link shows its label, or its address", () => {
  const url = "https://example.com/x";
  expect(summaryOf(new Link({ url }))).toMatchObject({ render: "link", value: { url, label: url } });
  expect(summaryOf(new Link({ url, label: "X" }))).toMatchObject({ value: { url, label: "X" } });
});
