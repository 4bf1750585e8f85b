// What `import "reprise"` costs a program that imports it: time and memory beside a bare Node process of the same run,
// and what is loaded for it. Build first.
import { join } from "node:path";
import type { Metafile } from "esbuild";
import { buildJavaScript } from "./build.ts";
import { root } from "./root.ts";
import { mustRun } from "./run.ts";

/** Bounds on (process that imports reprise) / (bare process): machines differ, their ratio hardly does. */
const limits = { time: 3, memory: 1.6 };
const rounds = 15;

interface Cost {
  /** Milliseconds from the start of the process until the module was ready. */
  readonly time: number;
  /** Resident memory in MB. */
  readonly memory: number;
}

async function measure(statement: string): Promise<Cost> {
  const report = "console.log(JSON.stringify({ time: performance.now(), memory: process.memoryUsage.rss() / 1e6 }))";
  const script = `${statement}\n${report};`;
  return JSON.parse(await mustRun(process.execPath, ["--input-type=module", "-e", script], { cwd: root })) as Cost;
}

/** The least of all rounds: whatever else the machine does can only add to what it takes. */
function least(numbers: readonly number[]): number {
  return Math.min(...numbers);
}

/** Every module outside the package that loading `entry` loads at once; a dynamic import waits until it is needed. */
function loadedWith(entry: string, { outputs }: Metafile): Set<string> {
  const foreign = new Set<string>();
  const visited = new Set<string>();
  const waiting = [entry];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (visited.has(path)) continue;
    visited.add(path);
    for (const found of outputs[path]?.imports ?? []) {
      if (found.kind !== "import-statement") continue;
      if (found.external === true) foreign.add(found.path);
      else waiting.push(found.path);
    }
  }
  return foreign;
}

/** Node is asked, because no import statement names what the store takes from Node when it is loaded. */
async function loadsSqlite(): Promise<boolean> {
  const script = `await import(${entry}); console.log(process.moduleLoadList.includes("NativeModule sqlite"));`;
  return (await mustRun(process.execPath, ["--input-type=module", "-e", script], { cwd: root })).trim() === "true";
}

let failed = false;
function check(fine: boolean, line: string): void {
  console.log(`${fine ? "ok  " : "FAIL"} ${line}`);
  if (!fine) failed = true;
}

const loaded = loadedWith("packages/reprise/dist/index.js", await buildJavaScript());
// A database, a command line and npm packages are loaded when they are used, not by everyone who imports the package.
const heavy = [...loaded].filter((name) => !name.startsWith("node:"));
const entry = JSON.stringify(join(root, "packages/reprise/dist/index.js"));
if (await loadsSqlite()) heavy.push("node:sqlite");
const says = heavy.length === 0 ? "nothing but Node's own modules" : `loads at once ${heavy.join(", ")}`;
check(heavy.length === 0, `import "reprise": ${says}`);

const bare: Cost[] = [];
const ours: Cost[] = [];
for (let round = 0; round < rounds; round += 1) {
  bare.push(await measure(""));
  ours.push(await measure(`await import(${entry});`));
}
for (const [what, unit] of [
  ["time", "ms"],
  ["memory", "MB"],
] as const) {
  const without = least(bare.map((cost) => cost[what]));
  const above = least(ours.map((cost) => cost[what])) - without;
  const ratio = (without + above) / without;
  check(
    ratio <= limits[what],
    `${what}: bare node ${without.toFixed(0)} ${unit}, reprise ${above.toFixed(1)} ${unit} above it: ` +
      `ratio ${ratio.toFixed(2)}, limit ${String(limits[what])}`,
  );
}
if (failed) process.exitCode = 1;
