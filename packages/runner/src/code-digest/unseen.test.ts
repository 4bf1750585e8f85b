import { expect, it } from "vitest";
import { digestPrograms, type FuncReport } from "./testing/programs.ts";

/** What is said of the func `f` of a program. */
async function reportOf(files: string | Readonly<Record<string, string>>): Promise<FuncReport> {
  const all = typeof files === "string" ? { "pipeline.ts": `import { func } from "reprise";\n${files}` } : files;
  const { program } = await digestPrograms({ program: all });
  return program?.["f"] as FuncReport;
}

it("gives funcs of a factory no digest, because code does not tell the captured value", async () => {
  const report = await reportOf(`const make = (id: string, by: number) => func(id, (n: number) => n * by);
export const f = make("f", 2);
export const g = make("g", 3);`);
  expect(report.digest).toBeUndefined();
  expect(report.body).toBeUndefined();
  expect(report.reason).toBe(
    'func "f" has no code digest: the func defined at pipeline.ts:2 uses "by" of the function or block around it: ' +
      "code does not tell which values those have. Pass them as inputs, or give a version or a key.",
  );
});

it("gives no digest to funcs made in a loop or by a wrapper", async () => {
  const loop = await reportOf(`const all: any = {};
for (const id of ["f", "g"]) all[id] = func(id, () => id);
export const { f, g } = all;`);
  expect(loop.reason).toContain('uses "id" of the function or block around it');
  const wrapper = await reportOf(`const cached = (id: string, run: () => number) => func({ id, cache: true, run });
export const f = cached("f", () => 1);`);
  expect(wrapper.reason).toContain('uses "run" of the function or block around it');
});

it("digests a func with a computed id by its place, and one made in a function that it takes nothing of", async () => {
  const named = await reportOf(`const name = "f";\nexport const f = func(name, () => 1);`);
  const made = await reportOf(`const make = () => { const other = 2; void other; return func("f", () => 1); };
export const f = make();`);
  expect(named.digest).toMatch(/^[0-9a-f]{64}$/);
  expect(made.digest).toBe(named.digest);
});

it.each([
  ["a dynamic import with a computed name", "(name: string) => import(name)", "import() with a computed name"],
  ["eval", "(code: string) => eval(code)", "eval() makes code"],
  ["new Function", "(code: string) => new Function(code)()", "new Function() makes code"],
])("reports %s, with its place", async (_, body, message) => {
  const report = await reportOf(`const helper = ${body};\nexport const f = func("f", (text: string) => helper(text));`);
  expect(report.digest).toMatch(/^[0-9a-f]{64}$/);
  expect(report.warnings).toHaveLength(1);
  expect(report.warnings[0]?.place).toBe("pipeline.ts:2");
  expect(report.warnings[0]?.message).toContain(message);
});

it("reports workers and processes, whose modules are not followed", async () => {
  const report = await reportOf(`import { Worker } from "node:worker_threads";
import * as processes from "node:child_process";
export const f = func("f", (file: string) => {
  new Worker(file);
  processes.fork(file);
  processes.execFile(file);
});`);
  const message = "a worker or process runs a module that is not followed; give a version that changes with it";
  expect(report.warnings).toEqual([
    { place: "pipeline.ts:5", message },
    { place: "pipeline.ts:6", message },
  ]);
});

it("reports require() with a computed name", async () => {
  const report = await reportOf(`import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
export const f = func("f", (name: string) => require(name));`);
  expect(report.warnings.map(({ place, message }) => [place, message.slice(0, 30)])).toEqual([
    ["pipeline.ts:4", "require() with a computed name"],
  ]);
});

