import type { DatabaseSync, StatementSync } from "node:sqlite";
import { formatRunId, parseRunId, type PipelineState, pipelineStates, RepriseError } from "@reprise/core";
import type { DriverLease, KnownDriver, RunRef, TakenOver } from "../backend.ts";
import { isProcessGone, type ProcessIdentity } from "../process-gone.ts";
import { rollback } from "./connection.ts";
import { databaseTime } from "./database-time.ts";
import { unfinishedPipelineRuns } from "./state-masks.ts";

/** What `driver` of table `pipeline_runs` holds, as JSON. */
interface DriverRecord extends ProcessIdentity {
  /** Since when it drives, by the database's time. */
  readonly since: number;
  /** After how many milliseconds of silence it counts as gone; negative: it has given the pipeline run up. */
  readonly patience: number;
}

interface DriverRow {
  readonly key: number;
  readonly uuid: Uint8Array;
  readonly state: number;
  readonly fence: number;
  readonly driver: string | null;
  readonly alive_at: number | null;
  readonly now: number;
}

/**
 * Milliseconds for which a driver is believed that has not begun to say that it is alive: a pipeline run of seconds needs
 * no thread for that. On the driver's own host nobody waits for this, because there the end of a process is seen.
 */
const firstPatience = 600_000;

const selectDriver = `SELECT key, uuid, state, fence, driver, alive_at, ${databaseTime} AS now FROM pipeline_runs`;

/** One beat of the driver that holds the fence; its parameters are those of {@link beatParameters}. */
export const beatStatement = `UPDATE pipeline_runs
  SET alive_at = ${databaseTime}, driver = json_set(driver, '$.patience', ?) WHERE key = ? AND fence = ?`;

/** @param grace milliseconds of silence after which the driver counts as gone. */
export function beatParameters({ root, fence }: DriverLease, grace: number): readonly number[] {
  return [grace, root.key, fence];
}

/** Gives pipeline runs to drivers, and looks whether they still have them. For use within transactions. */
export class DriverFence {
  readonly #select: StatementSync;
  readonly #selectFence: StatementSync;
  readonly #give: StatementSync;

  constructor(database: DatabaseSync) {
    this.#select = database.prepare(`${selectDriver} WHERE key = ?`);
    this.#selectFence = database.prepare("SELECT fence FROM pipeline_runs WHERE key = ?");
    this.#give = database.prepare(
      `UPDATE pipeline_runs SET fence = fence + 1, alive_at = ${databaseTime},
         driver = json_object('host', ?, 'pid', ?, 'processStartedAt', ?, 'since', ${databaseTime}, 'patience', ?)
       WHERE key = ?`,
    );
  }

  /** Makes a process the driver of the pipeline run of this key, under its next fence. */
  give(key: number, { host, pid, processStartedAt }: ProcessIdentity): void {
    this.#give.run(host, pid, processStartedAt, firstPatience, key);
  }

  /** Throws `DRIVER_REPLACED` if somebody else drives the pipeline run. */
  check({ root, fence }: DriverLease): void {
    if (root.key === 0 || this.#selectFence.get(root.key)?.["fence"] === fence) return;
    throw replaced(root, this.#select.get(root.key) as DriverRow | undefined);
  }
}

function replaced({ uuid }: RunRef, row: DriverRow | undefined): RepriseError {
  const id = formatRunId(uuid);
  if (row === undefined) {
    return new RepriseError(
      "DRIVER_REPLACED",
      `Pipeline run ${id} was ended from outside and removed, so that this process cannot write it any more. ` +
        `Run it again if its result is needed.`,
    );
  }
  const driver = recordOf(row);
  const who = driver === undefined ? "another process" : nameOf(driver);
  const since = driver === undefined ? "" : ` since ${new Date(driver.since).toISOString()}`;
  return new RepriseError(
    "DRIVER_REPLACED",
    `Pipeline run ${id} is driven by ${who}${since}; this process can no longer write it. It was not heard of for too ` +
      `long, as one that is suspended or cut off from the disk; what it had written until then is kept. ` +
      `Leave the pipeline run to its driver.`,
  );
}

/** See `Backend.takeOver`. */
export function takeOver(database: DatabaseSync, id: string, driver: ProcessIdentity): TakenOver {
  const uuid = parseRunId(id);
  if (uuid === undefined) return { type: "unknown" };
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = take(database, uuid, driver);
    database.exec(result.type === "taken" ? "COMMIT" : "ROLLBACK");
    return result;
  } catch (error) {
    rollback(database);
    throw error;
  }
}

