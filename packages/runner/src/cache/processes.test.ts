import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { func } from "../func.ts";
import { LocalRunner } from "../local-runner.ts";
import {
  countWaits,
  executions,
  firstThatSays,
  meetingWith,
  mostAtOnce,
  notesOf,
  onlyEntry,
  resultOf,
  statusesOf,
} from "../testing/cache-meeting.ts";
import { compileCache } from "../testing/compile-cache.ts";
import { homeOf, temporaryFolder } from "../testing/temporary-home.ts";
import { verifyHome } from "../testing/verify-home.ts";

const meeting = meetingWith(compileCache());

/** For processes that want each other's results: see the scenario. */
interface Plan {
  readonly roots: readonly string[];
  readonly concurrency?: number;
  readonly wants: Readonly<Record<string, string>>;
}

describe("equal calls of several processes", () => {
  test("are one execution: the others wait, say for whom, and reuse", async () => {
    const { shared, start } = meeting();
    const children = Array.from({ length: 8 }, () => start("works when all are ready"));
    await Promise.all(children.map((child) => child.says("ready")));
    shared.raise("go");
    const owner = await firstThatSays(children, "begins");
    const waiters = children.filter((child) => child !== owner);
    await Promise.all(waiters.map((child) => child.says("work WAITING")));
    shared.raise("finish");
    await Promise.all(children.map((child) => child.says("ended")));

    const value = `of ${owner.process.pid}`;
    expect(executions(shared)).toEqual([String(owner.process.pid)]);
    expect(children.map(resultOf)).toEqual(children.map(() => value));
    expect(statusesOf(owner)).toEqual(["MISS"]);
    for (const waiter of waiters) {
      expect(statusesOf(waiter)).toEqual(["WAITING", "HIT"]);
      expect(notesOf(waiter)).toEqual([
        expect.stringMatching(new RegExp(`^waits for work#\\w+ of process ${owner.process.pid} on .*`, "u")),
      ]);
    }
    expect(await onlyEntry(shared.home)).toMatchObject({ answer: value, leases: [] });
  });

  test("execute one after the other while they fail, until one succeeds", async () => {
    const { shared, start, startWaiter } = meeting();
    const owner = start("fails twice");
    await owner.says("begins");
    const waiters = await Promise.all(Array.from({ length: 3 }, () => startWaiter("fails twice")));
    shared.raise("finish");
    const children = [owner, ...waiters];
    await Promise.all(children.map((child) => child.says("ended")));

    expect(executions(shared)).toHaveLength(3);
    expect(mostAtOnce(shared)).toBe(1);
    const results = children.map(resultOf).filter((result) => result !== undefined);
    expect(results).toHaveLength(2);
    expect(new Set(results)).toEqual(new Set([`of ${executions(shared)[2]}`]));
    expect((await onlyEntry(shared.home)).answer).toBe(results[0]);
  });

  test("compute a result that was harmed once more and not once each", async () => {
    const { shared, start, startWaiter } = meeting();
    const first = start("works to the same result", "first");
    shared.raise("first");
    await first.says("ended");
    harmResult(shared.home);
    const owner = start("works to the same result");
    await owner.says("begins");
    const waiters = await Promise.all([1, 2].map(() => startWaiter("works to the same result")));
    shared.raise("finish");
    await Promise.all([owner, ...waiters].map((child) => child.says("ended")));
    expect(executions(shared)).toEqual([first, owner].map((child) => String(child.process.pid)));
    expect(waiters.map((waiter) => statusesOf(waiter))).toEqual(waiters.map(() => ["WAITING", "HIT"]));
    expect([owner, ...waiters].map(resultOf)).toEqual(["of all", "of all", "of all"]);
  });

  test("keep waiting for a body that blocks its event loop for much longer than the grace", async () => {
    const { shared, start, startWaiter } = meeting({ heartbeat: 100, grace: 1_000 });
    const owner = start("blocks the event loop");
    await owner.says("begins");
    const waiter = await startWaiter();
    shared.raise("waits");
    await Promise.all([owner, waiter].map((child) => child.says("ended")));
    expect(executions(shared)).toEqual([String(owner.process.pid)]);
    expect(statusesOf(waiter)).toEqual(["WAITING", "HIT"]);
  });

  test.each<{
    readonly way: string;
    readonly plans: readonly [Plan, Plan];
    readonly begun: readonly [string[], string[]];
  }>([
    {
      way: "directly",
      plans: [
        { roots: ["a"], wants: { a: "b" } },
        { roots: ["b"], wants: { b: "a" } },
      ],
      begun: [["a"], ["b"]],
    },
    {
      way: "through an equal call of the same pipeline run",
      plans: [
        { roots: ["a", "equal"], wants: { a: "equal", equal: "b" } },
        { roots: ["b"], wants: { b: "a" } },
      ],
      begun: [["a", "equal"], ["b"]],
    },
    {
      way: "through a map that lets in one element at a time",
      plans: [
        { roots: ["first", "second"], concurrency: 1, wants: { first: "b" } },
        { roots: ["b"], wants: { b: "second" } },
      ],
      begun: [["first"], ["b"]],
    },
  ])(
    "that wait for each other in a circle, $way, do not hang: one executes beside the other",
    async ({ plans, begun }) => {
      const { shared, start } = meeting();
      const children = plans.map((plan) => start("crosses", JSON.stringify(plan)));
      const all = children.flatMap((child, at) => (begun[at] ?? []).map((name) => child.says(`begins ${name}`)));
      await Promise.all(all);
      shared.raise("both");
      await Promise.all(children.map((child) => child.ended));
      for (const child of children) expect(resultOf(child)).toBeDefined();
      expect(children.flatMap(notesOf).join("\n")).toMatch(/executes beside crossed#\w+, which computes/u);
      expect(countWaits(shared.home)).toBe(0);
      const home = await homeOf(shared.home);
      await verifyHome(home);
      expect(await home.cache.leases()).toEqual([]);
      // One key of all was computed twice.
      const entries = await home.cache.list();
      expect(executions(shared)).toHaveLength(entries.length + 1);
    },
  );
});

describe("a process that waits", () => {
  test.each(["cancels its run", "is interrupted"])("and %s leaves, and nobody else notices", async (how) => {
    const { shared, start, startWaiter } = meeting();
    const owner = start("works");
    await owner.says("begins");
    const waiter = await startWaiter("holds a lease and waits");
    await expect.poll(() => countWaits(shared.home)).toBe(1);
    if (how === "is interrupted") waiter.kill("SIGINT");
    else shared.raise(`cancel ${waiter.process.pid}`);
    await (how === "is interrupted" ? waiter.ended : waiter.says("ended"));
    expect(countWaits(shared.home)).toBe(0);
    const home = await homeOf(shared.home);
    expect(await home.cache.leases()).toMatchObject([{ pid: owner.process.pid }]);
    shared.raise("finish");
    await owner.says("ended");
    expect(statusesOf(owner)).toEqual(["MISS"]);
    expect(executions(shared)).toHaveLength(1);
    expect((await onlyEntry(shared.home)).answer).toBe(`of ${owner.process.pid}`);
  });
});

test("a run that gives up waiting leaves, though what called it holds a lease and goes on", async () => {
  const { shared, start, startWaiter } = meeting();
  const owner = start("works");
  await owner.says("begins");
  const waiter = await startWaiter("gives up waiting");
  await waiter.says("gave up");
  await expect.poll(() => countWaits(shared.home)).toBe(0);
  const home = await homeOf(shared.home);
  const pids = [owner, waiter].map(({ process: { pid } }) => ({ pid }));
  expect(await home.cache.leases()).toMatchObject(pids);
  shared.raise("finish");
  await Promise.all([owner, waiter].map((child) => child.says("ended")));
  expect(resultOf(waiter)).toBe("of nobody");
  expect(await home.cache.leases()).toEqual([]);
});

describe("equal calls of one process", () => {
  test.each(["one runner", "two runners"])("in two pipeline runs of %s are one execution", async (kind) => {
    const home = temporaryFolder();
    const statuses: Record<string, string[]> = {};
    let executed = 0;
    const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
    const { promise: waits, resolve: waiting } = Promise.withResolvers<void>();
    const makeRunner = (): LocalRunner =>
      new LocalRunner({
        home,
        onEvent: (event) => {
          if (event.type !== "run" || event.cache === undefined) return;
          const told = (statuses[event.id] ??= []);
          const { status } = event.cache;
          if (status !== "DISABLED" && told.at(-1) !== status) told.push(status);
          if (status === "WAITING") waiting();
        },
      });
    const shared = func({
      id: `shared by ${kind}`,
      cache: { version: "1" },
      run: async () => {
        executed += 1;
        await finished;
        return { number: executed };
      },
    });
    await using first = makeRunner();
    await using second = makeRunner();
    const handles = await Promise.all([
      first.submit(shared()),
      (kind === "one runner" ? first : second).submit(shared()),
    ]);
    await waits;
    finish();
    expect(await Promise.all(handles.map((handle) => handle.result()))).toEqual([{ number: 1 }, { number: 1 }]);
    expect(executed).toBe(1);
    expect(Object.values(statuses).map(String).toSorted()).toEqual(["MISS", "WAITING,HIT"]);
  });
});

/** Changes the bytes of the result that the only run has. */
function harmResult(home: string): void {
  const database = new DatabaseSync(`${home}/reprise.db`);
  database.exec(
    "UPDATE artifacts SET document = CAST(document || X'00' AS BLOB) WHERE key = (SELECT output_key FROM runs)",
  );
  expect(database.prepare("SELECT changes() AS changes").get()).toEqual({ changes: 1 });
  database.close();
}
