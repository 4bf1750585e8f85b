import { inspect, isDeepStrictEqual } from "node:util";
import { canRunGo, isFinished, PipelineRunError, type RunState } from "@reprise/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Call } from "./call.ts";
import { futureOf } from "./future.ts";
import { type Future, LocalRunner, type Runner, type RunnerEvent, SilentRunner } from "./index.ts";
import { evaluate, heard, isCalm, node, optionsOf, type Outcome, type Plan, plans } from "./testing/random-pipeline.ts";
import { problemsOfEvents } from "./testing/problems-of-events.ts";
import { homeOf, temporaryFolder } from "./testing/temporary-home.ts";
import { verifyHome } from "./testing/verify-home.ts";

/** How many pipelines are tried in all; `REPRISE_PROPERTY_RUNS` raises it. */
const numRuns = Number(process.env["REPRISE_PROPERTY_RUNS"] ?? 2_000);
const patience = Math.max(60_000, numRuns * 60);

/** A pipeline, how it is executed, and after how many bodies it is canceled. */
interface Trial {
  readonly plan: Plan;
  readonly concurrency: number;
  readonly cancelAt: number;
}

const trials = (calm: boolean): fc.Arbitrary<Trial> =>
  fc.record({
    plan: plans(calm),
    concurrency: fc.integer({ min: 1, max: 4 }),
    cancelAt: calm ? fc.constant(0) : fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 12 })),
  });

interface Ended {
  readonly value: unknown;
  readonly error: unknown;
  readonly calls: readonly Call[];
}

/** Executes a trial, watching every change of state of every call. */
async function execute({ plan, cancelAt }: Trial, runner: Runner): Promise<Ended> {
  const calls: Call[] = [];
  const illegal: string[] = [];
  const watch = (future: Future<unknown>): void => {
    const { call } = futureOf(future) ?? {};
    for (const one of call === undefined ? [] : [call, ...(call.map?.calls ?? [])]) {
      calls.push(one);
      watchState(one, illegal);
    }
  };
  const root = node(plan, [1]).$set(optionsOf(plan));
  watch(root);
  heard.made = watch;
  let begun = 0;
  let cancel = (): void => undefined;
  heard.begun = () => {
    begun += 1;
    if (begun === cancelAt) cancel();
  };
  const handle = await runner.submit(root);
  cancel = () => void handle.cancel("by chance");
  if (begun >= cancelAt && cancelAt > 0) cancel();
  const ended = await inTime(
    handle.result().then(
      (value): Ended => ({ value, error: undefined, calls }),
      (error: unknown): Ended => ({ value: undefined, error, calls }),
    ),
  );
  expect(illegal).toEqual([]);
  return ended;
}

function watchState(call: Call, illegal: string[]): void {
  let { state } = call;
  Object.defineProperty(call, "state", {
    get: () => state,
    set: (next: RunState) => {
      if (!canRunGo(state, next)) illegal.push(`${state} > ${next}`);
      state = next;
    },
  });
}

/** Fails loudly where a pipeline would hang. */
async function inTime<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("the pipeline did not end")), 3_000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What does not hold of a trial, though it holds of every one, however it went. */
function problemsOf({ plan, cancelAt }: Trial, { value, error, calls }: Ended): string[] {
  const problems: string[] = [];
  if (error !== undefined && !(error instanceof PipelineRunError))
    problems.push(`an error of the engine: ${inspect(error)}`);
  // What a body calls in the very tick in which it is stopped never becomes a run.
  for (const { label, state, submitted } of calls) {
    if (submitted && !isFinished(state)) problems.push(`${label} is ${state}`);
  }
  if ((calls[0]?.state === "RESOLVED") !== (error === undefined)) problems.push(`the root is ${calls[0]?.state}`);
  if (isCalm(plan) && (error === undefined || cancelAt === 0) && !isDeepStrictEqual(value, evaluate(plan, [1]))) {
    problems.push(`the value is ${inspect(value)}, not ${inspect(evaluate(plan, [1]))}`);
  }
  if (!isCalm(plan) && error === undefined) problems.push(...lostFailures(calls));
  return problems;
}

