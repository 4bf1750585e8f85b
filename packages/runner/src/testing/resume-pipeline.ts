import { setTimeout as pause } from "node:timers/promises";
import { context, func, RunFailure } from "../index.ts";
import { note, noted } from "./resume-log.ts";

/** So many of the elements of one map may be at work at once. */
export const elementsAtOnce = 2;

const leaf = func("leaf", (number: number) =>
  noted(number, async () => {
    await pause(10 + ((number * 7) % 43));
    return { number, square: number * number };
  }),
);

const plain = func("plain", (number: number): number => {
  note("begin", number);
  console.log(`plain ${number}`);
  note("end", number);
  return number + 1;
});

const join = func("join", (left: number, right: { readonly parts: readonly number[]; readonly label: string }) =>
  noted([left, right], () => `${left} ${right.label} ${right.parts.join("+")}`),
);

/** Waits for one call, for several at once, and for calls that are equal; then returns what is still to be made. */
const digs = func("digs", (number: number) =>
  noted(number, async () => {
    const first = await leaf(number).$value();
    const parts = await Promise.all([1, 2, 3].map((at) => leaf(number * 10 + at).$value()));
    const equal = await Promise.all([plain(number).$value(), plain(number).$value()]);
    return {
      sum: first.square + parts.reduce((sum, { square }) => sum + square, 0) + equal[0] + equal[1],
      text: join(leaf(number + 1).square, {
        parts: [number, plain(number + 1), leaf(number + 2).number],
        label: "and",
      }),
    };
  }),
);

const digsDeeper = func("digs deeper", (number: number) =>
  noted(number, async () => {
    const { sum } = await digs(number).$value();
    return { sum, next: digs(number + 1) };
  }),
);

const digsDeepest = func("digs deepest", (number: number) =>
  noted(number, async () => {
    const [one, other] = await Promise.all([digsDeeper(number).$value(), leaf(number).$value()]);
    await pause(40);
    return [one.sum, other.square, plain(one.next.sum)];
  }),
);

/** Fails as often as its number says, up to three times. */
const flaky = func({
  id: "flaky",
  retry: { retries: 3, delay: 60, factor: 1 },
  run: (number: number) =>
    noted(number, async () => {
      await pause(12);
      if (context().attempt <= number % 4) throw new Error(`attempt ${context().attempt}`);
      return number;
    }),
});

const hopeless = func({
  id: "hopeless",
  retry: { retries: 1 },
  run: (number: number): Promise<number> =>
    noted(number, () => {
      throw new RangeError(`not with ${number}`);
    }),
});

/** Goes on when what it waited for has failed. */
const forgives = func("forgives", (number: number) =>
  noted(number, async () => {
    const why = await hopeless(number)
      .$value()
      .catch((error: Error) => (error.cause as Error).message);
    const next = await leaf(number).$value();
    await pause(25);
    return { why, next, last: plain(next.square) };
  }),
);

/** Fails once after it has waited, so that the calls of two attempts are recorded. */
const patient = func({
  id: "patient",
  retry: { retries: 2, delay: 25 },
  run: (number: number) =>
    noted(number, async () => {
      const { square } = await leaf(number).$value();
      if (context().attempt === 1) throw new Error("once more");
      const more = await flaky(number).$value();
      return { square, more, after: plain(more) };
    }),
});

const element = func("element", (number: number) =>
  noted(number, async () => {
    await pause(25);
    if (number % 5 === 4) throw new Error("tolerated");
    return number * 2;
  }),
);

const list = func("list", (start: number) => noted(start, () => [0, 1, 2, 3, 4].map((at) => start + at)));

const tally = func("tally", (results: (number | RunFailure)[]) =>
  noted(results.length, () => results.map((result) => (result instanceof RunFailure ? "failed" : result))),
);

const maps = func("maps", (start: number) =>
  noted(start, () => {
    const numbers = [0, 1, 2, 3, 4].map((at) => start + at);
    return {
      known: tally(element.map(numbers, { tolerate: 1, concurrency: elementsAtOnce })),
      later: tally(element.map(list(start + 10), { tolerate: 1, each: { tags: ["later"] } })),
      pending: tally(element.map([leaf(1).square, plain(1)])),
      nested: digs.map([start, start + 1]),
      empty: element.map([]),
    };
  }),
);

const priced = func({
  id: "priced",
  cache: { version: "1" },
  run: (number: number) =>
    noted(number, async () => {
      await pause(25);
      return { number, price: number * 3 };
    }),
});

const pricedTogether = func({
  id: "priced together",
  cache: { version: "1" },
  run: (number: number) =>
    noted(number, async () => {
      const { square } = await leaf(number).$value();
      return [priced(number), plain(square)];
    }),
});

/** Its value is large enough for a blob. */
const heavy = func("heavy", (size: number) => noted(size, () => new Float64Array(size).fill(size)));

const weigh = func("weigh", (weight: Float64Array, load: Uint8Array) =>
  noted(weight.length, async () => {
    await pause(20);
    return weight.length + load.length;
  }),
);

/** All shapes of calls there are, in an order that is the same each time. */
export const journey = func("journey", (start: number, load: Uint8Array) =>
  noted(start, async () => {
    const tries = [flaky(1), { two: flaky(2), three: flaky(3) }];
    const groups = maps(start);
    const deep = digsDeepest(start + 3);
    const first = leaf(40);
    const ordered = leaf(41).$after(first);
    const weight = weigh(heavy(20_000), load);
    const early = await forgives(start).$value();
    const [tried, dug] = await Promise.all([patient(start).$value(), digs(start + 1).$value()]);
    const prices = await Promise.all([priced(start), pricedTogether(start), priced(start)].map((one) => one.$value()));
    return {
      early,
      tried,
      sum: dug.sum,
      prices,
      groups,
      deep,
      ordered,
      weight,
      tries,
      named: leaf(early.next.number + 100).$set({ name: "the last", tags: ["last"], timeout: "1h" }),
    };
  }),
);

/** The arguments of the pipeline. */
export const journeyArguments: readonly [number, Uint8Array] = [5, new Uint8Array(70_000).fill(7)];
