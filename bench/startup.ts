// What a user waits for before anything of theirs begins.
import { execFile } from "node:child_process";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { atMost, type Benchmark, compared, type Verdict } from "./benchmark.ts";
import { interleave } from "./measure/interleave.ts";
import { timedAsync } from "./measure/stopwatch.ts";
import { TemporaryFolder } from "./temporary-folder.ts";

const execute = promisify(execFile);
const entry = fileURLToPath(import.meta.resolve("reprise"));
const binary = join(dirname(entry), "bin.js");

/** Files that were left alone for so long, in ms, are known to be unchanged without being read. */
const settling = 3000;

const pipeline = `import { func } from "reprise";
export const empty = func("startup.empty", (): number => 1);
`;

export const startup: Benchmark = {
  title: "Start-up: processes from their start to their end, beside a bare node",
  async run(report) {
    await using folder = await TemporaryFolder.make();
    const file = folder.file("empty.ts");
    await writeFile(file, pipeline);
    await writeFile(folder.file("package.json"), JSON.stringify({ name: "project", type: "module" }));
    await mkdir(folder.file("node_modules"));
    await symlink(dirname(dirname(entry)), folder.file("node_modules/reprise"));
    await pause(settling);
    const home = folder.file("home");
    // Settings of the caller's Node would be paid for by all, and make every ratio look better.
    const { NODE_OPTIONS: _, NODE_EXTRA_CA_CERTS: __, ...inherited } = process.env;
    const env = { ...inherited, REPRISE_HOME: home, NO_COLOR: "1" };
    const nodeWith = (more: NodeJS.ProcessEnv, ...args: readonly string[]) =>
      timedAsync(1, () =>
        execute(process.execPath, args, { env: { ...env, ...more }, cwd: folder.path, timeout: 60_000 }),
      );
    const node = (...args: readonly string[]) => nodeWith({}, ...args);
    const inFreshHome = async (fresh: string, more: NodeJS.ProcessEnv = {}) => {
      await rm(fresh, { recursive: true, force: true });
      return nodeWith({ REPRISE_HOME: fresh, ...more }, binary, "run", file);
    };
    const importing = `await import(${JSON.stringify(pathToFileURL(entry).href)})`;
    const { bare, bareModule, imports, help, runs, runsUnkept, runsFresh } = await interleave(
      {
        bare: () => node("-e", "0"),
        bareModule: () => node("--input-type=module", "-e", "0"),
        imports: () => node("--input-type=module", "-e", importing),
        help: () => node(binary, "--help"),
        runs: () => node(binary, "run", file),
        runsUnkept: () => inFreshHome(folder.file("other"), { REPRISE_KEEP_CODE: "off" }),
        runsFresh: () => inFreshHome(home),
      },
      { repetitions: 15, warmups: 3, inChildren: true },
    );
    const lines: readonly (readonly [string, string, typeof bare, typeof bare, Verdict | undefined])[] = [
      ['import "reprise"', "node, empty module", bareModule, imports, undefined],
      ["reprise --help", "node -e 0", bare, help, atMost(1.6, help.median / bare.median)],
      ["reprise run, empty pipeline", "node -e 0", bare, runs, atMost(3, runs.median / bare.median)],
      ["the same in a fresh home", "node -e 0", bare, runsFresh, undefined],
      ["and without keeping the program", "node -e 0", bare, runsUnkept, undefined],
    ];
    for (const [what, against, limit, ours, verdict] of lines) {
      report.measure({
        what,
        size: "1 process",
        unit: "ms",
        ...compared(against, limit, ours, 1),
        ...(verdict === undefined ? {} : { verdict }),
      });
    }
  },
};
