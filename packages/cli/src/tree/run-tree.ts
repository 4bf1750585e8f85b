import {
  type CacheStatus,
  type Failure,
  isFinished,
  type PipelineState,
  type Progress,
  type RunCache,
  type RunKind,
  type RunState,
} from "@reprise/core";
import type { RunChanged, RunnerEvent } from "@reprise/runner";
import { type TakeOverCounts, wasCacheAsked, wasThere } from "./cache-words.ts";

/** A run in the live tree. */
export interface RunNode {
  readonly id: string;
  readonly name: string;
  readonly funcId: string;
  readonly kind: RunKind;
  readonly parent: RunNode | null;
  state: RunState;
  attempt: number;
  readonly createdAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  waitsFor: string | null;
  progress: Progress | null;
  failure: Failure | null;
  reason: string | null;
  /** What the cache did for it, as far as is known. */
  cache: RunCache | null;
  /** Groups of children, by func id. */
  readonly groups: Map<string, RunGroup>;
}

/** Siblings of one func. */
export interface RunGroup {
  readonly funcId: string;
  /** The name of all of them, or the func's id where names differ. */
  name: string;
  readonly startedAt: number;
  finishedAt: number;
  size: number;
  readonly counts: Map<RunState, number>;
  /** Of those for which the cache was asked. */
  readonly cacheCounts: Map<CacheStatus, number>;
  /** Milliseconds that hits saved. */
  saved: number;
  /** The members that are still told apart; in a large group the finished ones are only counted. */
  readonly members: Set<RunNode>;
}

/** Groups above this size keep no finished members: a live view counts them, `reprise show` has them all. */
export const largeGroup = 50;

/**
 * What a live view knows of the pipeline runs of one driver, from the events of its runner. Pure: the events bring the time.
 */
export class RunTree {
  /** Root runs. */
  readonly roots = new Map<string, RunGroup>();
  /** States of the pipeline runs, by id, in order of appearance. */
  readonly pipelines = new Map<
    string,
    { state: PipelineState; name: string; startedAt: number; finishedAt: number | null }
  >();
  /** The first runs that failed by themselves. */
  readonly failures: RunNode[] = [];
  readonly #nodes = new Map<string, RunNode>();
  /** Finished runs that are no longer told apart, of which the cache may still have to tell. */
  readonly #forgotten = new Map<string, RunCache>();
  #size = 0;
  #finished = 0;
  #hits = 0;
  #saved = 0;
  #cloned = 0;
  #resumed = 0;
  #executed = 0;

  /** Runs seen so far. */
  get size(): number {
    return this.#size;
  }

  /** Runs that have ended. */
  get finished(): number {
    return this.#finished;
  }

  /** Runs that ended with a result from the cache. */
  get hits(): number {
    return this.#hits;
  }

  /** Milliseconds that these hits saved. */
  get saved(): number {
    return this.#saved;
  }

