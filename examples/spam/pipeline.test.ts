import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { SilentRunner } from "reprise";
import { expect, onTestFinished, test } from "vitest";
import { spamFilter } from "./pipeline.ts";

test("learns from a tenth of the corpus to tell real mail apart, and tells the same every time", async () => {
  const runner = new SilentRunner();
  const small = { share: 0.1, vocabulary: 2000 };
  const report = await runner.run(spamFilter(small));
  expect(report.accuracy).toBeGreaterThan(0.9);
  expect(report.falsePositiveRate).toBeLessThan(0.1);
  expect(await runner.run(spamFilter(small))).toEqual(report);
});

test("refuses settings that make no sense", async () => {
  await expect(new SilentRunner().run(spamFilter({ share: 2 }))).rejects.toThrow(/share/);
});

const source = fileURLToPath(new URL(".", import.meta.url));
const repository = fileURLToPath(new URL("../..", import.meta.url));
const reprise = join(repository, "packages/reprise/dist/bin.js");

/** A line of `reprise run --json`, as far as it is looked at. */
interface Line {
  readonly type: string;
  readonly id?: string;
  readonly funcId?: string;
  readonly kind?: "func" | "map";
  readonly cache?: { readonly status: string };
  readonly message?: string;
  readonly value?: unknown;
}

/** A copy of this example that may be edited, with a store of its own. Every run is a process of its own. */
class Copy {
  readonly #folder = mkdtempSync(join(tmpdir(), "reprise-spam-"));

  constructor() {
    onTestFinished(() => rmSync(this.#folder, { recursive: true, force: true }));
    cpSync(source, this.#folder, {
      recursive: true,
      filter: (path) => !/node_modules|\.test\.ts$/.test(basename(path)),
    });
    symlinkSync(join(repository, "node_modules"), join(this.#folder, "node_modules"));
  }

  edit(file: string, from: string, to: string): void {
    const path = join(this.#folder, file);
    const text = readFileSync(path, "utf8");
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
    writeFileSync(
      path,
      text.replace(from, () => to),
    );
  }

  /** Runs the pipeline: its result, what the cache did for the runs of each func, and what it warned of. */
  async run(): Promise<{ value: unknown; statuses: Record<string, string>; warnings: readonly string[] }> {
    const args = [reprise, "run", "pipeline.ts", "--share=0.05", "--vocabulary=300", "--json"];
    const env = { ...process.env, REPRISE_HOME: join(this.#folder, "home"), NODE_OPTIONS: "" };
    const options = { cwd: this.#folder, env, maxBuffer: 64 * 1024 * 1024 };
    const { stdout } = await promisify(execFile)(process.execPath, args, options);
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Line);
    const last = new Map(lines.filter(({ kind }) => kind === "func").map((line) => [line.id, line]));
    const statuses: Record<string, string> = {};
    for (const { funcId = "", cache } of last.values()) {
      const status = cache?.status ?? "none";
      statuses[funcId] = [undefined, status].includes(statuses[funcId]) ? status : "some of each";
    }
    const warnings = lines.filter(({ type }) => type === "warning").map(({ message = "" }) => message);
    return { value: lines.at(-1)?.value, statuses, warnings };
  }
}

/** What is below the root, in the order in which it depends on each other. */
const steps = ["load", "clean and tokenise", "remove duplicates", "split", "learn vocabulary", "vectorise"].concat([
  "train",
  "validate",
  "test",
  "explain",
  "report",
]);

/** The statuses of a pipeline run in which these funcs execute. */
function executing(...funcs: readonly string[]): Record<string, string> {
  const statuses: Record<string, string> = { "spam filter": "MISS", choose: "none" };
  for (const name of steps) statuses[name] = funcs.includes(name) ? "MISS" : "HIT";
  return statuses;
}

test("reuses results, and after an edit executes what depends on it", { timeout: 120_000 }, async () => {
  const copy = new Copy();
  const first = await copy.run();
  expect(first).toMatchObject({ statuses: executing(...steps), warnings: [] });
  const same = { value: first.value, statuses: { "spam filter": "HIT" }, warnings: [] };
  expect(await copy.run()).toEqual(same);

  copy.edit("tokenise.ts", "const tokens: string[] = [];", "// In order.\n  const tokens: string[] = [];");
  copy.edit("tokenise.ts", "if (word.length > longestWord)", "console.log(word);\n  if (word.length > longestWord)");
  expect(await copy.run()).toEqual(same);

  copy.edit("report.ts", '"Worst mistakes', '"The worst mistakes');
  const reworded = await copy.run();
  expect(reworded).toMatchObject({ statuses: executing("report"), warnings: [] });
  expect(JSON.stringify(reworded.value)).toContain("The worst mistakes");

  // The same mails come out, so what follows is reused.
  copy.edit("pipeline.ts", "are copies of others", "are copies");
  expect(await copy.run()).toEqual({ ...reworded, statuses: executing("remove duplicates") });

  // All models are trained again. Three of the eight come out different, among them the one that is chosen.
  copy.edit("fit-model.ts", "data, settings.smoothing", "data, settings.smoothing * 2");
  const retrained = { ...executing("train", "test", "explain", "report"), validate: "some of each" };
  expect(await copy.run()).toMatchObject({ statuses: retrained, warnings: [] });
});
