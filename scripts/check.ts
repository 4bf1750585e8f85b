// Everything that CI runs, in one command: each step runs even when an earlier one failed, so that one run tells all.
// The last line counts tests, and as failed also every other step that failed: "N passed, N failed".
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { root } from "./root.ts";

/** Scripts of package.json. What needs the build comes after it. */
const steps = [
  "check:lockfile",
  "build",
  "format:check",
  "lint",
  "typecheck",
  "test:types",
  "knip",
  "test",
  "check:docs",
  "check:import",
  "check:package",
  "demo",
];

interface TestCounts {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly success: boolean;
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

const folder = await mkdtemp(join(tmpdir(), "reprise-check-"));
const counts = join(folder, "tests.json");

async function passes(step: string): Promise<boolean> {
  console.log(`\n=== ${step}`);
  const args = ["run", "--silent", step];
  if (step === "test") args.push("--", "--reporter=default", "--reporter=json", `--outputFile.json=${counts}`);
  const child = spawn("npm", args, {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    timeout: 25 * 60_000,
    // Nothing of this run may land in the home of the person who checks.
    env: { ...process.env, REPRISE_HOME: join(folder, "home") },
  });
  const [code] = (await once(child, "close")) as [number | null];
  return code === 0;
}

/** What failed in one test file, short: whoever reads only the end of a long log must find it there. */
function describeFailures(file: TestCounts["testResults"][number]): string[] {
  const path = relative(root, file.name);
  const failed = file.assertionResults.filter((test) => test.status === "failed");
  if (failed.length === 0) return file.message === "" ? [] : [`${path}\n${firstLines(file.message)}`];
  return failed.map((test) => `${path} > ${test.fullName}\n${firstLines(test.failureMessages.join("\n"))}`);
}

const firstLines = (text: string): string => text.split("\n").slice(0, 25).join("\n").slice(0, 3000);

async function readTests(): Promise<{ passed: number; failed: number; failures: string[] }> {
  try {
    const tests = JSON.parse(await readFile(counts, "utf8")) as TestCounts;
    // A file that cannot be loaded fails no test of its own.
    const failed = Math.max(tests.numFailedTests, tests.success ? 0 : 1);
    return { passed: tests.numPassedTests, failed, failures: tests.testResults.flatMap(describeFailures) };
  } catch {
    return { passed: 0, failed: 1, failures: [] };
  }
}

const summary: string[] = [];
const failedSteps: string[] = [];
for (const step of steps) {
  const start = performance.now();
  const fine = await passes(step);
  if (!fine) failedSteps.push(step);
  summary.push(`${fine ? "ok  " : "FAIL"} ${step.padEnd(16)} ${((performance.now() - start) / 1000).toFixed(1)} s`);
}
const tests = await readTests();
await rm(folder, { recursive: true, force: true });

const failed = tests.failed + failedSteps.filter((step) => step !== "test").length;
for (const failure of tests.failures) console.log(`\nFAILED ${failure}`);
console.log(`\n${summary.join("\n")}\n`);
console.log(`${String(tests.passed)} passed, ${String(failed)} failed`);
if (failed > 0 || failedSteps.length > 0) process.exitCode = 1;
