import { describe, expect, it } from "vitest";
import { PoolLab } from "./testing/pool-lab.ts";

describe("a pool", () => {
  it("executes tasks on replicas that stay when their driver is gone, for other drivers too", async () => {
    const lab = await PoolLab.open();
    const one = lab.driver();
    const first = await one.start("cached").pid();
    expect(first).toMatch(/^\d+$/);
    expect(first).not.toBe(String(process.pid));
    await lab.gate.arrived("cache");
    one.disconnect();
    expect(await lab.driver().start("cached").pid()).toBe(first);
    expect(lab.gate.all.map(({ name }) => name)).toEqual(["cache"]);
    expect(await lab.pools()).toMatchObject([
      { name: "tested", state: "idle", replicas: [{ tasksDone: 2, pid: Number(first) }] },
    ]);
  });

  it("is another one for any difference", async () => {
    const lab = await PoolLab.open();
    const all = [
      lab.driver(),
      lab.driver({ ttl: 59_000 }),
      lab.driver({ env: { MODE: "b" } }),
      lab.driver({ isolation: "clean" }),
      lab.driver({ replicas: { min: 0, max: 2 } }),
    ].map((driver) => driver.start("where"));
    const pids = await Promise.all(all.map(({ ended }) => ended));
    expect(new Set(pids).size).toBe(5);
    const pools = await lab.pools();
    expect(new Set(pools.map(({ id }) => id)).size).toBe(5);
  });

  it("says where a task executes", async () => {
    const lab = await PoolLab.open();
    const task = lab.driver().start("where");
    await task.ended;
    const [pool] = await lab.pools();
    expect(task.places).toEqual([`replica tested-1 of pool tested ${pool?.id.slice(0, 8)}`]);
  });

  it("takes up so many replicas as there is work for, first come first served", async () => {
    const lab = await PoolLab.open();
    const driver = lab.driver({ replicas: { min: 0, max: 2 } });
    const tasks = ["a", "b", "c", "d"].map((name) => driver.start("meet", [name]));
    const [a, b] = [await lab.gate.arrived("a"), await lab.gate.arrived("b")];
    expect(a.pid).not.toBe(b.pid);
    const [, , third, fourth] = tasks;
    expect(await third?.waitsFor("2 replicas")).toBe("a free place of actor tested: 2 replicas × 1 are taken");
    expect(await fourth?.waitsFor("2 replicas")).toBe(
      "a free place of actor tested: 2 replicas × 1 are taken, 1 task before it",
    );
    expect(await lab.pools()).toMatchObject([{ state: "active", queued: 2, replicas: [{}, {}] }]);
    b.pass("done b");
    const c = await lab.gate.arrived("c");
    expect(c.pid).toBe(b.pid);
    a.pass("done a");
    const d = await lab.gate.arrived("d");
    c.pass("done c");
    d.pass("done d");
    expect(await Promise.all(tasks.map(({ ended }) => ended))).toEqual(["done a", "done b", "done c", "done d"]);
    expect(third?.reasons.at(-1)).toBeUndefined();
  });

  it("executes several tasks at once on a replica, as its concurrency says", async () => {
    const lab = await PoolLab.open();
    const driver = lab.driver({ concurrency: 3 });
    for (let task = 0; task < 4; task += 1) driver.start("meet", ["m"]);
    const inside = await lab.gate.count("m", 3);
    expect(new Set(inside.map(({ pid }) => pid)).size).toBe(1);
    expect(lab.gate.inside).toHaveLength(3);
    inside[1]?.pass("go");
    await lab.gate.count("m", 4);
  });

  it("prefers the replica that has seen the key of a task", async () => {
    const lab = await PoolLab.open();
    const driver = lab.driver({ replicas: { min: 0, max: 2 } });
    const a = driver.start("meet", ["a"], { affinity: "model a" });
    const atA = await lab.gate.arrived("a");
    const b = driver.start("meet", ["b"], { affinity: "model b" });
    const atB = await lab.gate.arrived("b");
    atA.pass("");
    atB.pass("");
    await Promise.all([a.ended, b.ended]);
    for (const [key, { pid }] of [
      ["model b", atB],
      ["model a", atA],
      ["model b", atB],
    ] as const) {
      expect(await driver.start("where", [], { affinity: key }).pid()).toBe(String(pid));
    }
  });

  it("ends replicas when they have been idle", async () => {
    const lab = await PoolLab.open();
    const driver = lab.driver({ ttl: 200, replicas: { min: 0, max: 2 } });
    const long = driver.start("meet", ["long"]);
    await lab.gate.arrived("long");
    await driver.start("cached").pid();
    const cache = await lab.gate.arrived("cache");
    await cache.left;
    expect(cache.said).toEqual(["disposed"]);
    expect(lab.log.at(-1)).toMatch(/tested-2 has ended|tested-2 ends: idle for 0.2 s/);
    (await lab.gate.arrived("long")).pass("done");
    expect(await long.ended).toBe("done");
  });

  it("ends itself when it has not been used, the replicas that it keeps too", async () => {
    const lab = await PoolLab.open();
    const driver = lab.driver({ ttl: 200, replicas: { min: 2, max: 2 } });
    await driver.start("cached").pid();
    const cache = await lab.gate.arrived("cache");
    await cache.left;
    expect(cache.said).toEqual(["disposed"]);
    await lab.logged(/: the pool was not used for 0.2 s$/, 3);
    await lab.until(async () => (await lab.pools()).length === 0);
    // And then there is a new one.
    expect(await driver.start("cached").pid()).not.toBe(String(cache.pid));
  });

  it("loses no task that comes at the moment of its end", async () => {
    const lab = await PoolLab.open();
    const driver = lab.driver({ ttl: 50 });
    const pids = new Set<unknown>();
    for (let round = 1; round <= 3; round += 1) {
      pids.add(await driver.start("where").pid());
      await lab.logged(/tested-\d ends: the pool was not used/, round);
    }
    expect(pids.size).toBe(3);
  });

  it("gives what nobody else has written to the only task that executes", async () => {
    const lab = await PoolLab.open();
    const task = lab.driver().start("printing", ["from native code"]);
    expect(await task.said("log")).toMatchObject({ stream: "stdout", text: "from native code" });
    (await lab.gate.arrived("printing")).pass("done");
    expect(await task.ended).toBe("done");
  });
});

