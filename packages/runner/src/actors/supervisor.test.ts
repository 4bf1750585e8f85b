import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { Child } from "../testing/child.ts";
import { temporaryFolder } from "../testing/temporary-home.ts";
import { reachSupervisor } from "./supervisor-client.ts";
import { Supervisor } from "./supervisor-server.ts";
import { PoolLab } from "./testing/pool-lab.ts";

const heldDriver = fileURLToPath(new URL("testing/held-driver.ts", import.meta.url));

/** What a process was started with, as everybody on the machine can see it. */
function seen(pid: number, file: "cmdline" | "environ"): string {
  return readFileSync(`/proc/${pid}/${file}`, "utf8").replaceAll("\0", " ");
}

describe("a supervisor", () => {
  it("is started by the first task, once for all drivers, and closed to other users", async () => {
    const lab = await PoolLab.alone();
    expect([await lab.supervisorPid(), await lab.pools()]).toEqual([undefined, []]);
    const pids = await Promise.all(Array.from({ length: 4 }, () => lab.driver().start("where").ended));
    expect(new Set(pids).size).toBe(1);
    expect(await lab.supervisorPid()).not.toBe(process.pid);
    const log = readFileSync(join(lab.home.path, "supervisor.log"), "utf8");
    expect(log.match(/ listens$/gm)).toHaveLength(1);
    for (const name of ["supervisor.sock", "supervisor.log", "supervisor.lock"]) {
      expect([name, statSync(join(lab.home.path, name)).mode & 0o777]).toEqual([name, 0o600]);
    }
  });

  it.runIf(process.platform === "linux")("tells nobody what is secret", async () => {
    const lab = await PoolLab.alone();
    process.env["PASSWORD"] = "secret of the driver";
    onTestFinished(() => void delete process.env["PASSWORD"]);
    const driver = lab.driver({ env: { TOKEN: "secret of the actor" } });
    expect(await driver.start("variable", ["PASSWORD"]).ended).toBe("secret of the driver");
    const supervisor = (await lab.supervisorPid()) ?? 0;
    const replica = (await lab.pools())[0]?.replicas[0]?.pid ?? 0;
    expect(seen(supervisor, "cmdline")).toContain("supervisor");
    expect(seen(supervisor, "cmdline") + seen(supervisor, "environ") + seen(replica, "cmdline")).not.toContain(
      "secret of",
    );
    expect(readFileSync(join(lab.home.path, "supervisor.log"), "utf8")).not.toContain("secret of");
  });

  it("that is killed takes its replicas along; what has begun is lost, the rest goes to its successor", async () => {
    const lab = await PoolLab.alone();
    const driver = lab.driver();
    const begun = driver.start("meet", ["a"]);
    const visitor = await lab.gate.arrived("a");
    await begun.said("started");
    const queued = driver.start("where");
    await queued.waitsFor("are taken");
    const killed = (await lab.supervisorPid()) ?? 0;
    process.kill(killed, "SIGKILL");
    expect(await begun.ended).toMatchObject({ code: "WORKER_LOST", isFinal: false });
    await visitor.left;
    expect(await queued.pid()).not.toBe(String(visitor.pid));
    expect(await lab.supervisorPid()).not.toBe(killed);
    expect(begun.messages.map(({ type }) => type)).toEqual(["started"]);
  });

  it("that is killed leaves no replica behind, also if nobody comes after it", async () => {
    const lab = await PoolLab.alone();
    const driver = lab.driver({ replicas: { min: 2, max: 2 } });
    await driver.start("cached").pid();
    const cache = await lab.gate.arrived("cache");
    const pids = (await lab.pools())[0]?.replicas.map(({ pid }) => pid) ?? [];
    expect(pids).toHaveLength(2);
    process.kill((await lab.supervisorPid()) ?? 0, "SIGKILL");
    await cache.left;
    await lab.until(() => Promise.resolve(pids.every(isGone)));
    expect(await lab.pools()).toEqual([]);
  });

  it("keeps the replicas of a driver that is killed for others, and stops what they do for it", async () => {
    const lab = await PoolLab.alone();
    const child = new Child(heldDriver, [lab.home.path, lab.gate.path, "held"]);
    const held = await lab.gate.arrived("held");
    child.kill("SIGKILL");
    await child.ended;
    await held.left;
    const next = new Child(heldDriver, [lab.home.path, lab.gate.path, "next"]);
    const visitor = await lab.gate.arrived("next");
    expect(visitor.pid).toBe(held.pid);
    visitor.pass("done");
    expect(await next.ended).toMatchObject({ code: 0 });
    expect(await lab.pools()).toMatchObject([{ state: "idle", queued: 0, replicas: [{ tasks: [], tasksDone: 2 }] }]);
  });

  it("does not keep a driver alive that has nothing to wait for", async () => {
    const lab = await PoolLab.alone();
    const child = new Child(heldDriver, [lab.home.path, lab.gate.path, "held"]);
    (await lab.gate.arrived("held")).pass("done");
    expect(await child.ended).toMatchObject({ code: 0, stderr: "" });
  });

  it("that is told to end disposes of what is in caches, and leaves nothing", async () => {
    const lab = await PoolLab.alone();
    await lab.driver().start("cached").pid();
    const cache = await lab.gate.arrived("cache");
    const pid = (await lab.supervisorPid()) ?? 0;
    process.kill(pid, "SIGTERM");
    await cache.left;
    expect(cache.said).toEqual(["disposed"]);
    await lab.until(() => Promise.resolve(isGone(pid)));
    expect(existsSync(join(lab.home.path, "supervisor.sock"))).toBe(false);
    expect(readFileSync(join(lab.home.path, "supervisor.log"), "utf8")).toMatch(
      /ends: it received SIGTERM[^]*has ended\n$/,
    );
  });

  it("ends when it has had no pool for a while", async () => {
    const lab = await PoolLab.open({ idle: 100 });
    const driver = lab.driver({ ttl: 50 });
    await driver.start("where").pid();
    await lab.supervisor?.ended;
    expect(await lab.supervisorPid()).toBeUndefined();
    expect(existsSync(join(lab.home.path, "supervisor.sock"))).toBe(false);
  });

  it("is the only one of its home", async () => {
    const home = temporaryFolder();
    const make = () => new Supervisor({ home, log: () => undefined });
    const [one, two] = [make(), make()];
    expect([await one.listen(), await two.listen()]).toEqual([true, false]);
    await one.end("test");
    const three = make();
    expect(await three.listen()).toBe(true);
    await three.end("test");
  });

  it("whose home is removed ends when no body executes, and leaves the home that is made in its place alone", async () => {
    const home = join(temporaryFolder(), "home");
    const log: string[] = [];
    const [former, next] = [log, []].map((lines) => {
      return new Supervisor({ home, log: (line) => lines.push(line), times: { heartbeat: 20, idle: 60_000 } });
    }) as [Supervisor, Supervisor];
    mkdirSync(home);
    await former.listen();
    rmSync(home, { recursive: true });
    mkdirSync(home);
    expect(await next.listen()).toBe(true);
    await former.ended;
    expect(log).toEqual(["ends: its home was removed"]);
    expect(existsSync(join(home, "supervisor.sock"))).toBe(true);
    await next.end("test");
    expect(existsSync(join(home, "supervisor.sock"))).toBe(false);
  });

  it("whose replicas are started from a long path listens elsewhere", async () => {
    const home = join(temporaryFolder(), "x".repeat(60), "y".repeat(60));
    const lab = await PoolLab.alone(home);
    expect(await lab.driver().start("where").pid()).toMatch(/^\d+$/);
    expect(existsSync(join(home, "supervisor.sock"))).toBe(false);
    expect(await lab.supervisorPid()).toBeGreaterThan(0);
  });
});

