import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { definitionOf, func } from "./index.ts";
import { callPlace, formatPlace, readSource } from "./source.ts";

const library = new URL("index.ts", import.meta.url);
const sourceReader = new URL("source.ts", import.meta.url);
const report = `
  const { run, place } = definitionOf(subject);
  const { file, line } = place ?? {};
  console.log(JSON.stringify({ ...readSource(run, place), line, file }));`;
const imports = `import { definitionOf, func } from ${JSON.stringify(library.href)};
import { readSource } from ${JSON.stringify(sourceReader.href)};
`;

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "reprise-source-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Report {
  readonly text: string;
  readonly comment?: string;
  readonly line?: number;
  readonly file?: string;
}

/** What a program of its own reads of its func `subject`. */
async function reportOf(name: string, program: string): Promise<Report> {
  const file = join(folder, name);
  await writeFile(file, imports + program + report);
  const { stdout } = await promisify(execFile)(process.execPath, [file], { env: { ...process.env, NODE_OPTIONS: "" } });
  return JSON.parse(stdout) as Report;
}

describe("the recorded source of a func", () => {
  it("is its text as it was written, with types and comments", async () => {
    const body = `async ({ rows }: { readonly rows: number }, epochs: number = 3): Promise<number> => {
  // Each epoch halves the loss.
  const loss = rows as number satisfies number;
  return loss / 2 ** epochs;
}`;
    const { text, line, file } = await reportOf("typed.ts", `const subject = func("typed", ${body});`);
    expect(text).toBe(body);
    expect(line).toBe(3);
    expect(file).toBe(join(folder, "typed.ts"));
  });

  it("is that of the full form's body", async () => {
    const body = `(n: number): number => n + 1`;
    const program = `const subject = func({
  id: "whole",
  timeout: "2h",
  run: ${body},
});`;
    expect((await reportOf("whole.ts", program)).text).toBe(body);
  });

  it("is the right one of two bodies that read alike", async () => {
    const program = `/** The first. */
export const other = func("other", (n: number) => n + 1);
/** The second. */
const subject = func("subject", (n: number) => n + 1);`;
    expect(await reportOf("alike.ts", program)).toMatchObject({ text: "(n: number) => n + 1", comment: "The second." });
  });

  it("comes with the comment in front, without its marks", async () => {
    const program = `/**
 * Trains the model.
 *
 *   - indented
 * @param n how often
 */
export const subject = func("commented", (n: number) => n);`;
    expect((await reportOf("commented.ts", program)).comment).toBe(
      "Trains the model.\n\n  - indented\n@param n how often",
    );
  });

  it("takes no comment that belongs to something else", async () => {
    const program = `/** Of the constant. */
export const constant = 1;
const subject = func("bare", () => constant);`;
    expect((await reportOf("bare.ts", program)).comment).toBeUndefined();
  });

  it("is the JavaScript where that is what was written", async () => {
    const { text } = await reportOf("plain.mjs", `const subject = func("plain", (n) => n + 1);`);
    expect(text).toBe("(n) => n + 1");
  });

  it("is what executes where the file is one that another tool turned into JavaScript", async () => {
    const entry = join(folder, "app.tsx");
    await writeFile(
      entry,
      `${imports}const h = (tag: string) => tag;
const subject = func("bundled", (n: number): string => <b title={String(n)} />);
${report}`,
    );
    const outfile = join(folder, "app.mjs");
    await build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      external: ["file://*"],
      format: "esm",
      jsxFactory: "h",
    });
    const { stdout } = await promisify(execFile)(process.execPath, [outfile]);
    const { text } = JSON.parse(stdout) as Report;
    expect(text).toMatch(/^\(n\) => .*h\("b"/);
  });

  it("is what executes where source maps name a file that has other text", async () => {
    const entry = join(folder, "mapped.ts");
    await writeFile(entry, `${imports}const subject = func("mapped", (n: number): number => n * 2);${report}`);
    const outfile = join(folder, "mapped.mjs");
    await build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      external: ["file://*"],
      format: "esm",
      sourcemap: true,
    });
    const { stdout } = await promisify(execFile)(process.execPath, ["--enable-source-maps", outfile]);
    expect((JSON.parse(stdout) as Report).text).toContain("n * 2");
  });

  it("is what executes where the file is gone", () => {
    const run = (n: number): number => n;
    const source = readSource(run, { file: join(folder, "gone.ts"), line: 1, column: 1 });
    expect(source).toEqual({ text: run.toString(), comment: undefined });
    expect(readSource(run, undefined).text).toBe(run.toString());
  });
});

describe("the place of a func", () => {
  it("is found in folders with odd names and in modules with a query", async () => {
    const odd = join(await mkdtemp(join(folder, "odd name (1) ü-")), "mod ule.ts");
    await writeFile(
      odd,
      `${imports}export const subject = func("odd", () => 1);\nexport const place = definitionOf(subject).place;`,
    );
    const url = `${pathToFileURL(odd).href}?version=2`;
    const program = `const { place } = await import(${JSON.stringify(url)}); console.log(JSON.stringify(place));`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]);
    expect(JSON.parse(stdout)).toMatchObject({ file: odd, line: 3 });
  });

  it("reads as file, line and column", () => {
    expect(formatPlace({ file: "/a/b.ts", line: 3, column: 7 })).toBe("/a/b.ts:3:7");
    expect(formatPlace(undefined)).toBe("a place that is not known");
  });

  it("does not disturb the depth of stack traces", () => {
    const { stackTraceLimit } = Error;
    callPlace(func);
    expect(Error.stackTraceLimit).toBe(stackTraceLimit);
    expect(definitionOf(func("undisturbed", () => 1))?.place?.file).toBe(import.meta.filename);
  });
});
