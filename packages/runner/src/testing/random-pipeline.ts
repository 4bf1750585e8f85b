/** Pipelines made by chance: what they look like, how a func executes them, and what they come to in plain code. */
import { setImmediate as turn } from "node:timers/promises";
import * as fc from "fast-check";
import { type CallOptions, context, type Func, func, type Future, isFuture, type Pending } from "../index.ts";

/** What one body does. Plain data, so that it can be an argument. */
export interface Plan {
  readonly salt: number;
  readonly steps: readonly Step[];
  /** How the result is given: as values, with futures in it, or as the last call's future itself. */
  readonly gives: "values" | "futures" | "last";
  /** The body throws in so many attempts, before or after its steps. */
  readonly fails: number;
  readonly failsLate: boolean;
  readonly retries: number;
  readonly retryDelay: number;
  /** The body never ends by itself; its timeout of so many ms ends it. 0: it ends. */
  readonly hangs: number;
  /** Whether the body executes in a worker process. */
  readonly standalone?: boolean;
}

export type Step =
  | {
      readonly kind: "call";
      readonly plan: Plan;
      readonly uses: readonly number[];
      readonly shape: Shape;
      readonly after: readonly number[];
    }
  | {
      readonly kind: "map";
      readonly plan: Plan;
      readonly uses: readonly number[];
      readonly concurrency: number;
      readonly tolerate: number;
      readonly known: boolean;
    }
  | { readonly kind: "wait"; readonly uses: readonly number[]; readonly how: "all" | "race"; readonly handles: boolean }
  | { readonly kind: "turn"; readonly far: boolean };

type Shape = "array" | "object" | "map";

/** What every body comes to. */
export interface Outcome {
  readonly last: number;
  readonly list: readonly number[];
}

type Known = number | Future<number>;
const refs = fc.array(fc.nat(7), { minLength: 1, maxLength: 3 });

/** Plans by chance; `calm` ones neither fail nor hang for good. */
export function plans(calm: boolean): fc.Arbitrary<Plan> {
  const { plan } = fc.letrec<{ plan: Plan; step: Step }>((tie) => ({
    plan: fc
      .record({
        salt: fc.nat(999),
        steps: fc.oneof({ maxDepth: 4 }, fc.constant([]), fc.array(tie("step"), { maxLength: 4 })),
        gives: fc.constantFrom<Plan["gives"]>("values", "futures", "last"),
        fails: fc.oneof(
          { weight: 6, arbitrary: fc.constant(0) },
          { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }) },
        ),
        failsLate: fc.boolean(),
        retries: fc.nat(2),
        retryDelay: fc.constantFrom(0, 1),
        hangs: fc.oneof({ weight: 30, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(1, 2) }),
      })
      .map((plan): Plan => (calm ? calmed(plan) : plan)),
    step: fc.oneof(
      { maxDepth: 4, depthSize: "small" },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("turn" as const), far: fc.boolean() }) },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant("wait" as const),
          uses: refs,
          how: fc.constantFrom("all" as const, "race" as const),
          handles: fc.boolean(),
        }),
      },
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constant("call" as const),
          plan: tie("plan"),
          uses: refs,
          shape: fc.constantFrom<Shape>("array", "object", "map"),
          after: fc.array(fc.nat(3), { maxLength: 2 }),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant("map" as const),
          plan: tie("plan"),
          uses: refs,
          concurrency: fc.integer({ min: 1, max: 3 }),
          tolerate: fc.nat(1),
          known: fc.boolean(),
        }),
      },
    ),
  }));
  return plan;
}

/** A plan that fails no more often than it is retried. */
function calmed(plan: Plan): Plan {
  return { ...plan, fails: Math.min(plan.fails, plan.retries), hangs: 0 };
}

/** The value of a plan in plain code, if nothing fails. */
export function evaluate(plan: Plan, inputs: readonly number[]): Outcome {
  const known = [...inputs, mix(plan.salt, inputs)];
  let last: Outcome | undefined;
  for (const step of plan.steps) {
    if (step.kind === "call") {
      last = evaluate(step.plan, pick(known, step.uses));
      known.push(last.last, last.list[0] as number);
    } else if (step.kind === "map") {
      const items = step.known || last === undefined ? pick(known, step.uses) : last.list;
      const results = items.map((item) => evaluate(step.plan, [item]));
      known.push((results[0] as Outcome).last, results.length);
    }
  }
  if (plan.gives === "last" && last !== undefined) return last;
  return { last: known.at(-1) as number, list: known };
}

/** Whether a plan comes to a value in the end. */
export function isCalm(plan: Plan): boolean {
  const below = plan.steps.every((step) => !("plan" in step) || isCalm(step.plan));
  return plan.hangs === 0 && plan.fails <= plan.retries && below;
}