function take(database: DatabaseSync, uuid: Uint8Array, driver: ProcessIdentity): TakenOver {
  const row = database.prepare(`${selectDriver} WHERE uuid = ?`).get(uuid) as DriverRow | undefined;
  if (row === undefined) return { type: "unknown" };
  const { key, state, fence, now } = row;
  if (((1 << state) & unfinishedPipelineRuns) === 0) {
    return { type: "finished", state: pipelineStates[state] as PipelineState };
  }
  const before = recordOf(row);
  const end = before === undefined ? "nobody drove it" : endOf(before, row);
  if (end === undefined) return { type: "alive", driver: identityOf(before as DriverRecord), silent: silenceOf(row) };
  new DriverFence(database).give(key, driver);
  const root = database.prepare("SELECT key FROM runs WHERE key = ?").get(key);
  database
    .prepare("INSERT INTO events (root_key, run_key, time, kind, message) VALUES (?, ?, ?, 'resume', ?)")
    .run(key, root === undefined ? null : key, now, `${capital(nameOf(driver))} goes on with it: ${end}.`);
  return { type: "taken", lease: { root: { uuid: row.uuid, key }, fence: fence + 1 } };
}

/** See `Backend.driverOf`. */
export function driverOf(database: DatabaseSync, id: string): KnownDriver | undefined {
  const uuid = parseRunId(id);
  if (uuid === undefined) return undefined;
  const row = database.prepare(`${selectDriver} WHERE uuid = ?`).get(uuid) as DriverRow | undefined;
  const driver = recordOf(row);
  if (row === undefined || driver === undefined) return undefined;
  const { patience } = driver;
  return { driver: identityOf(driver), silent: silenceOf(row), patience, ended: endOf(driver, row) };
}

/** Says, unless the pipeline run has ended anyway, that its driver will not go on with it: nobody has to wait for that. */
export function giveUp(database: DatabaseSync, { root, fence }: DriverLease): void {
  const where = `WHERE key = ${root.key} AND fence = ${fence} AND (1 << state) & ${unfinishedPipelineRuns}`;
  // Looked at first, because an update takes the write lock even if it finds nothing.
  if (database.prepare(`SELECT key FROM pipeline_runs ${where}`).get() === undefined) return;
  database.exec(`UPDATE pipeline_runs SET driver = json_set(driver, '$.patience', -1) ${where}`);
}

/**
 * How a driver has ended; undefined if it counts as alive. A sign of life from the future counts as none: whoever is alive
 * gives one by the clock that was set back.
 */
function endOf(driver: DriverRecord, row: DriverRow): string | undefined {
  if (driver.patience < 0) return `${nameOf(driver)}, which drove it, has given it up`;
  if (isProcessGone(driver)) return `${nameOf(driver)}, which drove it, is gone`;
  if (Math.abs(row.now - (row.alive_at ?? 0)) <= driver.patience) return undefined;
  return `${nameOf(driver)}, which drove it, was not heard of for ${Math.round(silenceOf(row) / 1_000)} s`;
}

function silenceOf({ now, alive_at: aliveAt }: DriverRow): number {
  return Math.max(0, now - (aliveAt ?? 0));
}

function recordOf(row: DriverRow | undefined): DriverRecord | undefined {
  return row === undefined || row.driver === null ? undefined : (JSON.parse(row.driver) as DriverRecord);
}

function identityOf({ host, pid, processStartedAt }: DriverRecord): ProcessIdentity {
  return { host, pid, processStartedAt };
}

function nameOf({ host, pid }: ProcessIdentity): string {
  return `process ${pid} on ${host}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
