import { array, assert, boolean, integer, property, record } from "fast-check";
import { describe, expect, it } from "vitest";
import { mostFailures, type PlannedTask, type PoolSituation, planPool, waitReason } from "./pool-plan.ts";
import { PoolSimulation, SimulatedReplica } from "./testing/pool-simulation.ts";

const definition = { name: "embedder", replicas: { min: 0, max: 4 }, ttl: 90_000, concurrency: 2 };

function replica(
  id: string,
  { seen, ...given }: Partial<SimulatedReplica> & { readonly seen?: readonly string[] } = {},
): SimulatedReplica {
  return Object.assign(new SimulatedReplica(id, seen), given);
}

function tasks(count: number, affinity: string | null = null): PlannedTask[] {
  return Array.from({ length: count }, (_, at) => ({ id: `t${at}#1`, affinity }));
}

function situation(given: Partial<PoolSituation> = {}): PoolSituation {
  return {
    definition,
    now: 1_000,
    replicas: [],
    queue: [],
    lastUsedAt: 1_000,
    isDraining: false,
    failures: 0,
    lastFailureAt: 0,
    notBefore: 0,
    ...given,
  };
}

/** Which task goes where. */
function places(given: Partial<PoolSituation>): string[] {
  return planPool(situation(given)).assign.map(({ task, replica: place }) => `${task.id} ${place}`);
}

describe("tasks", () => {
  it("go to the first replica that is ready, without waiting for others, first come first served", () => {
    const replicas = [replica("a"), replica("b", { state: "starting" })];
    expect(places({ replicas, queue: tasks(3) })).toEqual(["t0#1 a", "t1#1 a"]);
  });

  it("go to the least busy replica, of equals to the oldest", () => {
    const replicas = [replica("a", { tasks: 1 }), replica("b"), replica("c")];
    expect(places({ replicas, queue: tasks(4) })).toEqual(["t0#1 b", "t1#1 c", "t2#1 a", "t3#1 b"]);
  });

  it("prefer a free replica that has seen their key, even a busier one, but wait for none", () => {
    const warm = replica("b", { tasks: 1, seen: ["model"] });
    expect(places({ replicas: [replica("a"), warm], queue: tasks(2, "model") })).toEqual(["t0#1 b", "t1#1 a"]);
    const full = replica("b", { tasks: 2, seen: ["model"] });
    expect(places({ replicas: [replica("a"), full], queue: tasks(1, "model") })).toEqual(["t0#1 a"]);
    expect(places({ replicas: [replica("a"), warm], queue: tasks(1, "other") })).toEqual(["t0#1 a"]);
  });

  it("do not go to a replica with a body that does not stop, nor to one that ends", () => {
    const replicas = [replica("a", { tasks: 1, stuck: 1 }), replica("b", { state: "ending" })];
    expect(places({ replicas, queue: tasks(1) })).toEqual([]);
  });

  it("do not meet an attempt of the same name that is still there; others go before them", () => {
    const replicas = [replica("a", { tasks: 1, held: "t0#1" })];
    expect(places({ replicas, queue: tasks(2) })).toEqual(["t1#1 a"]);
  });
});

