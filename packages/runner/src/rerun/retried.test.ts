import { beforeEach, describe, expect, test } from "vitest";
import { context, func } from "../index.ts";
import { graphOf, placesOf } from "./testing/graph-of.ts";
import { again, executes, failureOf, Lab, named, taken } from "./testing/lab.ts";

/** Attempts below this one fail. */
let succeedsFrom = 1;
let bonus = 0;

beforeEach(() => {
  succeedsFrom = 1;
  bonus = 0;
});

const leaf = func("leaf", (name: string, value: number) => {
  executes(`leaf ${name}`);
  return value + bonus;
});
const flaky = func({
  id: "flaky",
  retry: { retries: 3 },
  run: () => {
    executes();
    const { attempt } = context();
    if (attempt < succeedsFrom) throw new RangeError(`attempt ${attempt}`);
    return attempt;
  },
});
/** Fails once, after calls that its second attempt makes otherwise. */
const parent = func({
  id: "parent",
  retry: { retries: 1 },
  run: async () => {
    executes();
    if (context().attempt === 1) {
      const lost = await leaf("lost", 1).$value();
      leaf("also lost", lost);
      throw new RangeError("the first attempt fails");
    }
    return { a: leaf("a", 2), b: leaf("b", 3) };
  },
});
const waitingParent = func({
  id: "waiting parent",
  retry: { retries: 1 },
  run: async () => {
    executes();
    const { attempt } = context();
    const shared = await leaf("shared", 1).$value();
    if (attempt === 1) throw new RangeError("the first attempt fails");
    return { shared, own: await leaf("own", 2).$value() };
  },
});
const pipeline = func("pipeline", () => {
  executes();
  return { parent: parent(), waiting: waitingParent(), flaky: flaky(), last: leaf("last", 5) };
});

describe("a run that was retried", () => {
  test("is taken over as it ended, without what earlier attempts had called", async () => {
    succeedsFrom = 3;
    const lab = await Lab.open();
    const first = await lab.run(pipeline());
    expect(first.value).toEqual({ parent: { a: 2, b: 3 }, waiting: { shared: 1, own: 2 }, flaky: 3, last: 5 });
    const second = await lab.rerun(first, placesOf(first).get("/3"), pipeline());
    expect(second).toMatchObject({ value: first.value, executed: { "leaf last": 1 } });
    // The attempts that failed are those of the first pipeline run.
    expect(named(second, "flaky")).toMatchObject({ attempt: 1, cache: { status: "CLONED" } });
    expect(named(second, "parent")).toMatchObject({ attempt: 1, cache: { status: "CLONED" } });
    expect(graphOf(second)).toEqual(graphOf(first));
    expect(second.runs).toHaveLength(
      ["pipeline", "parent", "a", "b", "waiting", "shared", "own", "flaky", "last"].length,
    );
  });

  test("waits for the calls of its last attempt alone", async () => {
    const lab = await Lab.open();
    const first = await lab.run(pipeline());
    const second = await lab.rerun(first, placesOf(first).get("/0/1"), pipeline());
    expect(second).toMatchObject({ value: first.value, executed: { "leaf b": 1 } });
    expect(graphOf(second)).toEqual(graphOf(first));
    bonus = 10;
    const third = await lab.rerun(second, placesOf(second).get("/0/0"), pipeline());
    expect(third.value).toMatchObject({ parent: { a: 12, b: 3 } });
    expect(third.executed).toEqual({ "leaf a": 1 });
  });

  test("begins with its first attempt when it executes again, from a run of any attempt", async () => {
    const lab = await Lab.open();
    const first = await lab.run(pipeline());
    expect(first.executed).toMatchObject({ parent: 2, "leaf lost": 1, "waiting parent": 2, "leaf shared": 2 });
    for (const run of first.runs) {
      const second = await lab.rerun(first, run, pipeline());
      expect(second).toMatchObject({ value: first.value, error: undefined });
    }
    const whole = await lab.rerun(first, named(first, "parent"), pipeline());
    expect(whole.executed).toMatchObject({ parent: 2, "leaf a": 1, "leaf b": 1 });
    expect(named(whole, "parent").attempt).toBe(2);
    expect(graphOf(whole)).toEqual(graphOf(first));
  });

  test("is retried as its func or its call says", async () => {
    const set = func("set retries", () => {
      executes();
      return [leaf("before", 0), flakyLeaf().$set({ retry: { retries: 2, exceptions: ["RangeError"] } })];
    });
    const flakyLeaf = func("flaky leaf", () => {
      executes();
      const { attempt } = context();
      if (attempt < succeedsFrom) throw new RangeError(`attempt ${attempt}`);
      return attempt;
    });
    const lab = await Lab.open();
    const first = await lab.run(set());
    expect(first.value).toEqual([0, 1]);
    succeedsFrom = 3;
    const second = await lab.rerun(first, named(first, "flaky leaf"), set());
    expect(second).toMatchObject({ value: [0, 3], executed: { "flaky leaf": 3 } });
    expect(await lab.home.backend.attemptsOf(named(second, "flaky leaf").id)).toHaveLength(2);
    succeedsFrom = 9;
    const third = await lab.rerun(second, named(second, "flaky leaf"), set());
    expect(third.executed).toEqual({ "flaky leaf": 3 });
    expect(failureOf(third).message).toBe("attempt 3");
    succeedsFrom = 2;
    const continued = await lab.continue(third, set());
    expect(continued).toMatchObject({ value: [0, 2], executed: { "flaky leaf": 2 } });
    expect(taken(continued)).toEqual(["leaf"]);
  });
});

