import { func, type Future } from "reprise";

const half = func("rerun.half", (value: number) => value / 2 + 0.25);
const flat = func("rerun.flat", (count: number) => Array.from({ length: count }, (_, at) => half(at)));
const mapped = func("rerun.mapped", (count: number) => half.map(Array.from({ length: count }, (_, at) => at)));
const block = func("rerun.block", (from: number, count: number) =>
  Array.from({ length: count }, (_, at) => half(from + at)),
);
const nest = func("rerun.nest", (blocks: number, count: number) =>
  Array.from({ length: blocks }, (_, at) => block(at * count, count)),
);
const awaited = func("rerun.awaited", async (count: number) => {
  let value = 0;
  for (let at = 0; at < count; at += 1) value = await half(value + at).$value();
  return value;
});

/** Executes in every home before anything is measured there. */
export const first = func("rerun.first", () => 0);

/** Set where pipelines are to be interrupted: their last run never ends. */
export const hangs = "REPRISE_BENCH_HANGS";
const last = func("rerun.last", () => (process.env[hangs] === undefined ? 0 : new Promise<number>(() => undefined)));
const flatToLast = func("rerun.flat-to-last", (count: number) => [
  ...Array.from({ length: count - 1 }, (_, at) => half(at)),
  last(),
]);
const awaitedToLast = func("rerun.awaited-to-last", async (count: number) => {
  let value = 0;
  for (let at = 0; at < count - 1; at += 1) value = await half(value + at).$value();
  return value + (await last().$value());
});

/** A pipeline with many runs, of which few execute when it is re-run from the last, or goes on. */
export interface Shape {
  readonly what: string;
  /** Calls it with so many runs below its root. */
  readonly start: (count: number) => Future<unknown>;
  /** Calls it with no others than those that execute. */
  readonly remainder: () => Future<unknown>;
  /** Calls it for the recorded arguments. */
  readonly again: () => Future<unknown>;
}

/** A func is called without arguments where the recorded ones are meant. */
function withoutArguments(root: object): () => Future<unknown> {
  return root as () => Future<unknown>;
}

/** The body has returned the futures of all runs. */
const returned: Shape = {
  what: "returned as an array",
  start: flat,
  remainder: () => flat(1),
  again: withoutArguments(flat),
};

const map: Shape = {
  what: "elements of a map",
  start: mapped,
  remainder: () => mapped(1),
  again: withoutArguments(mapped),
};

const perBlock = 100;
/** Runs are taken over with what is nested in them. */
const nested: Shape = {
  what: "nested, 100 to a parent",
  start: (count) => nest(count / perBlock, perBlock),
  remainder: () => nest(1, 1),
  again: withoutArguments(nest),
};

/** The body has waited for each run, so it executes again, and recorded runs answer its calls. */
const waited: Shape = {
  what: "awaited, one by one",
  start: awaited,
  remainder: () => awaited(1),
  again: withoutArguments(awaited),
};

/** What is re-run. */
export const rerunShapes: readonly Shape[] = [returned, map, nested, waited];

/** Those of them that are also interrupted. */
export type ResumeName = "returned" | "waited";

/** What is interrupted when all have ended but the last, and goes on. */
export const resumeShapes: Readonly<Record<ResumeName, Shape>> = {
  returned: {
    ...returned,
    start: flatToLast,
    remainder: () => flatToLast(1),
    again: withoutArguments(flatToLast),
  },
  waited: {
    ...waited,
    start: awaitedToLast,
    remainder: () => awaitedToLast(1),
    again: withoutArguments(awaitedToLast),
  },
};
