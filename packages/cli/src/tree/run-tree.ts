import {
  type Failure,
  isFinished,
  type PipelineState,
  type Progress,
  type RunKind,
  type RunState,
} from "@reprise/core";
import type { RunChanged, RunnerEvent } from "@reprise/runner";

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
  #size = 0;
  #finished = 0;

  /** Runs seen so far. */
  get size(): number {
    return this.#size;
  }

  /** Runs that have ended. */
  get finished(): number {
    return this.#finished;
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

  #applyRun(event: RunChanged): RunNode {
    const node = this.#nodes.get(event.id) ?? this.#add(event);
    node.attempt = event.attempt;
    node.waitsFor = event.waitsFor ?? null;
    if (event.failure !== undefined) node.failure = event.failure;
    if (event.reason !== undefined) node.reason = event.reason;
    if (event.state !== node.state) this.#move(node, event.state, event.time);
    return node;
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
      node.startedAt = time;
      node.progress = null;
    }
    if (!isFinished(state)) return;
    node.finishedAt = time;
    node.waitsFor = null;
    group.finishedAt = time;
    this.#finished++;
    if (state === "FAILED" && this.failures.length < 10) this.failures.push(node);
    if (group.size > largeGroup) this.#forget(group, node);
  }

  #groupsOf(node: RunNode): Map<string, RunGroup> {
    return node.parent === null ? this.roots : node.parent.groups;
  }

  /** A finished run has only finished runs below it, so all of them can go. */
  #forget(group: RunGroup, node: RunNode): void {
    group.members.delete(node);
    this.#nodes.delete(node.id);
    for (const below of node.groups.values()) {
      for (const child of below.members) this.#forget(below, child);
    }
  }
}

function groupFor(groups: Map<string, RunGroup>, node: RunNode): RunGroup {
  const key = `${node.kind} ${node.funcId}`;
  let group = groups.get(key);
  if (group === undefined) {
    group = {
      funcId: node.funcId,
      name: node.name,
      startedAt: node.createdAt,
      finishedAt: node.createdAt,
      size: 0,
      counts: new Map(),
      members: new Set(),
    };
    groups.set(key, group);
  }
  return group;
}

function count(group: RunGroup, state: RunState, by: number): void {
  group.counts.set(state, (group.counts.get(state) ?? 0) + by);
}
