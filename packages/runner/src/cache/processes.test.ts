import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { LeaseTimes } from "@reprise/store";
import { describe, expect, onTestFinished, test } from "vitest";
import { func } from "../func.ts";
import { LocalRunner } from "../local-runner.ts";
import { SharedFolder } from "../testing/cache-shared.ts";
import { Child } from "../testing/child.ts";
import { compileCache } from "../testing/compile-cache.ts";
import { homeOf, temporaryFolder } from "../testing/temporary-home.ts";
import { verifyHome } from "../testing/verify-home.ts";

/** Silence never ends a lease within a test: what takes over does so for another reason. */
const patient: LeaseTimes = { heartbeat: 1_000, grace: 600_000 };

/** For processes that want each other's results: see the scenario. */
interface Plan {
  readonly roots: readonly string[];
  readonly concurrency?: number;
  readonly wants: Readonly<Record<string, string>>;
}

const env = compileCache();

/** A folder that processes share, and how to start them. */
function meeting(lease: LeaseTimes = patient) {
  const folder = temporaryFolder();
  const shared = new SharedFolder(folder);
  const start = (scenario: string, flag = "finish"): Child => {
    const child = new Child("cache-scenarios.ts", [scenario, folder, JSON.stringify(lease), flag], { env });
    onTestFinished(async () => {
      child.kill("SIGKILL");
      await child.ended;
    });
    return child;
  };
  /** A process that waits for another one's result. */
  const startWaiter = async (scenario = "works", flag = "finish"): Promise<Child> => {
    const child = start(scenario, flag);
    await child.says("work WAITING");
    return child;
  };
  return { shared, start, startWaiter };
}

/** The first of several processes that says a line. */
function firstThatSays(children: readonly Child[], line: string): Promise<Child> {
  return Promise.any(
    children.map(async (child) => {
      await child.says(line);
      return child;
    }),
  );
}

function statusesOf(child: Child, funcId = "work"): string[] {
  const start = `${funcId} `;
  return child.lines.filter((line) => line.startsWith(start)).map((line) => line.slice(start.length));
}

function notesOf(child: Child): string[] {
  return child.lines.filter((line) => line.startsWith("note ")).map((line) => line.slice(5));
}

/** `of` and the process that computed the result that a process has got. */
function resultOf(child: Child): string | undefined {
  return child.lines.find((line) => line.startsWith("result "))?.slice(7);
}

/** The processes whose bodies have begun, in order. */
function executions({ logged }: SharedFolder): string[] {
  return logged.filter((line) => line.startsWith("begin ")).map((line) => line.slice(6));
}

/** How many bodies executed at once at most. */
function mostAtOnce({ logged }: SharedFolder): number {
  let [now, most] = [0, 0];
  for (const line of logged) {
    now += line.startsWith("begin ") ? 1 : -1;
    most = Math.max(most, now);
  }
  return most;
}

function countWaits(home: string): number {
  const database = new DatabaseSync(`${home}/cache.db`, { readOnly: true });
  try {
    return (database.prepare("SELECT count(*) AS count FROM waits").get() as { count: number }).count;
  } finally {
    database.close();
  }
}

