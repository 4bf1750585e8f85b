// What homes hold that pipelines have filled: ids, and rows as the database gives them to anybody.
import { fork } from "node:child_process";
import { once } from "node:events";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";
import { type Elapsed, startClock } from "../measure/stopwatch.ts";
import { hangs, type ResumeName } from "./pipelines.ts";

function openRecords(home: string): DatabaseSync {
  return new DatabaseSync(`${home}/reprise.db`, { readOnly: true });
}

function idOf(row: unknown): string {
  const { id } = row as { readonly id: string };
  return id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The ids of the last pipeline run in a home, and of the last run that was called in it. */
export function lastIds(home: string): { readonly root: string; readonly last: string } {
  const database = openRecords(home);
  try {
    const root = database.prepare("SELECT lower(hex(uuid)) AS id FROM pipeline_runs ORDER BY key DESC LIMIT 1").get();
    const last = database.prepare(
      "SELECT lower(hex(uuid)) AS id FROM runs ORDER BY root_key DESC, position DESC LIMIT 1",
    );
    return { root: idOf(root), last: idOf(last.get()) };
  } finally {
    database.close();
  }
}

/** Selects all that is recorded of the last pipeline run: its runs with their results, and its edges; nothing is made of it. */
export function selectGraph(home: string): Elapsed {
  const database = openRecords(home);
  try {
    const { key } = database.prepare("SELECT max(key) AS key FROM pipeline_runs").get() as { readonly key: number };
    const selects = [
      `SELECT runs.*, digest FROM runs LEFT JOIN artifacts ON artifacts.key = output_key WHERE root_key = ?`,
      `SELECT edges.*, digest FROM runs CROSS JOIN edges ON run_key = runs.key
       LEFT JOIN artifacts ON artifacts.key = artifact_key WHERE root_key = ?`,
    ].map((query) => database.prepare(query));
    for (const select of selects) select.setReturnArrays(true);
    const clock = startClock();
    for (const select of selects) select.all(key);
    return clock();
  } finally {
    database.close();
  }
}

/** Runs a pipeline in a process of its own, which is killed when only the last run has not ended. */
export async function interrupt(home: string, shape: ResumeName, count: number): Promise<void> {
  const script = fileURLToPath(new URL("interrupted-child.ts", import.meta.url));
  const child = fork(script, [home, shape, String(count)], { env: { ...process.env, [hangs]: "1" }, execArgv: [] });
  const exited = once(child, "exit");
  const database = openRecords(home);
  const select = database.prepare("SELECT runs, finished FROM pipeline_runs ORDER BY key DESC LIMIT 1");
  try {
    for (;;) {
      const { runs, finished } = select.get() as { readonly runs: number; readonly finished: number };
      // The root and its last run are still under way.
      if (runs === count + 1 && finished === count - 1) break;
      if (child.exitCode !== null) throw new Error("The driver that was to be killed has ended by itself.");
      await pause(20);
    }
  } finally {
    database.close();
    child.kill("SIGKILL");
    await exited;
  }
}