describe("replicas", () => {
  it("have the environment of the driver and of the actor, not that of the supervisor", async () => {
    const lab = await PoolLab.open();
    process.env["OF_DRIVER"] = "driver";
    const driver = lab.driver({ env: { OF_ACTOR: "secret" }, replicas: { min: 0, max: 2 } });
    const task = driver.start("meet", ["a"]);
    await lab.gate.arrived("a");
    // Here driver and supervisor are one process: what comes later is the supervisor's alone.
    process.env["OF_SUPERVISOR"] = "supervisor";
    const names = ["OF_DRIVER", "OF_ACTOR", "OF_SUPERVISOR"];
    const values = [];
    for (const name of names) values.push(await driver.start("variable", [name]).ended);
    expect(values).toEqual(["driver", "secret", "none"]);
    const pools = await lab.pools();
    expect(pools[0]?.definition.env).toEqual(["GATE", "OF_ACTOR"]);
    expect(JSON.stringify(pools)).not.toContain("secret");
    task.cancel("over");
    for (const name of names) delete process.env[name];
  });

  it("take no task before they are warm", async () => {
    const lab = await PoolLab.open();
    const task = lab.driver({ env: { WARMUP: "waits" } }).start("where");
    const warmup = await lab.gate.arrived("warmup");
    await task.waitsFor("a replica of actor tested that is starting and warming up");
    expect(task.messages).toEqual([]);
    warmup.pass("warm");
    expect(await task.ended).toBe(String(warmup.pid));
  });

  it("that cannot warm up are followed by others, and after three the tasks fail with the reasons", async () => {
    const lab = await PoolLab.open();
    const driver = lab.driver({ env: { WARMUP: "the model is gone" } });
    const tasks = [driver.start("where"), driver.start("where")];
    for (const { ended } of tasks) {
      expect(await ended).toEqual({
        lost: expect.stringMatching(/No replica of actor tested can be had: 3 in a row.*the model is gone/s) as string,
        code: "ACTOR_FAILED",
        isFinal: true,
      });
    }
    expect(lab.log.filter((line) => line.includes("could not start"))).toHaveLength(3);
    // The next one is tried anew.
    expect(await driver.start("where").ended).toMatchObject({ code: "ACTOR_FAILED" });
    expect(lab.log.filter((line) => line.includes("could not start"))).toHaveLength(6);
  });

  it("one that can serve does, after others that could not start", async () => {
    const lab = await PoolLab.open();
    const task = lab.driver({ env: { WARMUP: "waits" } }).start("where");
    (await lab.gate.arrived("warmup")).pass("not yet");
    const [, second] = await lab.gate.count("warmup", 2);
    await task.waitsFor("a replica");
    second?.pass("warm");
    expect(await task.ended).toBe(String(second?.pid));
  });

  it("that die lose the tasks that have begun, and no others", async () => {
    const lab = await PoolLab.open();
    const driver = lab.driver({ concurrency: 2 });
    const begun = driver.start("meet", ["a"]);
    const { pid } = await lab.gate.arrived("a");
    await begun.said("started");
    // It gets another one, but does not begin it any more.
    process.kill(pid, "SIGSTOP");
    const unbegun = driver.start("where");
    await lab.until(async () => (await lab.pools())[0]?.replicas[0]?.tasks.length === 2);
    const queued = driver.start("where");
    await queued.waitsFor("1 replica × 2 are taken");
    process.kill(pid, "SIGKILL");
    expect(await begun.ended).toMatchObject({
      code: "WORKER_LOST",
      isFinal: false,
      lost: expect.stringMatching(/SIGKILL/) as string,
    });
    expect(await unbegun.pid()).not.toBe(String(pid));
    expect(await queued.pid()).toBe(await unbegun.pid());
  });

  it("that use more memory than they may are ended, and it is said", async () => {
    const lab = await PoolLab.open();
    const driver = lab.driver({ resources: { memory: "300Mi" } });
    const pid = await driver.start("where").pid();
    expect(await driver.start("hungry").ended).toMatchObject({
      code: "OUT_OF_MEMORY",
      lost: expect.stringMatching(/used more than the 300 MiB/) as string,
    });
    expect(await driver.start("where").pid()).not.toBe(pid);
  });

  it("that give no sign of life are lost and killed", async () => {
    const lab = await PoolLab.open({ silence: 400 });
    const driver = lab.driver();
    const task = driver.start("meet", ["a"]);
    const visitor = await lab.gate.arrived("a");
    await task.said("started");
    process.kill(visitor.pid, "SIGSTOP");
    visitor.pass("too late");
    expect(await task.ended).toMatchObject({
      code: "WORKER_LOST",
      lost: expect.stringMatching(/no sign of life/) as string,
    });
    await visitor.left;
    expect(await driver.start("where").pid()).not.toBe(String(visitor.pid));
  });
});