it("reports what is read from outside while the module loads, where a func uses it", async () => {
  const reads: Record<string, readonly [string, string]> = {
    "the environment": ["const value = process.env.HOME;", "process.env is read while the module loads"],
    arguments: ["const value = process.argv[2];", "process.argv is read"],
    "a file": [
      `import { readFileSync } from "node:fs";\nconst value = readFileSync(new URL("package.json", import.meta.url));`,
      "readFileSync() of node:fs is read",
    ],
    "the clock": ["const value = Date.now();", "Date.now() is read"],
    chance: ["const value = Math.random();", "Math.random() is read"],
    "a promise": ["const value = await Promise.resolve(1);", "a value awaited while the module loads"],
  };
  const programs = Object.entries(reads).flatMap(([name, [code]]) => [
    [`${name}, used`, `${code}\nexport const f = func("f", () => value);`] as const,
    [`${name}, unused`, `${code}\nexport const g = () => value;\nexport const f = func("f", () => 1);`] as const,
  ]);
  const head = `import { func } from "reprise";\n`;
  const reports = await digestPrograms(
    Object.fromEntries(programs.map(([name, code]) => [name, { "pipeline.ts": head + code }])),
  );
  const said = (name: string): string | undefined =>
    reports[name]?.["f"]?.warnings.map((warning) => `${name}: ${warning.message}`).join();
  for (const [name, [, message]] of Object.entries(reads)) {
    expect(said(`${name}, used`)).toContain(`${name}, used: ${message}`);
    expect([name, said(`${name}, unused`)]).toEqual([name, ""]);
  }
});

it("says nothing of what a body reads while it runs: those are inputs that were not declared", async () => {
  const report = await reportOf(`export const f = func("f", () => [process.env.HOME, Date.now(), Math.random()]);`);
  expect(report.warnings).toEqual([]);
});

it("reports a variable that something else assigns while the program runs", async () => {
  const code = (by: number) => `let factor = 1;
export function setFactor() { factor = ${by}; }
export const f = func("f", (n: number) => n * factor);`;
  const report = await reportOf(code(2));
  expect(report.warnings.map(({ place, message }) => [place, message.slice(0, 55)])).toEqual([
    ["pipeline.ts:3", 'setFactor assigns "factor", which the func uses: whatev'],
  ]);
  expect((await reportOf(code(3))).digest).not.toBe(report.digest);
});

it("does not report a variable that the func's own code assigns", async () => {
  const report = await reportOf(`let known: number | undefined;
function load() { known ??= 1; return known; }
export const f = func("f", () => load());`);
  expect(report.warnings).toEqual([]);
  expect(report.digest).toMatch(/^[0-9a-f]{64}$/);
});

it("gives no digest when code cannot be found, with where and what to do", async () => {
  const report = await reportOf(
    `const load = () => import("./missing.ts");\nexport const f = func("f", () => load());`,
  );
  expect(report.reason).toMatch(
    /^func "f" has no code digest: code that it uses cannot be found: .*pipeline\.ts: "\.\/missing\.ts" is not found at .* Give a version or a key\.$/,
  );
});

it("does not mind what another func of the module cannot find", async () => {
  const report = await reportOf(`export const load = () => import("not-installed" as string);
export const other = () => import("not-installed");
export const f = func("f", () => 1);`);
  expect(report.digest).toMatch(/^[0-9a-f]{64}$/);
});

it("finds func by any name, also from a barrel or a namespace", async () => {
  const direct = await reportOf(`export const f = func({ id: "f", retry: { retries: 1 }, run: () => 1 });`);
  const renamed = await reportOf({
    "pipeline.ts": `import { func as step } from "reprise";\nexport const f = step("f", () => 1);`,
  });
  const space = await reportOf({
    "pipeline.ts": `import * as reprise from "reprise";\nexport const f = reprise.func("f", () => 1);`,
  });
  const barrel = await reportOf({
    "pipeline.ts": `import { step } from "./all.ts";\nexport const f = step({ id: "f", retry: { retries: 2 }, run: () => 1 });`,
    "all.ts": `export { func as step } from "reprise";`,
  });
  expect([renamed.digest, space.digest, barrel.digest]).toEqual([direct.digest, direct.digest, direct.digest]);
  expect(direct.digest).toMatch(/^[0-9a-f]{64}$/);
});
