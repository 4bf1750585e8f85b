import { cpSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { type Attempt, isFinished, type Run } from "@reprise/core";
import { type Home, openHome } from "@reprise/store";
import { expect } from "vitest";
import { Child, type Ended } from "./child.ts";
import { type Noted, readLog } from "./resume-log.ts";
import { elementsAtOnce } from "./resume-pipeline.ts";
import { readShape, type Shape } from "./resume-shape.ts";
import { verifyHome } from "./verify-home.ts";

/** When a process is ended. */
export type Moment =
  /** So many ms after it was started, most of which it takes to load. */
  | { readonly type: "start"; readonly after: number }
  /** So many ms after it began with the pipeline run. */
  | { readonly type: "time"; readonly after: number }
  /** By itself, before or after it writes to the store. */
  | { readonly type: "step"; readonly number: number };

/** What is recorded, and what bodies have noted. */
interface Found {
  readonly root: string | undefined;
  readonly complete: boolean;
  readonly runs: ReadonlyMap<string, Run>;
  readonly attempts: ReadonlyMap<string, readonly Attempt[]>;
  /** Runs whose bodies have returned a map of which nothing tells the items yet: only the body itself can. */
  readonly unclear: ReadonlySet<string>;
  readonly notes: readonly Noted[];
}

const nothing: Found = {
  root: undefined,
  complete: false,
  runs: new Map(),
  attempts: new Map(),
  unclear: new Set(),
  notes: [],
};

/** How a pipeline run that nothing interrupts ends. */
export interface Undisturbed {
  readonly value: string;
  readonly shape: Shape;
  /** Artifacts of cached results by key. */
  readonly entries: ReadonlyMap<string, string>;
}

/** What the crashes of a pipeline run have hit, to see that they hit something. */
export interface Hits {
  /** Crashes while it was under way, as far as is recorded. */
  readonly kills: number;
  /** Runs that were kept over a crash, and bodies that one had interrupted. */
  readonly kept: number;
  readonly interrupted: number;
  /** Crashes after which a body had to wait for its next attempt. */
  readonly retrying: number;
}

/** A pipeline run that has ended, of which another one is a re-run. */
export interface Original {
  /** The folder that was given for it. */
  readonly folder: string;
  /** The run from which it is re-run. */
  readonly from: string;
}

/** One pipeline run of `resume-pipeline.ts`, driven by one process after the other. */
export class CrashedPipeline {
  readonly #home: string;
  readonly #log: string;
  readonly #durability: string;
  readonly #env: NodeJS.ProcessEnv;
  /** How it begins. */
  readonly #beginning: string;
  #found: Found = nothing;
  readonly #hits = { kills: 0, kept: 0, interrupted: 0, retrying: 0 };

  /** @param original what it re-runs, in a copy of its home. Default: nothing, the home is its own. */
  constructor(folder: string, durability: string, env: NodeJS.ProcessEnv, original?: Original) {
    this.#home = `${folder}/home`;
    this.#log = `${folder}/log`;
    this.#durability = durability;
    this.#env = env;
    this.#beginning = original === undefined ? "" : `rerun ${original.from}`;
    if (original !== undefined) cpSync(`${original.folder}/home`, this.#home, { recursive: true });
  }

  /** Starts or resumes it in a process that is ended at the moment; false if it came to its end before. */
  async crash(moment: Moment): Promise<boolean> {
    await this.#look(await this.#drive(moment));
    const { root, complete } = this.#found;
    if (root !== undefined && !complete) this.#hits.kills += 1;
    return !complete;
  }

  /** Resumes it to its end, which must be that of one that was never interrupted. */
  async finish(undisturbed: Undisturbed): Promise<Hits> {
    if (!this.#found.complete) await this.#look(await this.#drive(undefined), undisturbed.value);
    await using home = await openHome({ path: this.#home });
    await checkEnd(home, this.#found.root ?? "", undisturbed);
    return this.#hits;
  }

  /** The id of a run of the func. */
  runOf(funcId: string): string {
    const run = [...this.#found.runs.values()].find(({ func, kind }) => func.id === funcId && kind === "func");
    if (run === undefined) throw new Error(`no run of func "${funcId}"`);
    return run.id;
  }

  /** How it ends if nothing interrupts it. */
  async undisturbed(): Promise<Undisturbed> {
    const ended = await this.#drive(undefined);
    await this.#look(ended);
    await using home = await openHome({ path: this.#home });
    const shape = await readShape(home, this.#found.root as string);
    return { value: valueOf(ended), shape, entries: await readEntries(home) };
  }

  async #drive(moment: Moment | undefined): Promise<Ended> {
    const last = moment?.type === "step" ? String(moment.number) : "";
    const args = [this.#home, this.#log, this.#durability, this.#found.root ?? this.#beginning, last];
    const child = new Child("resume-driver.ts", args, { env: this.#env });
    if (moment !== undefined && moment.type !== "step") {
      if (moment.type === "time") await child.says("begins");
      await Promise.race([pause(moment.after), child.ended]);
      child.kill("SIGKILL");
    }
    const ended = await child.ended;
    checkProcess(ended);
    return ended;
  }

  /** Compares what is there now with what was there before. */
  async #look(ended: Ended, value?: string): Promise<void> {
    const before = this.#found;
    await using home = await openHome({ path: this.#home });
    await verifyHome(home);
    const after = await this.#read(home);
    this.#found = after;
    if (ended.signal === null) checkValue(ended, after, value);
    checkRecords(before, after);
    checkBodies(before, after);
    if (after.complete) await checkResumed(before, after, home);
    for (const { state } of after.complete ? [] : after.runs.values()) {
      if (state === "RESOLVED") this.#hits.kept += 1;
      if (state === "RUNNING") this.#hits.interrupted += 1;
      if (state === "RETRYING") this.#hits.retrying += 1;
    }
  }

  async #read({ backend }: Home): Promise<Found> {
    const pipelineRuns = await backend.listPipelineRuns();
    const root = pipelineRuns.find(({ rerun }) => (rerun === null) === (this.#beginning === ""));
    const list = root === undefined ? [] : await backend.listRuns(root.id);
    const attempts = new Map<string, readonly Attempt[]>();
    const unclear = new Set<string>();
    for (const { id, kind, ranAt, parentId } of list) {
      attempts.set(id, await backend.attemptsOf(id));
      if (kind === "map" && ranAt === null && (await backend.edgesOf(id)).length === 0) unclear.add(parentId ?? "");
    }
    return {
      root: root?.id,
      complete: root?.state === "COMPLETE",
      runs: new Map(list.map((run) => [run.id, run])),
      attempts,
      unclear,
      notes: readLog(this.#log),
    };
  }
}

function valueOf({ stdout }: Ended): string {
  return stdout.split("\n").at(-2) ?? "";
}

async function readEntries(home: Home): Promise<ReadonlyMap<string, string>> {
  return new Map((await home.cache.list()).map(({ key, artifact }) => [key, artifact]));
}

/** What was recorded stays; what had ended stays as it ended, and no count goes back. */
function checkRecords(before: Found, after: Found): void {
  if (before.root !== undefined) expect(after.root).toBe(before.root);
  for (const [id, old] of before.runs) {
    const run = after.runs.get(id);
    expect(run).toMatchObject(identityOf(old));
    if (isFinished(old.state)) expect(outcomeOf(run as Run)).toEqual(outcomeOf(old));
    expect(run?.attempt).toBeGreaterThanOrEqual(old.attempt);
    const attempts = after.attempts.get(id) ?? [];
    const known = before.attempts.get(id) ?? [];
    expect(attempts.slice(0, known.length)).toEqual(known);
    expect(attempts.map(({ attempt }) => attempt)).toEqual(attempts.map((_, at) => at + 1));
  }
}

function identityOf({
  id,
  parentId,
  parentAttempt,
  kind,
  func,
  name,
  tags,
  position,
  options,
  createdAt,
}: Run): object {
  return { id, parentId, parentAttempt, kind, func: { id: func.id }, name, tags, position, options, createdAt };
}

function outcomeOf({ state, attempt, scheduledAt, startedAt, ranAt, finishedAt, output, failure }: Run): object {
  return { state, attempt, scheduledAt, startedAt, ranAt, finishedAt, output, failure };
}

/** Nothing that had ended is executed again, and what was interrupted goes on with the attempt that it had come to. */
function checkBodies(before: Found, after: Found): void {
  const notes = after.notes.slice(before.notes.length);
  const last = new Map<string, number>();
  let [elements, most] = [0, 0];
  for (const { mark, func, run: id, attempt } of notes) {
    const group = after.runs.get(after.runs.get(id)?.parentId ?? "");
    if (isGated(group)) elements += mark === "begin" ? 1 : -1;
    most = Math.max(most, elements);
    if (mark === "end") continue;
    const old = before.runs.get(id);
    if (old !== undefined && (isFinished(old.state) || (old.state === "RAN" && !before.unclear.has(id)))) {
      throw new Error(`${func}#${id.slice(-8)} was ${old.state}, and was executed again`);
    }
    const current = old === undefined ? 1 : old.attempt + (isBetweenAttempts(old) ? 1 : 0);
    expect({ func, id, attempt }).toEqual({ func, id, attempt: last.has(id) ? (last.get(id) ?? 0) + 1 : current });
    last.set(id, attempt);
  }
  expect(most).toBeLessThanOrEqual(elementsAtOnce);
}

function isBetweenAttempts({ state }: Run): boolean {
  return state === "CREATED" || state === "RETRYING";
}

/** The group whose elements are limited. */
function isGated(group: Run | undefined): boolean {
  return (group?.options?.["map"] as { readonly concurrency?: unknown } | undefined)?.concurrency === elementsAtOnce;
}

/** What was kept says so, and somebody can see that the pipeline run was interrupted. */
async function checkResumed(before: Found, after: Found, { backend }: Home): Promise<void> {
  if (before.root === undefined) return;
  for (const [id, { state, cache, func }] of before.runs) {
    if (state !== "RESOLVED") continue;
    const expected = cache.status === "HIT" || cache.status === "CLONED" ? cache.status : "RESUMED";
    expect({ func: func.id, status: after.runs.get(id)?.cache.status }).toEqual({ func: func.id, status: expected });
  }
  const events = await backend.eventsOf(before.root);
  expect(events.filter(({ kind }) => kind === "resume").length).toBeGreaterThan(0);
}

function checkProcess({ code, signal, stderr }: Ended): void {
  expect({ code, signal, stderr }).toEqual({ code: signal === null ? 0 : null, signal, stderr: "" });
}

function checkValue(ended: Ended, { complete }: Found, value: string | undefined): void {
  expect(complete).toBe(true);
  if (value !== undefined) expect(valueOf(ended)).toBe(value);
}

/** All is as if nothing had happened. */
async function checkEnd(home: Home, root: string, { shape, entries }: Undisturbed): Promise<void> {
  expect(await readShape(home, root)).toEqual(shape);
  // Who is killed between the record of a result and its entry leaves no entry, and nobody computes it again.
  for (const [key, artifact] of await readEntries(home)) expect(artifact).toBe(entries.get(key));
  expect(await home.cache.leases()).toEqual([]);
  const pipelineRuns = await home.backend.listPipelineRuns();
  expect(pipelineRuns[0]).toMatchObject({ id: root, state: "COMPLETE" });
  expect(pipelineRuns).toHaveLength(pipelineRuns[0]?.rerun === null ? 1 : 2);
}