describe("a supervisor of another version", () => {
  it("ends when it has no tasks, to be replaced", async () => {
    const lab = await PoolLab.open();
    const task = lab.driver().start("meet", ["a"]);
    const visitor = await lab.gate.arrived("a");
    const socket = connect(join(lab.home.path, "supervisor.sock"));
    const answer = new Promise<string>((resolve) => socket.setEncoding("utf8").once("data", resolve));
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write('{"type":"hello","protocol":99,"version":"9.0.0"}\n{"type":"list"}\n');
    expect(JSON.parse(await answer)).toMatchObject({ type: "welcome", protocol: 1 });
    visitor.pass("done");
    expect(await task.ended).toBe("done");
    await closed;
    await lab.supervisor?.ended;
    expect(lab.log.join("\n")).toMatch(/ends: it is replaced by one of another version/);
  });

  it("is waited for by drivers, who say so, and refused by commands", async () => {
    const lab = await PoolLab.other();
    const task = lab.driver().start("where");
    expect(await task.waitsFor("of reprise 9.0.0")).toMatch(/It ends when it has no tasks/);
    await expect(lab.pools()).rejects.toMatchObject({
      code: "ACTOR_FAILED",
      message: expect.stringMatching(/9\.0\.0/) as string,
    });
    lab.endOther();
    expect(await task.ended).toMatch(/^\d+$/);
  });

  it("may take longer to end than one may take to be found", async () => {
    const lab = await PoolLab.other();
    const { promise: told, resolve } = Promise.withResolvers<string>();
    const reached = reachSupervisor(lab.home.path, resolve, 50);
    expect(await told).toMatch(/9\.0\.0/);
    await pause(100);
    lab.endOther();
    const { channel, pid } = await reached;
    channel.close();
    expect(pid).toBe(await lab.supervisorPid());
  });
});

describe("where no supervisor can be had", () => {
  it("tasks fail with the reason", async () => {
    const lab = await PoolLab.alone();
    const socket = join(lab.home.path, "supervisor.sock");
    writeFileSync(socket, "");
    onTestFinished(() => rmSync(socket));
    expect(await lab.driver().start("where").ended).toMatchObject({
      code: "ACTOR_FAILED",
      isFinal: true,
      lost: expect.stringMatching(/cannot be trusted/) as string,
    });
  });
});

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
}