describe("a task that is canceled", () => {
  it("stops, and its replica stays", async () => {
    const lab = await PoolLab.open();
    const driver = lab.driver();
    const task = driver.start("meet", ["a"]);
    const visitor = await lab.gate.arrived("a");
    await task.said("started");
    task.cancel("no longer wanted");
    expect(await task.ended).toMatchObject({ message: expect.stringMatching(/no longer wanted/) as string });
    expect(await driver.start("where").pid()).toBe(String(visitor.pid));
  });

  it("never begins if it has not", async () => {
    const lab = await PoolLab.open();
    const driver = lab.driver();
    const first = driver.start("meet", ["a"]);
    const visitor = await lab.gate.arrived("a");
    const second = driver.start("meet", ["b"]);
    await second.waitsFor("are taken");
    second.cancel("no longer wanted");
    visitor.pass("done");
    expect(await first.ended).toBe("done");
    await driver.start("where").pid();
    expect(lab.gate.all).toHaveLength(1);
  });

  it("is killed with its replica if it does not stop", async () => {
    const lab = await PoolLab.open({ stop: 200 });
    const driver = lab.driver();
    const task = driver.start("stubborn", ["a"]);
    const visitor = await lab.gate.arrived("a");
    await task.said("started");
    task.cancel("no longer wanted");
    expect(await task.ended).toMatchObject({ lost: expect.stringMatching(/a canceled body does not stop/) as string });
    await visitor.left;
    expect(visitor.said).toEqual(["was told"]);
    expect(await driver.start("where").pid()).not.toBe(String(visitor.pid));
  });

  it("and does not stop keeps its replica from new tasks, which ends when its other tasks are over", async () => {
    const lab = await PoolLab.open({ stop: 200 });
    const driver = lab.driver({ concurrency: 2, replicas: { min: 0, max: 2 } });
    const other = driver.start("meet", ["other"]);
    const task = driver.start("stubborn", ["a"]);
    const [visitor, a] = [await lab.gate.arrived("other"), await lab.gate.arrived("a")];
    await task.said("started");
    task.cancel("no longer wanted");
    await lab.logged(/tested-1 takes no tasks, as a canceled body does not stop: stubborn#/);
    const next = driver.start("meet", ["next"]);
    const elsewhere = await lab.gate.arrived("next");
    expect(elsewhere.pid).not.toBe(a.pid);
    visitor.pass("right");
    expect(await other.ended).toBe("right");
    expect(await task.ended).toMatchObject({ code: "WORKER_LOST" });
    await a.left;
    elsewhere.pass("done");
    expect(await next.ended).toBe("done");
  });
});

describe("a driver that is gone", () => {
  it("leaves its replicas to others; its tasks are canceled, and no others", async () => {
    const lab = await PoolLab.open();
    const [one, two] = [lab.driver({ concurrency: 2 }), lab.driver({ concurrency: 2 })];
    const gone = one.start("meet", ["gone"]);
    const stays = two.start("meet", ["stays"]);
    const [first, second] = [await lab.gate.arrived("gone"), await lab.gate.arrived("stays")];
    expect(first.pid).toBe(second.pid);
    await gone.said("started");
    const queued = one.start("meet", ["queued"]);
    await queued.waitsFor("are taken");
    const next = two.start("where");
    await next.waitsFor("1 task before it");
    one.disconnect();
    await first.left;
    expect(await next.ended).toBe(String(first.pid));
    second.pass("done");
    expect(await stays.ended).toBe("done");
    expect(lab.gate.all.map(({ name }) => name)).not.toContain("queued");
  });

  it("may come again and try the same again, while the body of before does not stop", async () => {
    const lab = await PoolLab.open({ stop: 300 });
    const [one, two] = [lab.driver({ concurrency: 2 }), lab.driver({ concurrency: 2 })];
    const id = "01890000-0000-7000-8000-000000000001";
    one.start("stubborn", ["before"], { id });
    const before = await lab.gate.arrived("before");
    one.disconnect();
    const again = two.start("meet", ["again"], { id });
    await before.left;
    const after = await lab.gate.arrived("again");
    expect(after.pid).not.toBe(before.pid);
    after.pass("right");
    expect(await again.ended).toBe("right");
    expect(again.messages.filter(({ type }) => type === "started")).toHaveLength(1);
  });
});

describe("a pool that is stopped", () => {
  it("does what it has, disposes of its caches, and makes place for another", async () => {
    const lab = await PoolLab.open();
    const driver = lab.driver();
    const pid = await driver.start("cached").pid();
    const cache = await lab.gate.arrived("cache");
    const [running, queued] = [driver.start("meet", ["a"]), driver.start("where")];
    const visitor = await lab.gate.arrived("a");
    const [pool] = await lab.pools();
    const stopped = lab.stop([pool?.id ?? ""], false);
    await lab.logged(/stopped: it ends when its tasks are over/);
    const later = driver.start("where");
    const other = await later.ended;
    expect(other).not.toBe(pid);
    expect((await lab.pools()).map(({ state }) => state)).toEqual(["draining", "idle"]);
    visitor.pass("done");
    expect([await running.ended, await queued.ended]).toEqual(["done", pid]);
    await stopped;
    await cache.left;
    expect(cache.said).toEqual(["disposed"]);
    expect((await lab.pools()).map(({ replicas }) => String(replicas[0]?.pid))).toEqual([other]);
  });

  it("at once loses what executes, and moves what does not", async () => {
    const lab = await PoolLab.open();
    const driver = lab.driver();
    const pid = await driver.start("cached").pid();
    const cache = await lab.gate.arrived("cache");
    const running = driver.start("meet", ["a"]);
    await lab.gate.arrived("a");
    const queued = driver.start("where");
    await queued.waitsFor("are taken");
    const [pool] = await lab.pools();
    await lab.stop([pool?.id ?? ""], true);
    expect(await running.ended).toMatchObject({ code: "WORKER_LOST", isFinal: false });
    expect(await queued.pid()).not.toBe(pid);
    await cache.left;
    expect(cache.said).toEqual(["disposed"]);
  });
});

describe("places that are held by bodies that wait for other runs", () => {
  it("are named as the reason of those that wait for a place", async () => {
    const lab = await PoolLab.open();
    const driver = lab.driver();
    const parent = driver.start("waiting");
    const { wait } = await parent.said("await");
    const task = driver.start("where");
    expect(await task.waitsFor("themselves")).toBe(
      "a free place of actor tested: the bodies in all places (1 replica × 1) wait for other runs themselves; if those " +
        "need a place of it too, raise replicas or concurrency",
    );
    parent.answer({ type: "noValue", task: parent.message.task, wait, message: "there is none", cause: null });
    const visitor = await lab.gate.arrived("waited");
    // It waits for nothing any more.
    await driver.start("where").waitsFor("1 replica × 1 are taken, 1 task before it");
    visitor.pass("done");
    expect(await parent.ended).toBe("there is none, done");
    expect(await task.ended).toMatch(/^\d+$/);
  });
});

describe("replicas that end by themselves as soon as they are ready", () => {
  it("are replaced later and later", async () => {
    const lab = await PoolLab.open();
    lab.driver({ replicas: { min: 1, max: 1 }, env: { DIES: "yes" } }).start("meet", ["a"]);
    await lab.logged(/tested-6 starts/);
    const [{ events } = { events: [] }] = await lab.pools();
    const when = (text: string): number => events.find((event) => event.text.startsWith(text))?.time ?? Number.NaN;
    const waited = (number: number): number => when(`tested-${number + 1} starts`) - when(`tested-${number} has ended`);
    expect(waited(3)).toBeGreaterThanOrEqual(100);
    expect(waited(4)).toBeGreaterThanOrEqual(200);
    expect(waited(5)).toBeGreaterThanOrEqual(400);
  });
});
