import { DatabaseSync } from "node:sqlite";
import type { RunFailedError } from "@reprise/core";
import { describe, expect, test } from "vitest";
import { context, func } from "./index.ts";
import { compileCache } from "./testing/compile-cache.ts";
import { CrashedHome, recorded } from "./testing/resume-home.ts";
import { noted } from "./testing/resume-log.ts";

const env = compileCache();

// The funcs as they are after the crash; `testing/resume-scenarios.ts` has what they were before.
const quick = func("quick", (number: number) => noted(number, () => number * -2));
const stays = func("stays", (number: number) => noted(number, () => number + 100));
const kept = func("kept", (value: unknown) => value);
const fails = func("fails", (number: number) => noted(number, () => number));

describe("a failure that a body had dealt with before the crash", () => {
  test("does not fail it, though the body had waited only for what needed it", async () => {
    const scenario = "has caught what failed with its source";
    const crashed = await CrashedHome.after(
      scenario,
      env,
      (runs) => runs[0]?.state === "RAN" && runs.at(-1)?.state === "RUNNING",
    );
    const root = func(scenario, () => kept(0));
    expect(await crashed.resume(recorded(root))).toBe(101);
    const states = (await crashed.runs()).map(({ func: { id }, state }) => `${id} ${state}`);
    expect(states).toEqual([`${scenario} RESOLVED`, "fails FAILED", "kept CANCELED", "stays RESOLVED"]);
    await crashed.verify();
  });

  test("is the same error again if it was that of a nested run", async () => {
    const scenario = "has caught a nested failure";
    const crashed = await CrashedHome.after(scenario, env);
    const nests = func("nests", (number: number) => fails(number));
    const root = func(scenario, () =>
      nests(1)
        .$value()
        .catch(({ message, cause }: RunFailedError) => [message, (cause as Error).name, (cause as Error).message]),
    );
    const [, nested, failed] = crashed.left;
    expect(await crashed.resume(root())).toEqual([
      `Run ${nested?.id} of func "nests" failed, because run ${failed?.id} of func "fails" failed: not 1, attempt 2`,
      "RangeError",
      "not 1, attempt 2",
    ]);
    expect(crashed.executed).toEqual([]);
    await crashed.verify();
  });
});

describe("a body that calls maps in another order than before the crash", () => {
  test("gets from each the results for its own items", async () => {
    const scenario = "maps what comes in any order";
    const crashed = await CrashedHome.after(scenario, env);
    const maps = crashed.left.filter(({ kind }) => kind === "map");
    expect(maps).toHaveLength(2);
    const after = func("after", (number: number) => [number]);
    const root = func(scenario, async () => {
      const results = [0, 1].map(async (number) => quick.map(await after(number).$value()).$value());
      return [await Promise.all(results), await stays(0).$value()];
    });
    expect(await crashed.resume(root())).toEqual([[[0], [2]], 100]);
    expect(crashed.executed).toEqual([["stays", 0, 1]]);
    await crashed.verify();
  });
});

describe("what had been called before the crash", () => {
  test("ends with its pipeline run if nobody has called it again until then", async () => {
    const crashed = await CrashedHome.after("waits on two levels", env);
    const { promise: begun, resolve } = Promise.withResolvers<void>();
    const around = func("around", (number: number) => {
      if (number === 1) resolve();
      return new Promise<number>((_, reject) => {
        context().signal.addEventListener("abort", () => reject(context().signal.reason as Error));
      });
    });
    const root = func("waits on two levels", () => Promise.all([around(1).$value(), around(2).$value()]));
    const handle = await crashed.runner().submit(root());
    await begun;
    await handle.cancel("no longer wanted");
    const ended = (await crashed.runs()).map(({ id, state }) => [id, state]);
    expect(ended).toEqual(crashed.left.map(({ id }) => [id, "CANCELED"]));
    await crashed.verify();
  });
});

describe("the state of the work tree with which a pipeline run was begun", () => {
  test("stays when it goes on with another one", async () => {
    const scenario = "needs a func";
    const crashed = await CrashedHome.after(scenario, env);
    const git = { commit: "0".repeat(40), branch: "before", dirty: false, remote: null };
    const database = new DatabaseSync(crashed.home.backend.place);
    database.prepare("UPDATE pipeline_runs SET git = ?").run(JSON.stringify(git));
    database.close();
    const root = func(scenario, () => 0);
    func("only", (number: number) => number);
    expect(await crashed.resume(recorded(root))).toEqual([1, 2]);
    expect((await crashed.pipelineRun()).git).toEqual(git);
  });
});
