import { readFileSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build, type BuildOptions } from "esbuild";
import { describe, expect, test } from "vitest";
import { codeDigestPlugin } from "../code-digest/bundle-plugin.ts";
import { type Files, writeProgram } from "../code-digest/testing/programs.ts";
import { runChild } from "../testing/child.ts";
import { compileCache } from "../testing/compile-cache.ts";
import { temporaryFolder } from "../testing/temporary-home.ts";

const pipeline = `import { func } from "reprise";
import { parse } from "parser";
import data from "./data.json" with { type: "json" };
import { executed } from "./executed.ts";
import { clean } from "./text.ts";

type Words = readonly string[];

const limit = 3;

/** Counts. */
const count = func({
  id: "count",
  cache: true,
  run: (text: string, least: number = 1) => {
    executed("count");
    console.log("counting", text);
    const words: Words = clean(text).split(' ');
    return \`\${words.length > least ? words.length : 0} of  \${limit + 1}\`;
  },
});

const child = func("child", (value: number) => {
  executed("child");
  return value * 2;
});
const parent = func({ id: "parent", cache: true, run: () => { executed("parent"); return child(4); } });
const fixed = func({ id: "fixed", cache: { version: "fixed" }, run: () => { executed("fixed"); return child(5); } });
const parsed = func({ id: "parsed", cache: true, run: () => { executed("parsed"); return parse("a b"); } });
const listed = func({ id: "listed", cache: true, run: () => { executed("listed"); return data.words; } });
const bodied = func({ id: "bodied", cache: { version: "body" }, run: () => { executed("bodied"); return clean("Body"); } });
const given = func({ id: "given", cache: { version: "v1" }, run: () => { executed("given"); return clean("Given"); } });

export function unrelated(value: number) {
  return value + 1;
}

export const pipeline = func("pipeline", () => ({
  count: count("To be or"), parent: parent(), fixed: fixed(), parsed: parsed(), listed: listed(), bodied: bodied(), given: given(),
}));
`;

const base: Files = {
  "pipeline.ts": pipeline,
  "text.ts": `const marks = /[.,]/g;\nexport function clean(text: string): string {\n  return text.replaceAll(marks, "").trim();\n}\n`,
  "data.json": `{ "words": ["one", "two"] }`,
  // What bodies tell is in no key: they read where to at the time.
  "executed.ts": `import { appendFileSync } from "node:fs";
export function executed(name: string): void {
  appendFileSync(process.env["EXECUTED"] as string, name + "\\n");
}
`,
  ...parser("1.0.0"),
};

/** A package and the lockfile that names its version. */
function parser(version: string): Files {
  const packages = { "": { dependencies: { parser: "*" } }, "node_modules/parser": { version } };
  return {
    "node_modules/parser/package.json": JSON.stringify({ name: "parser", version, exports: "./index.cjs" }),
    "node_modules/parser/index.cjs": "exports.parse = (text) => text.split(' ');\n",
    "package-lock.json": JSON.stringify({ lockfileVersion: 3, packages }),
  };
}

/** Replaces a text of one file; it has to be there. */
function edit(file: string, from: string, to: string): Files {
  const text = base[file] as string;
  if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
  return { [file]: text.replace(from, () => to) };
}

const inPipeline = (from: string, to: string): Files => edit("pipeline.ts", from, to);

/** What one process has done. */
interface Outcome {
  readonly value: Readonly<Record<string, unknown>>;
  readonly statuses: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
  /** Funcs whose bodies have executed, sorted. */
  readonly executed: readonly string[];
}

const env = compileCache();

/** A program on disk with a home of its own: every run is a new process. */
class Project {
  readonly folder = realpathSync(temporaryFolder());

  constructor() {
    writeProgram(this.folder, base);
  }

