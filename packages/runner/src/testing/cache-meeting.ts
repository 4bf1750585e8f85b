import { DatabaseSync } from "node:sqlite";
import type { LeaseTimes } from "@reprise/store";
import { expect, onTestFinished } from "vitest";
import { SharedFolder } from "./cache-shared.ts";
import { Child } from "./child.ts";
import { homeOf, temporaryFolder } from "./temporary-home.ts";
import { verifyHome } from "./verify-home.ts";

/** Silence never ends a lease within a test: what takes over does so for another reason. */
const patient: LeaseTimes = { heartbeat: 1_000, grace: 600_000 };

/** A folder that processes share, and how to start them; they are ended with the test. */
export interface Meeting {
  readonly shared: SharedFolder;
  /** Starts a scenario of `cache-scenarios.ts`; its body waits for the flag. Default: `finish`. */
  readonly start: (scenario: string, flag?: string) => Child;
  /** Starts a process that wants `work`, and resolves when it waits for another one's result. */
  readonly startWaiter: (scenario?: string, flag?: string) => Promise<Child>;
}

/**
 * How processes of a test file meet.
 *
 * @param env of all processes.
 */
export function meetingWith(env: NodeJS.ProcessEnv): (lease?: LeaseTimes) => Meeting {
  return (lease = patient) => meet(lease, env);
}

function meet(lease: LeaseTimes, env: NodeJS.ProcessEnv): Meeting {
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
  const startWaiter = async (scenario = "works", flag = "finish"): Promise<Child> => {
    const child = start(scenario, flag);
    await child.says("work WAITING");
    return child;
  };
  return { shared, start, startWaiter };
}

/** The first of several processes that says a line. */
export function firstThatSays(children: readonly Child[], line: string): Promise<Child> {
  return Promise.any(
    children.map(async (child) => {
      await child.says(line);
      return child;
    }),
  );
}

/** The cache statuses that a process has told of a func, in order. */
export function statusesOf(child: Child, funcId = "work"): string[] {
  const start = `${funcId} `;
  return child.lines.filter((line) => line.startsWith(start)).map((line) => line.slice(start.length));
}

/** What a process has told besides. */
export function notesOf(child: Child): string[] {
  return child.lines.filter((line) => line.startsWith("note ")).map((line) => line.slice(5));
}

/** `of` and the process that computed the result that a process has got. */
export function resultOf(child: Child): string | undefined {
  return child.lines.find((line) => line.startsWith("result "))?.slice(7);
}

/** The processes whose bodies have begun, in order. */
export function executions({ logged }: SharedFolder): string[] {
  return logged.filter((line) => line.startsWith("begin ")).map((line) => line.slice(6));
}

/** How many bodies executed at once at most. */
export function mostAtOnce({ logged }: SharedFolder): number {
  let [now, most] = [0, 0];
  for (const line of logged) {
    now += line.startsWith("begin ") ? 1 : -1;
    most = Math.max(most, now);
  }
  return most;
}

/** How many runs have said that they wait while others wait for them. */
export function countWaits(home: string): number {
  const database = new DatabaseSync(`${home}/cache.db`, { readOnly: true });
  try {
    return (database.prepare("SELECT count(*) AS count FROM waits").get() as { count: number }).count;
  } finally {
    database.close();
  }
}

/** The only entry's value, and who computes what. */
export interface OnlyEntry {
  readonly answer: string;
  readonly leases: readonly unknown[];
}

/** Reads the only entry of a home that must be whole. */
export async function onlyEntry(path: string): Promise<OnlyEntry> {
  const home = await homeOf(path);
  await verifyHome(home);
  const entries = await home.cache.list();
  expect(entries).toHaveLength(1);
  const [entry] = entries;
  const { answer } = (await home.artifacts.read(entry?.artifact ?? "")) as { answer: string };
  return { answer, leases: await home.cache.leases() };
}