/** Who hears of what bodies do. */
export const heard: {
  /** A future was made; the runner does not know of it yet. */
  made: (future: Future<unknown>) => void;
  /** A body begins. */
  begun: () => void;
} = { made: () => undefined, begun: () => undefined };

/** Executes a plan by calls of itself. */
export const node: Func<[plan: Plan, inputs: unknown], Outcome> = func(
  "random node",
  async (plan: Plan, inputs: unknown): Promise<Outcome> => {
    heard.begun();
    const { attempt } = context();
    if (plan.hangs > 0) await new Promise<void>(() => undefined);
    if (attempt <= plan.fails && !plan.failsLate) throw new Error(`attempt ${attempt} fails`);
    const numbers = plainInputs(inputs);
    const known: Known[] = [...numbers, mix(plan.salt, numbers)];
    const calls: Pending<Outcome>[] = [];
    for (const step of plan.steps) await take(step, known, calls);
    if (attempt <= plan.fails) throw new Error(`attempt ${attempt} fails late`);
    if (plan.gives === "values") await wait(known, known.keys().toArray(), false);
    const last = calls.at(-1);
    const result = plan.gives === "last" && last !== undefined ? last : { last: known.at(-1), list: known };
    return result as unknown as Outcome;
  },
);

const pairs = func("random pairs", (plan: Plan, list: readonly number[]) =>
  list.map((item): [Plan, number[]] => [plan, [item]]),
);

async function take(step: Step, known: Known[], calls: Pending<Outcome>[]): Promise<void> {
  if (step.kind === "turn") await (step.far ? turn() : Promise.resolve());
  else if (step.kind === "wait") {
    if (step.how === "all") await wait(known, indexes(known, step.uses), step.handles);
    else await race(pick(known, step.uses), step.handles);
  } else if (step.kind === "call") {
    const future = begin(step.plan, shape(pick(known, step.uses), step.shape));
    if (calls.length > 0) future.$after(...pick(calls, step.after));
    calls.push(future);
    known.push(future.last, future.list[0] as Future<number>);
  } else {
    const { concurrency, tolerate } = step;
    const last = calls.at(-1);
    const items =
      step.known || last === undefined
        ? pick(known, step.uses).map((item): [Plan, Known[]] => [step.plan, [item]])
        : pairs(step.plan, last.list);
    const each = optionsOf(step.plan);
    const results = node.map(items, { concurrency, tolerate, each }) as unknown as Pending<Outcome[]>;
    heard.made(results);
    known.push((results[0] as Pending<Outcome>).last, results.$get("length"));
  }
}

function begin(plan: Plan, inputs: unknown): Pending<Outcome> {
  const future = node(plan, inputs).$set(optionsOf(plan));
  heard.made(future);
  return future;
}

/** The options of the call of a plan. */
export function optionsOf({ retries, retryDelay, hangs, standalone = false }: Plan): CallOptions {
  const options = { retry: { retries, delay: retryDelay }, ...(standalone ? { standalone } : {}) };
  return hangs > 0 ? { ...options, timeout: hangs } : options;
}

/** The same plan, of whose bodies about every third executes in a worker process. */
export function withWorkers(plan: Plan): Plan {
  const steps = plan.steps.map((step): Step => ("plan" in step ? { ...step, plan: withWorkers(step.plan) } : step));
  return { ...plan, steps, standalone: plan.salt % 3 === 0 };
}

async function wait(known: Known[], uses: readonly number[], handles: boolean): Promise<void> {
  await Promise.all(
    uses.map(async (at) => {
      try {
        known[at] = await valueOf(known[at] as Known);
      } catch (error) {
        if (!handles) throw error;
        known[at] = -1;
      }
    }),
  );
}

async function race(known: readonly Known[], handles: boolean): Promise<void> {
  try {
    await Promise.race(known.map(valueOf));
  } catch (error) {
    if (!handles) throw error;
  }
}

async function valueOf(known: Known): Promise<number> {
  return isFuture(known) ? known.$value() : known;
}

function shape(list: readonly Known[], as: Shape): unknown {
  if (as === "array") return list;
  if (as === "object") return { inner: [{ list }] };
  return new Map(list.map((item, at) => [at, { item }]));
}

function plainInputs(shaped: unknown): readonly number[] {
  if (Array.isArray(shaped)) return shaped as number[];
  if (shaped instanceof Map) return [...(shaped as Map<number, { item: number }>).values()].map(({ item }) => item);
  return (shaped as { inner: [{ list: number[] }] }).inner[0].list;
}

function mix(salt: number, inputs: readonly number[]): number {
  return inputs.reduce((sum, input) => (31 * sum + input) % 1_000_003, salt);
}

function indexes(list: readonly unknown[], uses: readonly number[]): number[] {
  return [...new Set(uses.map((use) => use % list.length))];
}

function pick<T>(list: readonly T[], uses: readonly number[]): T[] {
  return uses.map((use) => list[use % list.length] as T);
}