  async run(entry = "pipeline.ts", flags: readonly string[] = []): Promise<Outcome> {
    const file = join(this.folder, "executed.txt");
    rmSync(file, { force: true });
    const args = [join(this.folder, entry), join(this.folder, "home")];
    const { stdout, stderr } = await runChild("edited-project.ts", args, {
      env: { ...env, EXECUTED: file },
      flags,
    });
    if (stdout === "") throw new Error(stderr);
    return { ...(JSON.parse(stdout) as Omit<Outcome, "executed">), executed: linesOf(file).toSorted() };
  }

  /** Runs the program with some files changed, and changes them back. */
  async runWith(changes: Files): Promise<Outcome> {
    writeProgram(this.folder, changes);
    try {
      return await this.run();
    } finally {
      writeProgram(this.folder, base);
    }
  }
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n");
  } catch {
    return [];
  }
}

const all = ["bodied", "child", "child", "count", "fixed", "given", "listed", "parent", "parsed"];
const value = {
  count: "3 of  4",
  parent: 8,
  fixed: 10,
  parsed: ["a", "b"],
  listed: ["one", "two"],
  bodied: "Body",
  given: "Given",
};

const withoutEffect: Record<string, Files> = {
  "comments, layout, quotes, parentheses and semicolons": {
    "pipeline.ts": pipeline
      .replace("/** Counts. */", "/** Counts words.\n * Really.\n */")
      .replace("const words: Words", "// split\n\n\n    const   words: Words")
      .replace(".split(' ')", '.split((" "))')
      .replace("value * 2;", "((value) * (2))"),
    ...edit("text.ts", "return", "/* marks */ return"),
  },
  "types, `as`, `!` and `satisfies`": {
    "pipeline.ts": pipeline
      .replace("readonly string[]", "string[]")
      .replace("clean(text).split", "clean(text satisfies string)!.split")
      .replace("value * 2", "(value as number) * 2"),
    ...edit("text.ts", "(text: string): string", "(text: string & {}): unknown & string"),
  },
  "log lines": inPipeline(`console.log("counting", text);`, `console.info("words", { text });\n    console.warn("!");`),
  "names of local variables and the order of declarations": {
    "pipeline.ts": pipeline.replaceAll("words", "parts").replace("data.parts", "data.words"),
    "text.ts": `export function clean(value: string): string {\n  return value.replaceAll(signs, "").trim();\n}\nconst signs = /[.,]/g;\n`,
  },
  "functions that nothing uses": {
    ...inPipeline("value + 1", "value + 2"),
    "text.ts": `${base["text.ts"] as string}export const shout = (text: string) => text.toUpperCase();\n`,
  },
  "a package that is not used, and options that decide nothing": {
    ...inPipeline(`id: "count",`, `id: "count", retry: { retries: 2 }, timeout: "1h", tags: ["x"], name: "Count",`),
    ...edit(
      "package-lock.json",
      `"node_modules/parser"`,
      `"node_modules/other":{"version":"2.0.0"},"node_modules/parser"`,
    ),
  },
  "a helper that moves to another file": {
    "pipeline.ts": pipeline.replace("./text.ts", "./deep/text.ts"),
    "deep/text.ts": base["text.ts"] as string,
  },
  "the layout of data": edit("data.json", `["one", "two"]`, `[\n  "one",\n  "two"\n]`),
};

