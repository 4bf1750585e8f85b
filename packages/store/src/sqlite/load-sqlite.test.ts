import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const module = new URL("./load-sqlite.ts", import.meta.url).href;

/** What a fresh process writes to standard error. */
async function errorsOf(program: string): Promise<string> {
  const { stderr } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program]);
  return stderr;
}

// Node 22 warns by itself and later versions do not: the warning is made here as Node 22 makes it, while it is loaded.
const likeNode22 = `
const load = process.getBuiltinModule;
process.getBuiltinModule = (name) => {
  process.emitWarning("SQLite is an experimental feature and might change at any time", "ExperimentalWarning");
  process.emitWarning("something else", "ExperimentalWarning");
  return load.call(process, name);
};`;

test("the warning that SQLite is new is not shown, others are, also later", async () => {
  const stderr = await errorsOf(`${likeNode22}
    const { loadSqlite } = await import(${JSON.stringify(module)});
    new (loadSqlite().DatabaseSync)(":memory:").close();
    process.emitWarning("SQLite of somebody else", "ExperimentalWarning");`);
  expect(stderr).not.toContain("SQLite is an experimental feature");
  expect(stderr).toContain("something else");
  expect(stderr).toContain("SQLite of somebody else");
});

test("a Node without SQLite is told which version has it", async () => {
  const stderr = await errorsOf(`
    process.getBuiltinModule = () => undefined;
    const { loadSqlite } = await import(${JSON.stringify(module)});
    try { loadSqlite(); } catch (error) { console.error(error.code, error.message); }`);
  expect(stderr).toMatch(
    /STORE_FAILED reprise needs Node 22\.13 or newer; this is Node \d+\.\d+\.\d+ at .*npm install/,
  );
});
