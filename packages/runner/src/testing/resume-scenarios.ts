// Programs as they were when their process was killed. Arguments: scenario, home, log, the pipeline run to continue with a
// re-run or nothing. They say "at work" when they have come to where they are to be killed, and go no further. What the
// funcs do when the pipeline run is resumed is up to whoever resumes it, as after a change of the code.
import { writeSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { context, func, type Future, LocalRunner } from "../index.ts";
import { logTo, noted } from "./resume-log.ts";

const [scenario = "", home = "", log = "", rerunFrom = ""] = process.argv.slice(2);
logTo(log);

/** How many bodies will stay, and how many may execute at once. */
let open = 1;
let concurrency = 64;
/** A place where the program goes no further. It says so when all bodies that will stay have come to one. */
async function stay(): Promise<never> {
  open -= 1;
  if (open === 0) writeSync(1, "at work\n");
  for (;;) await pause(60_000);
}

const quick = func("quick", (number: number) => noted(number, () => number * 2));
const stays = func("stays", (number: number) => noted(number, stay));

const fails = func({
  id: "fails",
  retry: { retries: 1 },
  run: (number: number): Promise<number> =>
    noted(number, () => {
      throw new RangeError(`not ${number}, attempt ${context().attempt}`);
    }),
});

let calls = 0;
const unsteady = func("unsteady", (number: number) =>
  noted(number, () => {
    calls += 1;
    return calls === 1 ? Promise.reject(new Error("the first time")) : stay();
  }),
);

const old = func("old", (number: number) => noted(number, () => (number === 0 ? stays(0) : number)));

const picky = func("picky", (number: number) =>
  noted(number, () => (context().attempt <= number ? Promise.reject(new Error("too early")) : stay())),
);

const endless = func("endless", (number: number) => noted(number, stay));
const limited = func({ id: "limited", timeout: 3_000, run: (number: number) => noted(number, stay) });
const limitedAbove = func({ id: "limited above", timeout: 3_000, run: (number: number) => endless(number) });

/** Fails at once and is tried again after a while, up to two times. */
const later = func({
  id: "later",
  retry: { retries: 2, delay: 1_500, factor: 1 },
  run: (number: number): Promise<number> => noted(number, () => Promise.reject(new Error("not yet"))),
});

const element = func("element", (number: number) => noted(number, () => (number > 1 ? stay() : number * 10)));
const items = func("items", (count: number) => noted(count, stay));

const kept = func("kept", (value: unknown) => value);
const only = func("only", (number: number) => noted(number, stay));

const nests = func("nests", (number: number) => fails(number));
const around = func("around", (number: number) => stays(number).$value());

const second = Promise.withResolvers<void>();
/** The first comes after the second. */
const after = func("after", (number: number) => (number === 1 ? [1] : second.promise.then(() => [number])));

/** The root of each scenario has its name. */
const scenarios: Readonly<Record<string, () => Future<unknown>>> = {
  "waits for one": () =>
    func("waits for one", async (number: number, text: string) => {
      const doubled = await quick(number).$value();
      return [doubled, text, await stays(doubled).$value()];
    })(1, "text"),

  "has caught a failure": () =>
    func("has caught a failure", async () => {
      await fails(1)
        .$value()
        .catch(() => undefined);
      await stay();
    })(),

  "has caught what failed with its source": () =>
    func("has caught what failed with its source", async () => {
      await kept(fails(1))
        .$value()
        .catch(() => undefined);
      return stays(1);
    })(),

  "has caught a nested failure": () =>
    func("has caught a nested failure", async () => {
      await nests(1)
        .$value()
        .catch(() => undefined);
      await stay();
    })(),

  "maps what comes in any order": () =>
    func("maps what comes in any order", async () => {
      const maps = [0, 1].map(async (number) => {
        const map = quick.map(await after(number).$value());
        if (number === 1) second.resolve();
        return map.$value();
      });
      return [await Promise.all(maps), await stays(0).$value()];
    })(),

  "waits on two levels": () => {
    open = 2;
    return func("waits on two levels", () => Promise.all([around(1).$value(), around(2).$value()]))();
  },

  "calls what it will not call": () =>
    func("calls what it will not call", async () => {
      await old(7).$value();
      const unfinished = old(0);
      return [await quick(1).$value(), await unfinished.$value()];
    })(),

  "has returned": () => {
    open = 4;
    return func("has returned", () => ({
      list: [quick(1), picky(1).$set({ name: "patient", retry: { retries: 2 } })],
      map: new Map([["first", quick(2)]]),
      when: new Date(0),
      same: kept({ inside: [quick(3), stays(4)] }),
      known: element.map([1, 2, 3], { concurrency: 1 }),
      later: element.map(items(3), { concurrency: 1, tolerate: 1, each: { retry: { retries: 1 }, tags: ["later"] } }),
    }))();
  },

  "has returned a map that waits for its turn": () => {
    concurrency = 1;
    return func("has returned a map that waits for its turn", () => [stays(1), quick.map([1, 2, 3])])();
  },

  "is at its second attempt": () =>
    func({
      id: "is at its second attempt",
      retry: { retries: 1 },
      run: async () => {
        const first = await quick(1).$value();
        try {
          return [first, await unsteady(1).$value()];
        } catch {
          throw new Error("once more");
        }
      },
    })(),

  "has time limits": () => {
    open = 2;
    return func("has time limits", () => Promise.allSettled([limited(1).$value(), limitedAbove(2).$value()]))();
  },

  "has a short time limit": () => func("has a short time limit", () => limited(1).$set({ timeout: 1_500 }))(),

  "is tried again later": () => func("is tried again later", () => later(1))(),

  "needs a func": () => func("needs a func", () => [kept(1), only(2)])(),

  "is re-run": () => func("is re-run", (text: string) => [kept(text), stays(5)])("text"),
};

const root = scenarios[scenario]?.();
if (root === undefined) throw new Error(`no scenario "${scenario}"`);
await new LocalRunner({ home, concurrency, ...(rerunFrom === "" ? {} : { rerunFrom, rerunMode: "continue" }) }).run(
  root,
);