/** The only entry: who computed it, and what it is. */
async function onlyEntry(path: string) {
  const home = await homeOf(path);
  await verifyHome(home);
  const entries = await home.cache.list();
  expect(entries).toHaveLength(1);
  const [entry] = entries;
  const { answer } = (await home.artifacts.read(entry?.artifact ?? "")) as { answer: string };
  return { answer, originRunId: entry?.originRunId, leases: await home.cache.leases() };
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

describe("when the process that computes", () => {
  test.each([
    ["is killed", "works", "SIGKILL"],
    ["calls process.exit in the body", "exits in the body", undefined],
    ["throws outside of everything", "throws outside of everything", undefined],
    ["ends because nothing is left to do", "has nothing left to do", undefined],
    ["leaves while a run goes on", "leaves while a run goes on", undefined],
    ["is interrupted", "works", "SIGINT"],
  ] as const)("%s, exactly one of those that wait takes over at once", async (_, scenario, signal) => {
    const { shared, start, startWaiter } = meeting();
    const owner = start(scenario, "go on");
    await owner.says("begins");
    const waiters = await Promise.all([startWaiter(), startWaiter(), startWaiter()]);
    if (signal === undefined) shared.raise("go on");
    else owner.kill(signal);
    const next = await firstThatSays(waiters, "begins");
    await owner.ended;
    shared.raise("finish");
    await Promise.all(waiters.map((child) => child.says("ended")));

    expect(executions(shared)).toEqual([String(owner.process.pid), String(next.process.pid)]);
    expect(waiters.map(resultOf)).toEqual(waiters.map(() => `of ${next.process.pid}`));
    expect(statusesOf(next)).toEqual(["WAITING", "MISS"]);
    const others = waiters.filter((waiter) => waiter !== next);
    expect(others.map((waiter) => statusesOf(waiter))).toEqual(others.map(() => ["WAITING", "HIT"]));
    expect(await onlyEntry(shared.home)).toMatchObject({ answer: `of ${next.process.pid}`, leases: [] });
  });

  test("cancels its run and goes on, one of those that wait takes over at once", async () => {
    const { shared, start, startWaiter } = meeting();
    const owner = start("works", "never");
    await owner.says("begins");
    const waiters = await Promise.all([startWaiter(), startWaiter()]);
    shared.raise(`cancel ${owner.process.pid}`);
    const next = await firstThatSays(waiters, "begins");
    shared.raise("finish");
    await Promise.all([owner, ...waiters].map((child) => child.says("ended")));
    expect(executions(shared)).toEqual([String(owner.process.pid), String(next.process.pid)]);
    expect(owner.lines.join("\n")).toMatch(/^failed .*canceled/m);
    expect(waiters.map(resultOf)).toEqual(waiters.map(() => `of ${next.process.pid}`));
  });

  test("is stopped for longer than the grace, another takes over, and what it gives later is not stored", async () => {
    const lease = { heartbeat: 200, grace: 2_000 };
    const { shared, start, startWaiter } = meeting(lease);
    const owner = start("works", "late");
    await owner.says("begins");
    const next = await startWaiter();
    const stoppedAt = performance.now();
    stopWithoutLock(owner, shared.home);
    await next.says("begins");
    // Taken over because nothing was heard of it, and not because it was thought to be gone.
    expect(performance.now() - stoppedAt).toBeGreaterThan(lease.grace - lease.heartbeat - 100);
    shared.raise("late");
    owner.kill("SIGCONT");
    await owner.says("ended");
    expect(resultOf(owner)).toBe(`of ${owner.process.pid}`);
    expect(statusesOf(owner)).toEqual(["MISS", "PUT_FAILED"]);
    expect(notesOf(owner).join()).toContain("another took over");
    const home = await homeOf(shared.home);
    expect(await home.cache.list()).toEqual([]);
    expect(await home.cache.leases()).toMatchObject([{ pid: next.process.pid }]);

    shared.raise("finish");
    await next.says("ended");
    expect(resultOf(next)).toBe(`of ${next.process.pid}`);
    expect(executions(shared)).toEqual([String(owner.process.pid), String(next.process.pid)]);
    expect(await onlyEntry(shared.home)).toMatchObject({ answer: `of ${next.process.pid}`, leases: [] });
    const runs = await home.backend.listPipelineRuns();
    expect(runs.map(({ state }) => state)).toEqual(["COMPLETE", "COMPLETE"]);
    const late = (await home.backend.listRuns(runs.at(-1)?.id ?? ""))[0];
    expect(late).toMatchObject({ state: "RESOLVED", cache: { status: "PUT_FAILED" } });
  });
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

/** Stops a process at a moment at which it does not hold the lock under which all others write. */
function stopWithoutLock(child: Child, home: string): void {
  const database = new DatabaseSync(`${home}/cache.db`, { timeout: 0 });
  try {
    for (;;) {
      child.kill("SIGSTOP");
      while (!isStopped(child.process.pid as number));
      try {
        database.exec("BEGIN IMMEDIATE; ROLLBACK");
        return;
      } catch {
        child.kill("SIGCONT");
      }
    }
  } finally {
    database.close();
  }
}

/** Whether all threads of a process have stopped. */
function isStopped(pid: number): boolean {
  if (process.platform !== "linux") {
    return execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).startsWith("T");
  }
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks).every((task) => /\) T /.test(readFileSync(`${tasks}/${task}/stat`, "utf8")));
}
