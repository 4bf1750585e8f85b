import { PipelineRunError, planRerun, type RerunMode } from "@reprise/core";
import * as fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { context, type Future } from "../index.ts";
import { evaluate, heard, node, optionsOf, type Outcome, type Plan, plans } from "../testing/random-pipeline.ts";
import { verifyHome } from "../testing/verify-home.ts";
import { graphRunsOf } from "./graph-runs.ts";
import { graphOf, placesOf } from "./testing/graph-of.ts";
import { executes, Lab, type Options, type Recorded } from "./testing/lab.ts";

/** How many pipelines are tried in all; `REPRISE_PROPERTY_RUNS` raises it. */
const numRuns = Number(process.env["REPRISE_PROPERTY_RUNS"] ?? 2_000);
const patience = Math.max(60_000, numRuns * 120);
const share = (part: number): { readonly numRuns: number } => ({ numRuns: Math.ceil(numRuns * part) });

beforeEach(() => {
  heard.made = () => undefined;
  heard.begun = () => executes();
});

/** A plan in which nothing fails, so that nothing is handled or tolerated; `retries`: but for bodies that are retried. */
function steady(plan: Plan, retries: boolean): Plan {
  return {
    ...plan,
    ...(retries ? {} : { fails: 0 }),
    steps: plan.steps.map((step) => {
      if (step.kind === "wait") return { ...step, handles: false };
      if (step.kind === "map") return { ...step, tolerate: 0, plan: steady(step.plan, retries) };
      return step.kind === "call" ? { ...step, plan: steady(step.plan, retries) } : step;
    }),
  };
}

interface Trial {
  readonly plan: Plan;
  readonly options: Options;
  /** From which run is re-run, one time after the other, counted round and round. */
  readonly picks: readonly number[];
}

const trials = (retries: boolean): fc.Arbitrary<Trial> =>
  fc.record({
    plan: plans(true).map((plan) => steady(plan, retries)),
    options: fc.record({ concurrency: fc.integer({ min: 1, max: 4 }) }),
    picks: fc.array(fc.nat(9_999), { minLength: 1, maxLength: 4 }),
  });

function begin(plan: Plan): Future<Outcome> {
  return node(plan, [1]).$set(optionsOf(plan));
}

/** Places of the runs whose bodies a re-run is to execute, where each body calls what it had called. */
async function foretold(lab: Lab, { id, runs }: Recorded, target: string, mode: RerunMode): Promise<string[]> {
  const graph = await lab.home.backend.readGraph(id);
  if (graph === undefined) throw new Error(`there is no graph of ${id}`);
  const plan = planRerun(graphRunsOf(graph), { mode, target });
  const actions = new Set(["reset", "reexecute"]);
  const places = [...placesOf({ runs })].filter(([, run]) => {
    const { action, reason } = plan.get(run.id) ?? {};
    if (run.kind === "map" || run.func.id !== node.id || action === undefined) return false;
    return actions.has(action) || (action === "drop" && reason?.type === "nested");
  });
  return places.map(([place]) => place).sort();
}

function executedPlaces(recorded: Recorded): string[] {
  const places = [...placesOf(recorded)].filter(([, { id }]) => recorded.executedRuns.has(id));
  return places.map(([place]) => place).sort();
}

describe("a pipeline made by chance, with code that is as it was", () => {
  test("executes what is foretold in a re-run from any run, and comes to the same", { timeout: patience }, async () => {
    const lab = await Lab.open({ verifies: false });
    await fc.assert(
      fc.asyncProperty(trials(false), async ({ plan, options, picks }) => {
        const value = evaluate(plan, [1]);
        let last: Recorded<Outcome> = await lab.run(begin(plan), options);
        expect(last.value).toEqual(value);
        for (const pick of picks) {
          const target = last.runs[pick % last.runs.length];
          const places = await foretold(lab, last, target?.id ?? "", "from");
          const next = await lab.rerun(last, target, begin(plan), options);
          expect({ value: next.value, error: next.error }).toEqual({ value, error: undefined });
          expect(executedPlaces(next)).toEqual(places);
          expect(graphOf(next)).toEqual(graphOf(last));
          last = next;
        }
      }),
      share(0.02),
    );
    await verifyHome(lab.home);
  });

  test("comes to the same also where bodies are retried", { timeout: patience }, async () => {
    const lab = await Lab.open({ verifies: false });
    await fc.assert(
      fc.asyncProperty(trials(true), async ({ plan, options, picks }) => {
        const value = evaluate(plan, [1]);
        let last: Recorded<Outcome> = await lab.run(begin(plan), options);
        for (const pick of picks) {
          last = await lab.rerun(last, last.runs[pick % last.runs.length], begin(plan), options);
          expect({ value: last.value, error: last.error }).toEqual({ value, error: undefined });
        }
      }),
      share(0.015),
    );
    await verifyHome(lab.home);
  });
});

