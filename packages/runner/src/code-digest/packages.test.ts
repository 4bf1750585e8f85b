import { mkdirSync, realpathSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder } from "../testing/temporary-home.ts";
import { digestFolder, digestPrograms, type Files, writeProgram } from "./testing/programs.ts";

const code = `import { func } from "reprise";
import { parse } from "parser/fast";
import { readFileSync } from "fs";
import type { Never } from "types-only";

export const f = func("f", (text: string) => parse(text));
export const g = func("g", (path: string) => readFileSync(path));
export const h = func("h", () => 1);
`;

/** A program with two packages, of which one uses the other. */
function program(versions: { parser?: string; below?: string; other?: string; lock?: boolean } = {}): Files {
  const { parser = "1.0.0", below = "2.0.0", other = "3.0.0", lock = true } = versions;
  const packages = {
    "": { name: "program", dependencies: { parser: "^1.0.0", other: "*" } },
    "node_modules/parser": { version: parser, dependencies: { below: "*" } },
    "node_modules/parser/node_modules/below": { version: below },
    "node_modules/below": { version: "9.9.9" },
    "node_modules/other": { version: other },
  };
  return {
    "pipeline.ts": code,
    "node_modules/parser/package.json": JSON.stringify({
      name: "parser",
      version: parser,
      exports: { "./fast": "./fast.js" },
    }),
    "node_modules/parser/fast.js": "exports.parse = (text) => text;",
    ...(lock ? { "package-lock.json": JSON.stringify({ lockfileVersion: 3, packages }) } : {}),
  };
}

it("counts the versions of the packages that a func uses, and of what those depend on", async () => {
  const reports = await digestPrograms({
    before: program(),
    same: program(),
    parser: program({ parser: "1.0.1" }),
    below: program({ below: "2.0.1" }),
    other: program({ other: "3.0.1" }),
  });
  const { before, same, parser, below, other } = reports;
  expect(before?.["f"]?.packages).toEqual({ parser: expect.stringMatching(/^1\.0\.0\+[0-9a-f]{12}$/) as string });
  expect(before?.["g"]?.packages).toEqual({ "node:fs": "built-in" });
  expect(before?.["h"]?.packages).toEqual({});
  const digests = [before, parser, below].map((report) => report?.["f"]?.digest);
  expect(new Set(digests).size).toBe(3);
  expect([same?.["f"]?.digest, other?.["f"]?.digest]).toEqual([digests[0], digests[0]]);
  for (const report of Object.values(reports)) {
    expect(report["g"]?.digest).toBe(before?.["g"]?.digest);
    expect(report["h"]?.digest).toBe(before?.["h"]?.digest);
  }
});

it("takes the installed version where there is no lockfile, or where the lockfile disagrees", async () => {
  const installed = {
    "node_modules/parser/package.json": JSON.stringify({
      name: "parser",
      version: "1.5.0",
      exports: { "./fast": "./fast.js" },
    }),
  };
  const { none, other } = await digestPrograms({
    none: program({ lock: false }),
    other: { ...program(), ...installed },
  });
  expect(none?.["f"]?.packages).toEqual({ parser: "1.0.0" });
  expect(other?.["f"]?.packages).toEqual({ parser: "1.5.0" });
});

it("reads fs and node:fs as one", async () => {
  const { short, long } = await digestPrograms({
    short: program(),
    long: { ...program(), "pipeline.ts": code.replace(`from "fs"`, `from "node:fs"`) },
  });
  expect(long?.["g"]?.digest).toBe(short?.["g"]?.digest);
});

it("follows linked workspaces and paths of tsconfig.json into their code", async () => {
  const folder = realpathSync(temporaryFolder());
  const write = (by: number, more: number): void =>
    writeProgram(join(folder, "app"), {
      "pipeline.ts": `import { func } from "reprise";
import { times } from "@own/lib";
import { more } from "#more";
export const f = func("f", (n: number) => times(n));
export const g = func("g", (n: number) => more(n));
`,
      "package.json": JSON.stringify({ type: "module", imports: { "#more": "./src/more.ts" } }),
      "src/more.ts": `export const more = (n: number) => n + ${more};`,
      "../lib/package.json": JSON.stringify({ name: "@own/lib", version: "1.0.0", exports: { import: "./index.ts" } }),
      "../lib/index.ts": `export const times = (n: number) => n * ${by};`,
    });
  write(2, 1);
  mkdirSync(join(folder, "app/node_modules/@own"), { recursive: true });
  symlinkSync(join(folder, "lib"), join(folder, "app/node_modules/@own/lib"));
  const before = await digestFolder(join(folder, "app"));
  expect(before["f"]?.packages).toEqual({});
  expect(before["f"]?.closure.map(({ file, name }) => `${file} ${name}`)).toEqual([
    "pipeline.ts f",
    "../lib/index.ts times",
  ]);
  write(3, 1);
  const lib = await digestFolder(join(folder, "app"));
  expect([lib["f"]?.digest === before["f"]?.digest, lib["g"]?.digest === before["g"]?.digest]).toEqual([false, true]);
  write(3, 2);
  const imported = await digestFolder(join(folder, "app"));
  expect([imported["f"]?.digest === lib["f"]?.digest, imported["g"]?.digest === lib["g"]?.digest]).toEqual([
    true,
    false,
  ]);
});

it("does not depend on where the project lies", async () => {
  const folder = realpathSync(temporaryFolder());
  writeProgram(join(folder, "here"), program());
  const here = await digestFolder(join(folder, "here"));
  renameSync(join(folder, "here"), join(folder, "there"));
  expect(await digestFolder(join(folder, "there"))).toEqual(here);
});