describe("replicas", () => {
  it("start one after the other while there is more to do than they can do", () => {
    expect(planPool(situation({ queue: tasks(9) })).start).toBe(1);
    const starting = replica("a", { state: "starting" });
    expect(planPool(situation({ queue: tasks(9), replicas: [starting] })).start).toBe(0);
    expect(planPool(situation({ queue: tasks(2), replicas: [replica("a")] })).start).toBe(0);
    expect(planPool(situation({ queue: tasks(3), replicas: [replica("a")] })).start).toBe(1);
    const all = ["a", "b", "c", "d"].map((id) => replica(id, { tasks: 2 }));
    expect(planPool(situation({ queue: tasks(3), replicas: all })).start).toBe(0);
  });

  it("are never more than the maximum, counting those that end", () => {
    const replicas = ["a", "b", "c", "d"].map((id) => replica(id, { state: "ending" }));
    expect(planPool(situation({ queue: tasks(3), replicas })).start).toBe(0);
  });

  it("are the minimum at once, as soon as the pool is used and for as long as it lives", () => {
    const kept = { ...definition, replicas: { min: 3, max: 4 } };
    expect(planPool(situation({ definition: kept, queue: tasks(1) })).start).toBe(3);
    const died = [replica("a", { tasks: 1 })];
    expect(planPool(situation({ definition: kept, replicas: died })).start).toBe(2);
  });

  it("above the minimum end when they have been idle for the ttl, those first that were idle longest", () => {
    const kept = { ...definition, replicas: { min: 1, max: 4 } };
    const replicas = [
      replica("a", { idleSince: 5_000 }),
      replica("b", { idleSince: 1_000 }),
      replica("c", { idleSince: 2_000 }),
    ];
    const use = { definition: kept, replicas, lastUsedAt: 5_000 };
    expect(planPool(situation({ ...use, now: 90_999 }))).toMatchObject({ end: [], wakeAt: 91_000 });
    const first = planPool(situation({ ...use, now: 91_000 }));
    expect(first).toMatchObject({ end: [{ replica: "b", reason: "idle for 90 s", kill: false }], wakeAt: 92_000 });
    const both = planPool(situation({ ...use, now: 94_000 }));
    expect(both.end.map((one) => one.replica)).toEqual(["b", "c"]);
    expect(both).toMatchObject({ ends: undefined, wakeAt: 95_000 });
    const all = planPool(situation({ ...use, lastUsedAt: 60_000, now: 100_000 }));
    expect(all.end.map((one) => one.replica)).toEqual(["b", "c"]);
  });

  it("do not end for having been idle when a task comes at that moment", () => {
    const replicas = [replica("a", { idleSince: 0 })];
    const plan = planPool(situation({ replicas, queue: tasks(1), now: 90_000, lastUsedAt: 90_000 }));
    expect(plan).toMatchObject({ assign: [{ replica: "a" }], end: [], ends: undefined });
  });

  it("all end when the pool has not been used for the ttl, the minimum too", () => {
    const kept = { ...definition, replicas: { min: 2, max: 4 } };
    const replicas = [replica("a"), replica("b", { state: "starting" }), replica("c", { state: "ending" })];
    const plan = planPool(situation({ definition: kept, replicas, now: 91_000 }));
    expect(plan.end.map((one) => one.replica)).toEqual(["a", "b"]);
    expect(plan).toMatchObject({ start: 0, ends: "the pool was not used for 90 s" });
    expect(planPool(situation({ definition: kept, replicas, now: 90_999 })).ends).toBeUndefined();
    const busy = [replica("a", { tasks: 1 })];
    expect(planPool(situation({ replicas: busy, now: 1e9 })).ends).toBeUndefined();
  });

  it("of a pool that was stopped do what there is, and end", () => {
    const replicas = [replica("a", { tasks: 2 })];
    const draining = planPool(situation({ isDraining: true, replicas, queue: tasks(1) }));
    expect(draining).toMatchObject({ start: 1, ends: undefined });
    const kept = { ...definition, replicas: { min: 3, max: 4 } };
    expect(planPool(situation({ isDraining: true, definition: kept, replicas })).start).toBe(0);
    expect(planPool(situation({ isDraining: true, replicas: [replica("a")] }))).toMatchObject({
      end: [{ replica: "a" }],
      ends: "the pool was stopped",
    });
  });

  it("are killed when only bodies are left that do not stop", () => {
    const replicas = [replica("a", { tasks: 2, stuck: 1 }), replica("b", { tasks: 1, stuck: 1 })];
    expect(planPool(situation({ replicas })).end).toMatchObject([{ replica: "b", kill: true }]);
  });
});

