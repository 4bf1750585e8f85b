// What `version: "auto"` costs before the first lookup: digests of the code of a project's funcs.
import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { build } from "esbuild";
import { directImports } from "../scripts/direct-imports.ts";
import { atMost, type Benchmark, compared, type Report } from "./benchmark.ts";
import type { CodeQuestion } from "./cache/code-child.ts";
import { writeProject } from "./cache/project.ts";
import { interleave } from "./measure/interleave.ts";
import type { Elapsed } from "./measure/stopwatch.ts";
import { growthExponent, type SizedTotal } from "./measure/statistics.ts";
import { TemporaryFolder } from "./temporary-folder.ts";

const execute = promisify(execFile);

/** Files that were left alone for so long, in ms, are known to be unchanged without being read. */
const settling = 3000;

/** Builds the child as `reprise` is built: users load JavaScript, and the part that reads code only when it is needed. */
async function buildChild(folder: string): Promise<string> {
  const outdir = join(folder, "child");
  await build({
    entryPoints: [fileURLToPath(new URL("./cache/code-child.ts", import.meta.url))],
    outdir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node22.13",
    external: ["esbuild", "oxc-parser"],
    plugins: [directImports()],
    logLevel: "warning",
  });
  return join(outdir, "code-child.mjs");
}

async function ask(child: string, question: CodeQuestion): Promise<Elapsed> {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const { stdout } = await execute(process.execPath, [child, JSON.stringify(question)], { env });
  return JSON.parse(stdout) as Elapsed;
}

async function measureProject(report: Report, count: number): Promise<{ cold: number; unchanged: number }> {
  await using folder = await TemporaryFolder.make();
  const project = await writeProject(folder.path, count);
  const child = await buildChild(folder.path);
  const kept = folder.file("digests");
  const fresh = folder.file("no-digests");
  const question = (work: CodeQuestion["work"], place: string): CodeQuestion => ({ ...project, work, folder: place });
  // What was written just now is read again, and would be in every sample.
  await pause(settling);
  await ask(child, question("digests", kept));
  const { parse, cold, hash, unchanged } = await interleave(
    {
      parse: () => ask(child, question("parse", fresh)),
      cold: async () => {
        await rm(fresh, { recursive: true, force: true });
        return ask(child, question("digests", fresh));
      },
      hash: () => ask(child, question("hash", kept)),
      unchanged: () => ask(child, question("digests", kept)),
    },
    { repetitions: 15, warmups: 2, inChildren: true },
  );
  const size = `${count} funcs`;
  const isTarget = count === 50;
  report.measure({
    what: "code digests, cold",
    size,
    unit: "ms",
    ...compared("parse and sha256 of the files", parse, cold, 1),
    ...(isTarget ? { verdict: atMost(150, cold.median, "ms") } : {}),
  });
  report.measure({
    what: "code digests, unchanged",
    size,
    unit: "ms",
    ...compared("sha256 of the files", hash, unchanged, 1),
    ...(isTarget ? { verdict: atMost(5, unchanged.median, "ms") } : {}),
  });
  return { cold: cold.median, unchanged: unchanged.median };
}

export const cacheCode: Benchmark = {
  title: "Code digests of a project, in processes that have just started",
  async run(report) {
    const totals = { cold: [] as SizedTotal[], unchanged: [] as SizedTotal[] };
    for (const count of [10, 50, 200]) {
      const { cold, unchanged } = await measureProject(report, count);
      totals.cold.push({ size: count, total: cold });
      totals.unchanged.push({ size: count, total: unchanged });
    }
    const sizes = "10 to 200 funcs";
    report.growth({ what: "code digests, cold", sizes, ours: growthExponent(totals.cold) });
    report.growth({ what: "code digests, unchanged", sizes, ours: growthExponent(totals.unchanged) });
  },
};
