import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Home, LeaseTimes } from "@reprise/store";
import { describe, expect, onTestFinished, test } from "vitest";
import { SharedFolder } from "./testing/cache-shared.ts";
import { Child } from "./testing/child.ts";
import { compileCache } from "./testing/compile-cache.ts";
import { readLog } from "./testing/resume-log.ts";
import { stopWithoutLock } from "./testing/stop-process.ts";
import { homeOf, temporaryFolder } from "./testing/temporary-home.ts";
import { verifyHome } from "./testing/verify-home.ts";

const env = compileCache();

/** Silence never ends a lease within a test: who takes over does so for another reason. */
const patient: LeaseTimes = { heartbeat: 1_000, grace: 600_000 };
const short: LeaseTimes = { heartbeat: 100, grace: 600 };

/** Drivers of one pipeline run. */
class Drivers {
  readonly shared: SharedFolder;
  readonly #folder: string;
  readonly #lease: LeaseTimes;
  readonly #scenario: string;

  constructor(scenario: string, lease: LeaseTimes) {
    const folder = temporaryFolder();
    this.shared = new SharedFolder(folder);
    this.#folder = folder;
    this.#lease = lease;
    this.#scenario = scenario;
  }

  /** Starts a process that begins the pipeline run, or resumes it. */
  start(resume = ""): Child {
    const child = new Child(
      "resume-lease-scenario.ts",
      [this.#scenario, this.#folder, JSON.stringify(this.#lease), resume],
      { env },
    );
    onTestFinished(async () => {
      child.kill("SIGKILL");
      await child.ended;
    });
    return child;
  }

  open(): Promise<Home> {
    return homeOf(this.shared.home);
  }

  /** What the bodies did: func's input and the process, in order. */
  get begun(): readonly string[] {
    const notes = readLog(`${this.#folder}/notes`);
    return notes.filter(({ mark }) => mark === "begin").map(({ input, pid }) => `${String(input)} ${pid}`);
  }
}

/** Waits until the driver's pipeline run is recorded as far as its work. */
async function rootOf(home: Home): Promise<string> {
  const steps = async (): Promise<number> => {
    const [root] = await home.backend.listPipelineRuns();
    return root?.finished ?? 0;
  };
  await expect.poll(steps, { timeout: 20_000 }).toBe(1);
  const [root] = await home.backend.listPipelineRuns();
  return root?.id ?? "";
}

function linesOf(child: Child, start: string): readonly string[] {
  return child.lines.filter((line) => line.startsWith(start)).map((line) => line.slice(start.length));
}

describe("while a driver lives, a second one is refused", () => {
  test("though its pipeline run is quiet, and the first ends it undisturbed", async () => {
    const drivers = new Drivers("waits", patient);
    const first = drivers.start();
    await first.says("at work");
    const home = await drivers.open();
    const root = await rootOf(home);
    const before = await home.backend.listRuns(root);
    const second = drivers.start(root);
    await second.says("over");
    expect(linesOf(second, "refused ")).toEqual(["DRIVER_ALIVE"]);
    expect(second.lines.join("\n")).toContain(String(first.process.pid));
    expect(await home.backend.listRuns(root)).toEqual(before);
    drivers.shared.raise("finish");
    await first.says("over");
    const { pid } = first.process;
    expect(linesOf(first, "result ")).toEqual([JSON.stringify([`first by ${pid}`, `last by ${pid}`])]);
    expect(await home.backend.eventsOf(root)).toEqual([]);
    await verifyHome(home);
  });

  test("also while a body blocks its event loop for longer than the grace", async () => {
    const drivers = new Drivers("blocks", short);
    const first = drivers.start();
    await first.says("at work");
    const home = await drivers.open();
    const root = await rootOf(home);
    await firstBeat(home, root);
    drivers.shared.raise("block");
    await first.says("blocks");
    await pause(3 * (short.grace ?? 0));
    const second = drivers.start(root);
    await second.says("over");
    expect(linesOf(second, "refused ")).toEqual(["DRIVER_ALIVE"]);
    drivers.shared.raise("finish");
    await first.says("over");
    const { pid } = first.process;
    expect(linesOf(first, "result ")).toEqual([JSON.stringify([`first by ${pid}`, `last by ${pid}`])]);
    await verifyHome(home);
  });
});

describe("a driver that is gone is replaced", () => {
  test("at once if its process has ended, and by one only", async () => {
    const drivers = new Drivers("waits", patient);
    const first = drivers.start();
    await first.says("at work");
    const home = await drivers.open();
    const root = await rootOf(home);
    first.kill("SIGKILL");
    await first.ended;
    const others = [drivers.start(root), drivers.start(root), drivers.start(root)];
    const next = await Promise.any(others.map((child) => child.says("at work").then(() => child)));
    const refused = others.filter((child) => child !== next);
    await Promise.all(refused.map((child) => child.says("over")));
    expect(refused.flatMap((child) => linesOf(child, "refused "))).toEqual(["DRIVER_ALIVE", "DRIVER_ALIVE"]);
    drivers.shared.raise("finish");
    await next.says("over");
    const [old, pid] = [first.process.pid, next.process.pid];
    expect(linesOf(next, "result ")).toEqual([JSON.stringify([`first by ${old}`, `last by ${pid}`])]);
    expect(drivers.begun).toEqual([`first ${old}`, `last ${pid}`]);
    await verifyHome(home);
  });

  test("after the grace if it is stopped, and when it is woken it writes nothing more", async () => {
    const drivers = new Drivers("insists", short);
    const first = drivers.start();
    await first.says("at work");
    const home = await drivers.open();
    const root = await rootOf(home);
    await firstBeat(home, root);
    stopWithoutLock(first, `${drivers.shared.home}/reprise.db`);
    const silence = async (): Promise<number> => (await home.backend.driverOf(root))?.silent ?? 0;
    await expect.poll(silence, { timeout: 20_000 }).toBeGreaterThan(short.grace ?? 0);
    const next = drivers.start(root);
    await next.says("at work");
    await expect.poll(() => isWorking(home, root)).toBe(true);

    const before = await settledRows(drivers.shared.home);
    drivers.shared.raise(`insist ${first.process.pid}`);
    first.kill("SIGCONT");
    await first.says("over");
    expect(linesOf(first, "refused ")).toEqual(["DRIVER_REPLACED"]);
    expect(linesOf(first, "told to stop: ")).toEqual(["RunCanceledError"]);
    expect(rowsOf(drivers.shared.home)).toEqual(before);

    drivers.shared.raise("finish");
    await next.says("over");
    const [old, pid] = [first.process.pid, next.process.pid];
    expect(linesOf(next, "result ")).toEqual([JSON.stringify([`first by ${old}`, `last by ${pid}`])]);
    const ended = await home.backend.getPipelineRun(root);
    expect(ended).toMatchObject({ state: "COMPLETE", runs: 3, finished: 3 });
    await verifyHome(home);
  });
});

/** Whether the root's body executes under its second driver. */
async function isWorking({ backend }: Home, root: string): Promise<boolean> {
  const events = await backend.eventsOf(root);
  const [first, second] = await backend.listRuns(root);
  return events.length > 0 && first?.state === "RUNNING" && second?.cache.status === "RESUMED";
}

/** Resolves when the driver has said that it lives: not when it begins, but once it has driven for a second or so. */
async function firstBeat({ backend }: Home, root: string): Promise<void> {
  const began = performance.now();
  const heard = async (): Promise<boolean> => {
    const { silent } = (await backend.driverOf(root)) ?? { silent: Number.POSITIVE_INFINITY };
    return silent < performance.now() - began;
  };
  await expect.poll(heard, { timeout: 20_000 }).toBe(true);
}

type Rows = Readonly<Record<string, readonly object[]>>;

/** What is recorded when nothing has changed for a while. */
async function settledRows(home: string): Promise<Rows> {
  for (let rows = rowsOf(home); ;) {
    await pause(300);
    const now = rowsOf(home);
    if (isDeepStrictEqual(now, rows)) return rows;
    rows = now;
  }
}

/** All that is recorded, save the drivers' signs of life. */
function rowsOf(home: string): Rows {
  const database = new DatabaseSync(`${home}/reprise.db`, { readOnly: true });
  try {
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all() as { name: string }[];
    const rows = tables.map(({ name }) => [name, database.prepare(`SELECT * FROM "${name}"`).all()] as const);
    return Object.fromEntries(rows.map(([name, list]) => [name, list.map(withoutBeat)]));
  } finally {
    database.close();
  }
}

function withoutBeat(row: Record<string, unknown>): object {
  return { ...row, alive_at: undefined, driver: undefined };
}