describe("replicas that cannot start", () => {
  it("are followed by others, later and later", () => {
    const failed = (failures: number, now: number) =>
      planPool(situation({ queue: tasks(1), failures, lastFailureAt: 1_000, now }));
    expect(failed(1, 1_099)).toMatchObject({ start: 0, wakeAt: 1_100 });
    expect(failed(1, 1_100)).toMatchObject({ start: 1 });
    expect(failed(2, 1_499)).toMatchObject({ start: 0, wakeAt: 1_500 });
    expect(failed(2, 1_500)).toMatchObject({ start: 1, fails: false });
  });

  it("make what waits fail when there were three in a row and there is no other", () => {
    const plan = planPool(situation({ queue: tasks(2), failures: mostFailures, lastFailureAt: 1_000, now: 9_000 }));
    expect(plan).toMatchObject({ start: 0, fails: true });
    const another = [replica("a", { tasks: 2 })];
    const served = situation({ queue: tasks(2), failures: mostFailures, lastFailureAt: 1_000, replicas: another });
    expect(planPool({ ...served, now: 9_000 })).toMatchObject({ start: 0, fails: false, wakeAt: 31_000 });
    expect(planPool({ ...served, now: 31_000 })).toMatchObject({ start: 1, fails: false });
  });

  it("are not started before those before them have let some time pass", () => {
    const kept = { ...definition, replicas: { min: 1, max: 1 } };
    expect(planPool(situation({ definition: kept, notBefore: 1_200 }))).toMatchObject({ start: 0, wakeAt: 1_200 });
    expect(planPool(situation({ definition: kept, notBefore: 1_000 }))).toMatchObject({ start: 1 });
  });

  it("are not replaced only to keep the minimum when nothing waits", () => {
    const kept = { ...definition, replicas: { min: 1, max: 1 } };
    const plan = planPool(situation({ definition: kept, failures: mostFailures, lastFailureAt: 0 }));
    expect(plan).toMatchObject({ start: 0, fails: false, wakeAt: 91_000 });
  });
});

describe("the reason to wait", () => {
  it.each([
    ["no replica yet", [], 0, "a replica of actor embedder"],
    [
      "one starts",
      [replica("a", { state: "starting" })],
      1,
      "a replica of actor embedder that is starting and warming up, 1 task before it",
    ],
    [
      "one has a body that does not stop",
      [replica("a", { tasks: 2, stuck: 1 })],
      0,
      "a replica of actor embedder: a canceled body on the one that there is does not stop",
    ],
    ["one ends", [replica("a", { state: "ending" })], 0, "a replica of actor embedder: the former one is ending"],
    [
      "taken",
      [replica("a", { tasks: 2 })],
      12,
      "a free place of actor embedder: 1 replica × 2 are taken, 12 tasks before it",
    ],
    [
      "taken while another starts",
      [replica("a", { tasks: 2 }), replica("b", { state: "starting" })],
      0,
      "a free place of actor embedder: 1 replica × 2 are taken, another replica is starting",
    ],
  ] as const)("says %s", (_, replicas, before, words) => {
    expect(waitReason(situation({ replicas }), before)).toBe(words);
  });

  it("says that all places are held by bodies that wait themselves", () => {
    const full = ["a", "b", "c", "d"].map((id) => replica(id, { tasks: 2, waiting: 2 }));
    expect(waitReason(situation({ replicas: full }), 3)).toMatch(
      /^a free place of actor embedder: the bodies in all places \(4 replicas × 2\) wait for other runs themselves.*, 3 tasks before it$/,
    );
    const working = [...full.slice(1), replica("a", { tasks: 2, waiting: 1 })];
    expect(waitReason(situation({ replicas: working }), 3)).not.toContain("themselves");
  });
});

it("brings every task to an end, in their order, and then the pool to its own", () => {
  const tasks = array(record({ after: integer({ min: 0, max: 1_500 }), takes: integer({ min: 1, max: 800 }) }), {
    minLength: 1,
    maxLength: 40,
  });
  const small = integer({ min: 0, max: 3 });
  const pools = record({
    min: small,
    more: small,
    concurrency: integer({ min: 1, max: 3 }),
    tasks,
    startsIn: integer({ min: 1, max: 400 }),
    failing: array(boolean(), { maxLength: 6 }),
  });
  const check = property(pools, (options) => {
    const { began, done, failed, ends, replicas, violations } = new PoolSimulation(options).run();
    expect(violations).toEqual([]);
    expect(done + failed).toBe(options.tasks.length);
    expect(failed > 0 && !options.failing.includes(true)).toBe(false);
    expect(began).toEqual(began.toSorted((a, b) => a - b));
    expect([ends, replicas]).toEqual(["the pool was not used for 1 s", []]);
  });
  assert(check, { numRuns: 300 });
});