/** What is edited, what executes then, and what comes out otherwise than before. */
const withEffect: Record<string, readonly [Files, readonly string[], Record<string, unknown>]> = {
  "a literal": [inPipeline("limit = 3", "limit = 7"), ["count"], { count: "3 of  8" }],
  "an operator": [inPipeline("limit + 1", "limit * 1"), ["count"], { count: "3 of  3" }],
  "the text of a template": [inPipeline("} of  $", "} of $"), ["count"], { count: "3 of 4" }],
  "a default value": [inPipeline("least: number = 1", "least: number = 5"), ["count"], { count: "0 of  4" }],
  "a helper": [edit("text.ts", "trim()", "trim().slice(6)"), ["count"], { count: "0 of  4" }],
  "a constant of a helper": [edit("text.ts", "[.,]", "[.,o]"), ["count"], {}],
  // A parent with a version of its own goes on being reused.
  "a child func": [inPipeline("value * 2", "value * 3"), ["child", "parent"], { parent: 12 }],
  "the version of a package": [parser("1.0.1"), ["parsed"], {}],
  "a package that another depends on": [
    edit(
      "package-lock.json",
      `"version":"1.0.0"}`,
      `"version":"1.0.0","dependencies":{"below":"*"}},"node_modules/below":{"version":"3.0.0"}`,
    ),
    ["parsed"],
    {},
  ],
  data: [edit("data.json", "two", "three"), ["listed"], { listed: ["one", "three"] }],
  "the body of a func whose version is its body": [inPipeline(`"Body"`, `"Soul"`), ["bodied"], { bodied: "Soul" }],
  "the id of a func": [inPipeline(`id: "parsed"`, `id: "taken apart"`), ["parsed"], {}],
};

describe("a new process after an edit", () => {
  test("reuses all results where nothing was edited that decides them", async () => {
    const project = new Project();
    expect(await project.run()).toMatchObject({ value, executed: all, warnings: [] });
    for (const [name, changes] of Object.entries(withoutEffect)) {
      expect({ name, ...(await project.runWith(changes)) }).toMatchObject({ name, value, executed: [], warnings: [] });
    }
  });

  test("executes what depends on the edit, and nothing else", async () => {
    const project = new Project();
    await project.run();
    for (const [name, [changes, executed, other]] of Object.entries(withEffect)) {
      const outcome = await project.runWith(changes);
      expect({ name, ...outcome }).toMatchObject({ name, value: { ...value, ...other }, executed, warnings: [] });
    }
    // What was computed before the edits is still there.
    expect(await project.run()).toMatchObject({ value, executed: [] });
  });

  test("goes by a version that was given, whatever the code is, also back to an older one", async () => {
    const project = new Project();
    await project.run();
    const edited = pipeline.replace(`clean("Given")`, `clean("Taken")`);
    const newer = edited.replace(`version: "v1"`, `version: "v2"`);
    expect(await project.runWith({ "pipeline.ts": edited })).toMatchObject({ value, executed: [] });
    const second = { value: { given: "Taken" }, executed: ["given"] };
    expect(await project.runWith({ "pipeline.ts": newer })).toMatchObject(second);
    expect(await project.runWith({ "pipeline.ts": newer })).toMatchObject({ ...second, executed: [] });
    expect(await project.runWith({ "pipeline.ts": edited })).toMatchObject({ value, executed: [] });
  });

  test("reuses what Node has computed from the sources under tsx", async () => {
    const project = new Project();
    await project.run();
    const tsx = import.meta.resolve("tsx");
    expect(await project.run("pipeline.ts", ["--import", tsx])).toMatchObject({ value, executed: [], warnings: [] });
  });

  test.each([
    ["a bundle", {}],
    // Minifiers rename parameters, whose names are in the key: the bundle brings those of the sources.
    ["a minified bundle", { minify: true }],
  ] satisfies [string, BuildOptions][])("reuses what the sources have computed from %s", async (_, options) => {
    const project = new Project();
    await project.run();
    await build({
      absWorkingDir: project.folder,
      entryPoints: ["pipeline.ts"],
      outfile: join(project.folder, "dist/bundle.js"),
      bundle: true,
      packages: "external",
      platform: "node",
      format: "esm",
      logLevel: "silent",
      plugins: [codeDigestPlugin()],
      ...options,
    });
    // In production there are no sources.
    for (const file of ["pipeline.ts", "text.ts", "data.json"]) rmSync(join(project.folder, file));
    expect(await project.run("dist/bundle.js")).toMatchObject({ value, executed: [], warnings: [] });
  });
});
