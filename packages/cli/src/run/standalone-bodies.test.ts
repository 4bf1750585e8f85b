import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type Finished, jsonLines, Project } from "../testing/project.ts";

const pipeline = `
import { func } from "reprise";
import { factor } from "./factor.ts";
const times = func({ id: "times", standalone: true, run: (n: number) => [n * factor, process.pid] as const });
export const all = func("all", async () => [[0, process.pid], ...(await times.map([1, 2, 3]).$value())]);
`;

/** The output of the latest pipeline run. */
async function output(project: Project): Promise<[number, number][]> {
  const { value } = (await project.json("artifact", "get", "latest")) as { value: [number, number][] };
  return value;
}

interface Outcome {
  readonly values: readonly number[];
  /** Whether every body was in another process than the driver. */
  readonly isElsewhere: boolean;
}

/** What the pipeline came to, as its output was recorded. */
async function outcomeOf(project: Project, { code, stderr }: Finished): Promise<Outcome> {
  expect({ code, stderr: stderr.match(/rror.*/)?.[0] }).toEqual({ code: 0, stderr: undefined });
  const [here, ...there] = await output(project);
  return { values: there.map(([value]) => value), isElsewhere: there.every(([, pid]) => pid !== here?.[1]) };
}

describe("standalone bodies take the code as the driver does", () => {
  const expected: Outcome = { values: [7, 14, 21], isElsewhere: true };

  it("from TypeScript that Node strips", async () => {
    using project = new Project({ "pipeline.ts": pipeline, "factor.ts": "export const factor = 7;" });
    expect(await outcomeOf(project, await project.start(["run", "pipeline.ts"]).finished)).toEqual(expected);
  });

  it("by a loader", async () => {
    const factor = "enum Factors { seven = 7 } export const factor: number = Factors.seven;";
    using project = new Project({ "pipeline.ts": pipeline, "factor.ts": factor });
    const tsx = fileURLToPath(import.meta.resolve("tsx"));
    const run = project.start(["run", "pipeline.ts", "--import", tsx]);
    expect(await outcomeOf(project, await run.finished)).toEqual(expected);
  });

  it("from the program that was kept, when its files are gone", async () => {
    using project = new Project({ "pipeline.ts": pipeline, "factor.ts": "export const factor = 7;" });
    await project.start(["run", "pipeline.ts"], { env: { REPRISE_KEEP_CODE: "on" } }).finished;
    for (const file of ["pipeline.ts", "factor.ts"]) rmSync(join(project.folder, file));
    expect(await outcomeOf(project, await project.start(["rerun", "latest"]).finished)).toEqual(expected);
  });
});

describe("--max-parallelism", () => {
  it("bounds the bodies that execute at once", async () => {
    using project = new Project({
      "pipeline.ts": `
        import { func } from "reprise";
        import { setTimeout as pause } from "node:timers/promises";
        const timed = func({ id: "timed", standalone: true, run: async (_n: number) => {
          const begun = Date.now();
          await pause(30);
          return [begun, Date.now()];
        } });
        export const all = func("all", () => timed.map([1, 2, 3, 4]));`,
    });
    await project.start(["run", "pipeline.ts", "--max-parallelism", "1"]).finished;
    const times = (await output(project)).sort(([a], [b]) => a - b);
    for (const [at, [begun]] of times.entries()) expect(begun).toBeGreaterThanOrEqual(times[at - 1]?.[1] ?? 0);
  });

  it.each(["0", "-1", "many"])("refuses %s", async (count) => {
    using project = new Project({ "pipeline.ts": pipeline });
    const { code, stdout } = await project.start(["run", "pipeline.ts", `--max-parallelism=${count}`, "--json"])
      .finished;
    expect(code).toBe(2);
    expect(jsonLines(stdout).at(-1)).toMatchObject({
      error: { code: "USAGE", message: expect.stringContaining("--max-parallelism") as string },
    });
  });
});