describe("a timeout", () => {
  test("of a call holds in the re-run, and counts from there", async () => {
    let hangs = false;
    const patient = func("patient", async () => {
      executes();
      if (hangs) await new Promise<void>(() => undefined);
      return 1;
    });
    const limited = func("limited", () => {
      executes();
      return [leaf("before", 0), patient().$set({ timeout: 1_000 })];
    });
    const lab = await Lab.open();
    const first = await lab.run(limited());
    expect(first.value).toEqual([0, 1]);
    hangs = true;
    const second = await lab.rerun(first, named(first, "patient"), limited());
    expect(failureOf(second)).toMatchObject({ name: "TimeoutError" });
    const { scheduledAt, finishedAt } = named(second, "patient");
    expect(finishedAt! - scheduledAt!).toBeGreaterThanOrEqual(999);
    hangs = false;
    expect(await lab.continue(second, limited())).toMatchObject({ value: [0, 1], executed: { patient: 1 } });
  });

  test("of a run that waits for what executes again holds, too", async () => {
    let hangs = false;
    const inner = func("inner", async () => {
      executes();
      if (hangs) await new Promise<void>(() => undefined);
      return 1;
    });
    const outer = func({ id: "outer", timeout: 1_000, run: () => (executes(), inner()) });
    const root = func("timeout root", () => (executes(), outer()));
    const lab = await Lab.open();
    const first = await lab.run(root());
    hangs = true;
    const second = await lab.rerun(first, named(first, "inner"), again(root));
    expect(named(second, "outer")).toMatchObject({ state: "FAILED", failure: { code: "TIMEOUT" } });
    expect(second.executed).toEqual({ inner: 1 });
  });
});

describe("a child that failed and for which nobody waited", () => {
  test("is executed when what did not succeed is", async () => {
    let breaks = true;
    const fragile = func("fragile", () => {
      executes();
      if (breaks) throw new RangeError("fragile");
      return 1;
    });
    const careless = func("careless", () => {
      executes();
      fragile();
      return "value";
    });
    const root = func("careless root", () => (executes(), [careless(), leaf("beside", 1)]));
    const lab = await Lab.open();
    const first = await lab.run(root(), { concurrency: 1 });
    expect(named(first, "careless").state).toBe("NESTED_FAILED");
    breaks = false;
    const second = await lab.continue(first, root());
    expect(second.value).toEqual(["value", 1]);
    expect(second.executed["fragile"]).toBe(1);
    expect(second.executed["careless root"]).toBeUndefined();
  });
});
