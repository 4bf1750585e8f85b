import { readFileSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build, type BuildOptions } from "esbuild";
import { expect, onTestFinished, test } from "vitest";
import { stopAllPools } from "../actors/testing/stop-pools.ts";
import { TestProject } from "../code-version/testing/kept-programs.ts";
import { runChild } from "../testing/child.ts";
import { compileCache } from "../testing/compile-cache.ts";
import { temporaryFolder } from "../testing/temporary-home.ts";
import { codeDigestPlugin } from "./bundle-plugin.ts";
import { type Files, writeProgram } from "./testing/programs.ts";

const files = {
  "actors.ts": `import { ActorEnvironment } from "reprise";
import { executed } from "./executed.ts";
const scorer = new ActorEnvironment({ name: "scorer", replicas: 1, ttl: "30s", env: { MODE: "a" } });
export default scorer;
scorer.warmup(() => executed("warmed"));
`,
  "load.ts": `import scorer from "./actors.ts";
import { executed } from "./executed.ts";
import { weigh } from "./weigh.ts";
export const load = scorer.cache((name: string) => {
  executed("loaded");
  return { score: (text: string) => weigh(name) * text.length };
}, { maxEntries: 2 });
`,
  "weigh.ts": `export const weigh = (name: string): number => name.length;\n`,
  "pipeline.ts": `import { func } from "reprise";
import * as actors from "./actors.ts";
import { executed } from "./executed.ts";
import { load } from "./load.ts";

const score = actors.default.func({
  id: "score", cache: true, run: (text: string) => { executed("score"); return load("model").score(text); },
});
const bodied = actors.default.func({
  id: "bodied", cache: { version: "body" }, run: (text: string) => { executed("bodied"); return load("model").score(text); },
});
const parent = func({ id: "parent", cache: true, run: () => { executed("parent"); return score("abc"); } });
export const pipeline = func("pipeline", () => ({ score: score("ab"), bodied: bodied("a"), parent: parent() }));
`,
  // What bodies tell is in no key: they read where to at the time.
  "executed.ts": `import { appendFileSync } from "node:fs";
export function executed(name: string): void {
  appendFileSync(process.env["EXECUTED"] as string, name + "\\n");
}
`,
} satisfies Files;

function edit(file: keyof typeof files, from: string, to: string): Files {
  if (!files[file].includes(from)) throw new Error(`${file} has no ${from}`);
  return { [file]: files[file].replace(from, () => to) };
}

const env = compileCache();

/** A program on disk with a home of its own: every run is a new process, of which replicas may be left. */
class Project {
  readonly folder = realpathSync(temporaryFolder());
  readonly home = join(this.folder, "home");

  constructor() {
    writeProgram(this.folder, files);
    onTestFinished(() => stopAllPools(this.home));
  }

  async run(entry = "pipeline.ts") {
    const file = join(this.folder, "executed.txt");
    rmSync(file, { force: true });
    const args = [join(this.folder, entry), this.home];
    const { stdout, stderr } = await runChild("edited-project.ts", args, { env: { ...env, EXECUTED: file } });
    if (stdout === "") throw new Error(stderr);
    const outcome = JSON.parse(stdout) as { readonly value: unknown; readonly warnings: readonly string[] };
    return { value: outcome.value, warnings: outcome.warnings, executed: linesOf(file) };
  }

  async runWith(changes: Files) {
    writeProgram(this.folder, changes);
    try {
      return await this.run();
    } finally {
      writeProgram(this.folder, files);
    }
  }
}

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n").toSorted();
  } catch {
    return [];
  }
}

const value = { score: 10, bodied: 5, parent: 15 };
const all = { value, warnings: [], executed: ["bodied", "loaded", "parent", "score", "score", "warmed"] };
const none = { value, warnings: [], executed: [] };

test("results of actors are reused in new processes where nothing was edited that decides them", async () => {
  const project = new Project();
  expect(await project.run()).toEqual(all);
  const environment = files["actors.ts"]
    .replace(`replicas: 1, ttl: "30s"`, `replicas: { min: 0, max: 3 }, ttl: "1m"`)
    .replace(`MODE: "a"`, `MODE: "b"`)
    .replace(`executed("warmed")`, `executed("warm")`);
  const edits: Record<string, Files> = {
    nothing: {},
    "the environment, its variables and its warm-up": { "actors.ts": environment },
    "bounds of the cached function, and affinity": {
      ...edit("load.ts", "maxEntries: 2", `maxEntries: 4, ttl: "1h"`),
      ...edit("pipeline.ts", `id: "score",`, `id: "score", affinity: (text: string) => text,`),
    },
  };
  for (const [name, changes] of Object.entries(edits)) {
    expect({ name, ...(await project.runWith(changes)) }).toEqual({ name, ...none });
  }
});

test("results of actors are computed again, with those of their parents, when an edit decides them", async () => {
  const project = new Project();
  await project.run();
  const scored = ["loaded", "parent", "score", "score", "warmed"];
  const edits: Record<string, readonly [Files, unknown, readonly string[]]> = {
    "a helper of the cached function": [
      edit("weigh.ts", "name.length", "name.length * 2"),
      { score: 20, bodied: 5, parent: 30 },
      scored,
    ],
    "a body whose version it is": [
      edit(
        "pipeline.ts",
        `executed("bodied"); return load("model").score(text)`,
        `executed("bodied"); return load("m").score(text)`,
      ),
      { score: 10, bodied: 1, parent: 15 },
      ["bodied", "loaded", "warmed"],
    ],
  };
  for (const [name, [changes, other, executed]] of Object.entries(edits)) {
    expect({ name, ...(await project.runWith(changes)) }).toEqual({ name, value: other, warnings: [], executed });
  }
  // What was computed before the edits is still there.
  expect(await project.run()).toEqual(none);
});

test.each([
  ["a bundle", {}],
  ["a minified bundle", { minify: true }],
] satisfies [string, BuildOptions][])(
  "results of actors are reused from %s, which has no sources",
  async (_, options) => {
    const project = new Project();
    await project.run();
    const { warnings } = await build({
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
    expect(warnings).toEqual([]);
    for (const file of Object.keys(files)) rmSync(join(project.folder, file));
    expect(await project.run("dist/bundle.js")).toEqual(none);
  },
);

test("results of actors are reused by a program that was kept, whose files are gone", async () => {
  const project = new TestProject(files);
  onTestFinished(() => stopAllPools(project.home));
  const executed = join(realpathSync(temporaryFolder()), "executed.txt");
  const kept = await project.keep({ args: [], env: { EXECUTED: executed } });
  expect([kept.message, kept.result, linesOf(executed)]).toEqual([undefined, value, all.executed]);
  rmSync(executed);
  project.remove();
  const loaded = await project.load(kept.digest, { args: [], env: { EXECUTED: executed } });
  expect(loaded).toMatchObject({ result: value, cache: { score: "HIT", bodied: "HIT", parent: "HIT" } });
  expect(linesOf(executed)).toEqual([]);
});