/** A run that has a value has no failure below it that nobody handled. */
function lostFailures(calls: readonly Call[]): string[] {
  return calls
    .filter(({ parent, parentAttempt }) => parent?.state === "RESOLVED" && parentAttempt === parent.attempt)
    .filter(({ state, handled }) => state !== "RESOLVED" && !handled)
    .map(({ label, state }) => `${label} is ${state}, nobody handled it, and its parent has a value`);
}

describe("a pipeline made by chance", () => {
  it("comes to what plain code comes to, when nothing fails", { timeout: patience }, async () => {
    await fc.assert(
      fc.asyncProperty(trials(true), async (trial) => {
        const ended = await execute(trial, new SilentRunner({ concurrency: trial.concurrency }));
        expect(problemsOf(trial, ended)).toEqual([]);
      }),
      { numRuns: Math.ceil(numRuns * 0.4) },
    );
  });

  it("always ends, in legal states only, with nothing left unfinished", { timeout: patience }, async () => {
    await fc.assert(
      fc.asyncProperty(trials(false), async (trial) => {
        const ended = await execute(trial, new SilentRunner({ concurrency: trial.concurrency }));
        expect(problemsOf(trial, ended)).toEqual([]);
      }),
      { numRuns: Math.ceil(numRuns * 0.5) },
    );
  });

  it("does so also when it is recorded, and the record tells the same", { timeout: patience }, async () => {
    const path = temporaryFolder();
    const counts = { trials: 0, resolved: 0 };
    const events: RunnerEvent[] = [];
    {
      const runners = [1, 2, 3, 4].map(
        (concurrency) =>
          new LocalRunner({
            home: path,
            concurrency,
            onEvent: (event) => void events.push(event),
            handleSignals: false,
          }),
      );
      await fc.assert(
        fc.asyncProperty(fc.oneof(trials(true), trials(false)), async (trial) => {
          events.length = 0;
          const ended = await execute(trial, runners[trial.concurrency - 1] as LocalRunner);
          expect([...problemsOf(trial, ended), ...problemsOfEvents(events)]).toEqual([]);
          counts.trials += 1;
          if (ended.error === undefined) counts.resolved += 1;
        }),
        { numRuns: Math.ceil(numRuns * 0.1) },
      );
      for (const runner of runners) await runner[Symbol.asyncDispose]();
    }
    const home = await homeOf(path);
    const { pipelineRuns } = await verifyHome(home);
    expect(pipelineRuns).toBe(counts.trials);
    const rows = await home.backend.listPipelineRuns({ limit: 100_000 });
    expect(rows.filter(({ state }) => state === "COMPLETE").length).toBe(counts.resolved);
    expect(rows.every(({ state }) => ["COMPLETE", "FAILED", "CANCELED"].includes(state))).toBe(true);
  });
});

describe("the plans that chance makes", () => {
  it("try everything: values, failures, retries, maps, waits and nesting", () => {
    const seen = { calm: 0, failing: 0, retried: 0, maps: 0, waits: 0, hanging: 0, deep: 0 };
    const look = (plan: Plan, depth: number): void => {
      if (plan.fails > 0 && plan.fails <= plan.retries) seen.retried += 1;
      if (plan.fails > plan.retries) seen.failing += 1;
      if (plan.hangs > 0) seen.hanging += 1;
      if (depth > 2) seen.deep += 1;
      for (const step of plan.steps) {
        if (step.kind === "map") seen.maps += 1;
        if (step.kind === "wait") seen.waits += 1;
        if ("plan" in step) look(step.plan, depth + 1);
      }
    };
    for (const plan of fc.sample(plans(false), { numRuns: 2_000, seed: 7 })) {
      if (isCalm(plan)) seen.calm += 1;
      look(plan, 0);
    }
    const rare = Object.entries(seen).filter(([, count]) => count < 50);
    expect(rare).toEqual([]);
  });

  it("come to different values", () => {
    const outcomes = fc.sample(plans(true), { numRuns: 200, seed: 7 }).map((plan): Outcome => evaluate(plan, [1]));
    expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size).toBeGreaterThan(150);
  });
});
