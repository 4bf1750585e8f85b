import { isFinished } from "../states.ts";
import type { GraphRun } from "./graph-run.ts";

/** A recorded run and the runs around it. */
export class GraphNode {
  readonly run: GraphRun;
  parent: GraphNode | undefined = undefined;
  /** What it called, in order of creation: first in whichever attempt. */
  children: GraphNode[] | undefined = undefined;
  sources: GraphNode[] | undefined = undefined;
  /** Runs that have this one among their sources. */
  dependents: GraphNode[] | undefined = undefined;
  /** Whether an earlier attempt of the parent called it, so that nobody has asked for it since. */
  superseded = false;

  constructor(run: GraphRun) {
    this.run = run;
  }

  get resolved(): boolean {
    return this.run.state === "RESOLVED";
  }

  get finished(): boolean {
    return isFinished(this.run.state);
  }

  get isMap(): boolean {
    return this.run.kind === "map";
  }

  /** Whether the items of this map can be learned only from its elements. */
  get itemsInElements(): boolean {
    return this.isMap && !this.run.hasArguments;
  }

  /** Whether nothing tells the items of this map: it ended or stopped before it made its elements. */
  get lacksItems(): boolean {
    return this.itemsInElements && !this.run.returned;
  }

  /** What the last attempt called, in order of creation. */
  *calls(): Generator<GraphNode> {
    if (this.children === undefined) return;
    for (const child of this.children) if (!child.superseded) yield child;
  }
}

/** Connects recorded runs with each other, by id. What names no run of the graph is left out. */
export function connect(runs: readonly GraphRun[]): ReadonlyMap<string, GraphNode> {
  const nodes = new Map<string, GraphNode>();
  for (const run of runs) nodes.set(run.id, new GraphNode(run));
  for (const node of nodes.values()) {
    const { parentId, parentAttempt, sources } = node.run;
    const parent = parentId === null ? undefined : nodes.get(parentId);
    if (parent !== undefined) {
      node.parent = parent;
      node.superseded = parentAttempt !== parent.run.attempt;
      (parent.children ??= []).push(node);
    }
    for (const id of sources) {
      const source = nodes.get(id);
      if (source === undefined) continue;
      (node.sources ??= []).push(source);
      (source.dependents ??= []).push(node);
    }
  }
  return nodes;
}