/** How pipeline runs are stopped: when so many bodies have begun, that one fails, or everything is canceled. */
const stops = fc.array(
  fc.record({ at: fc.integer({ min: 1, max: 6 }), how: fc.constantFrom("fail" as const, "cancel" as const) }),
  { minLength: 1, maxLength: 3 },
);

/** From now on bodies begin, until one is to stop; gives the signal for the runner. */
function stopAt({ at, how }: { readonly at: number; readonly how: "fail" | "cancel" }): AbortSignal {
  const stop = new AbortController();
  const broken = new Set<string>();
  let begun = 0;
  heard.begun = () => {
    executes();
    begun += 1;
    const { runId } = context();
    if (begun === at && how === "cancel") stop.abort();
    if (begun === at && how === "fail") broken.add(runId);
    // However often it is retried.
    if (broken.has(runId)) throw new Error("broken by chance");
  };
  return stop.signal;
}

describe("a pipeline made by chance, whatever becomes of it", () => {
  test("can be re-run from any run, and continued, as often as one likes", { timeout: patience }, async () => {
    const lab = await Lab.open({ verifies: false });
    const ended = { complete: 0, failed: 0 };
    const wild = fc.record({ plan: plans(false), options: fc.record({ concurrency: fc.integer({ min: 1, max: 4 }) }) });
    const steps = fc.array(fc.option(fc.nat(9_999)), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(wild, steps, async ({ plan, options }, picks) => {
        let last: Recorded<Outcome> = await lab.run(begin(plan), options);
        for (const pick of picks) {
          const isComplete = last.error === undefined;
          last =
            pick === null
              ? await lab.continue(last, begin(plan), options)
              : await lab.rerun(last, last.runs[pick % last.runs.length], begin(plan), options);
          // Bodies fail, nothing else does.
          expect(last.error === undefined || last.error instanceof PipelineRunError).toBe(true);
          // A complete one has nothing to continue with.
          if (pick === null && isComplete && Object.keys(last.executed).length > 0)
            throw new Error("something executed");
        }
        ended[last.error === undefined ? "complete" : "failed"] += 1;
      }),
      share(0.015),
    );
    expect(Math.min(ended.complete, ended.failed)).toBeGreaterThan(0);
    await verifyHome(lab.home);
  });
});

describe("a pipeline made by chance that failed or was canceled", () => {
  test("goes on from any state to the value of a run that nothing stopped", { timeout: patience }, async () => {
    const lab = await Lab.open({ verifies: false });
    let stopped = 0;
    await fc.assert(
      fc.asyncProperty(trials(false), stops, async ({ plan, options, picks: [pick = 0] }, [first, ...others]) => {
        const value = evaluate(plan, [1]);
        const signal = stopAt(first as NonNullable<typeof first>);
        let last: Recorded<Outcome> = await lab.run(begin(plan), { ...options, signal });
        if (last.error !== undefined) stopped += 1;
        for (const stop of others) last = await lab.continue(last, begin(plan), { ...options, signal: stopAt(stop) });
        heard.begun = () => executes();
        const places = await foretold(lab, last, last.id, "continue");
        const whole = await lab.continue(last, begin(plan), options);
        expect({ value: whole.value, error: whole.error }).toEqual({ value, error: undefined });
        // What had never been called is not foretold.
        const executed = executedPlaces(whole);
        expect(places.filter((place) => !executed.includes(place))).toEqual([]);
        const before = placesOf(last);
        const unforeseen = executed.filter((place) => !places.includes(place));
        expect(unforeseen.filter((place) => before.get(place)?.state === "RESOLVED")).toEqual([]);
        const from = await lab.rerun(last, last.runs[pick % last.runs.length], begin(plan), options);
        expect({ value: from.value, error: from.error }).toEqual({ value, error: undefined });
      }),
      share(0.02),
    );
    expect(stopped).toBeGreaterThan(numRuns * 0.002);
    await verifyHome(lab.home);
  });
});