  /** Runs that were taken over, and bodies that executed. */
  get takeOver(): TakeOverCounts {
    return { cloned: this.#cloned, resumed: this.#resumed, executed: this.#executed };
  }

  /** The run, if it is still told apart. */
  node(id: string): RunNode | undefined {
    return this.#nodes.get(id);
  }

  /** Takes one event in. Returns the run that it changed, if it changed one. */
  apply(event: RunnerEvent): RunNode | undefined {
    if (event.type === "run") return this.#applyRun(event);
    if (event.type === "progress") {
      const node = this.#nodes.get(event.runId);
      if (node !== undefined) node.progress = event.progress;
      return node;
    }
    if (event.type === "pipeline") {
      const ended = event.state === "COMPLETE" || event.state === "FAILED" || event.state === "CANCELED";
      const known = this.pipelines.get(event.id);
      const startedAt = known?.startedAt ?? event.time;
      const finishedAt = ended ? event.time : null;
      this.pipelines.set(event.id, { state: event.state, name: event.name, startedAt, finishedAt });
    }
    return undefined;
  }

  /** Counts every unfinished run as canceled: their process is gone. */
  cancelAll(reason: string, time: number): void {
    for (const node of this.#nodes.values()) {
      if (!isFinished(node.state)) this.#move(node, "CANCELED", time);
      node.reason ??= node.state === "CANCELED" ? reason : null;
    }
    for (const pipeline of this.pipelines.values()) {
      if (pipeline.finishedAt !== null) continue;
      pipeline.state = "CANCELED";
      pipeline.finishedAt = time;
    }
  }

  #applyRun(event: RunChanged): RunNode | undefined {
    const forgotten = this.#forgotten.get(event.id);
    if (forgotten !== undefined) {
      this.#applyLate(event, forgotten);
      return undefined;
    }
    const node = this.#nodes.get(event.id) ?? this.#add(event);
    node.attempt = event.attempt;
    node.waitsFor = event.waitsFor ?? null;
    if (event.failure !== undefined) node.failure = event.failure;
    if (event.reason !== undefined) node.reason = event.reason;
    if (event.cache !== undefined) {
      countCache(groupFor(this.#groupsOf(node), node), node.cache, event.cache);
      node.cache = event.cache;
    }
    if (event.state !== node.state) this.#move(node, event.state, event.time);
    return node;
  }

  /** Whether a result could be stored is known only when its run has ended. */
  #applyLate(event: RunChanged, before: RunCache): void {
    const groups = event.parentId === null ? this.roots : this.#nodes.get(event.parentId)?.groups;
    const group = groups?.get(groupKey(event));
    if (group === undefined || event.cache === undefined) return;
    countCache(group, before, event.cache);
    this.#forgotten.set(event.id, event.cache);
  }

  #add(event: RunChanged): RunNode {
    const parent = event.parentId === null ? null : (this.#nodes.get(event.parentId) ?? null);
    const node: RunNode = {
      id: event.id,
      name: event.name,
      funcId: event.funcId,
      kind: event.kind,
      parent,
      state: "CREATED",
      attempt: event.attempt,
      createdAt: event.time,
      startedAt: null,
      finishedAt: null,
      waitsFor: null,
      progress: null,
      failure: null,
      reason: null,
      cache: null,
      groups: new Map(),
    };
    this.#nodes.set(event.id, node);
    this.#size++;
    const group = groupFor(this.#groupsOf(node), node);
    group.size++;
    group.members.add(node);
    if (group.name !== node.name) group.name = node.funcId;
    count(group, "CREATED", 1);
    return node;
  }

  #move(node: RunNode, state: RunState, time: number): void {
    const group = groupFor(this.#groupsOf(node), node);
    count(group, node.state, -1);
    count(group, state, 1);
    node.state = state;
    if (state === "RUNNING") {
      if (node.startedAt === null && node.kind === "func") this.#executed++;
      node.startedAt = time;
      node.progress = null;
    }
    if (!isFinished(state)) return;
    node.finishedAt = time;
    node.waitsFor = null;
    group.finishedAt = time;
    this.#finished++;
    if (state === "RESOLVED") this.#countReuse(node.cache);
    if (state === "FAILED" && this.failures.length < 10) this.failures.push(node);
    if (group.size > largeGroup) this.#forget(group, node);
  }

  #countReuse(cache: RunCache | null): void {
    if (cache?.status === "CLONED") this.#cloned++;
    if (cache?.status === "RESUMED") this.#resumed++;
    if (cache?.status !== "HIT") return;
    this.#hits++;
    this.#saved += cache.saved ?? 0;
  }

  #groupsOf(node: RunNode): Map<string, RunGroup> {
    return node.parent === null ? this.roots : node.parent.groups;
  }

  /** A finished run has only finished runs below it, so all of them can go. */
  #forget(group: RunGroup, node: RunNode): void {
    group.members.delete(node);
    this.#nodes.delete(node.id);
    if (node.cache !== null && !wasThere(node.cache)) this.#forgotten.set(node.id, node.cache);
    for (const below of node.groups.values()) {
      for (const child of below.members) this.#forget(below, child);
    }
  }
}

function groupFor(groups: Map<string, RunGroup>, node: RunNode): RunGroup {
  const key = groupKey(node);
  let group = groups.get(key);
  if (group === undefined) {
    group = {
      funcId: node.funcId,
      name: node.name,
      startedAt: node.createdAt,
      finishedAt: node.createdAt,
      size: 0,
      counts: new Map(),
      cacheCounts: new Map(),
      saved: 0,
      members: new Set(),
    };
    groups.set(key, group);
  }
  return group;
}

/** Where a run stands among its siblings. */
export function groupKey({ kind, funcId }: Pick<RunNode, "kind" | "funcId">): string {
  return `${kind} ${funcId}`;
}

function countCache(group: RunGroup, before: RunCache | null, after: RunCache): void {
  for (const [cache, by] of [
    [before, -1],
    [after, 1],
  ] as const) {
    if (cache === null || !wasCacheAsked(cache)) continue;
    group.cacheCounts.set(cache.status, (group.cacheCounts.get(cache.status) ?? 0) + by);
    if (cache.status === "HIT") group.saved += by * (cache.saved ?? 0);
  }
}

function count(group: RunGroup, state: RunState, by: number): void {
  group.counts.set(state, (group.counts.get(state) ?? 0) + by);
}
