import type { RecordedGraph, RecordedRun } from "@reprise/store";
import { inputsOf, type RunInput } from "../why/run-inputs.ts";

/** A run of a recorded graph with everything below it that its last attempts called. */
export class RecordedTree {
  readonly graph: RecordedGraph;
  readonly top: RecordedRun;
  /** The run and what is below it, in order of creation. */
  readonly runs: readonly RecordedRun[];
  readonly #all: ReadonlyMap<string, RecordedRun>;
  readonly #members = new Set<string>();
  readonly #children = new Map<string, RecordedRun[]>();
  readonly #inputs = new Map<string, readonly RunInput[]>();

  /** `top` defaults to the root. */
  constructor(graph: RecordedGraph, top?: string) {
    this.graph = graph;
    this.#all = new Map(graph.runs.map((run) => [run.id, run]));
    const [root] = graph.runs;
    const found = top === undefined ? root : this.#all.get(top);
    if (found === undefined) throw new TypeError(`The graph has no run ${top}.`);
    this.top = found;
    this.#members.add(found.id);
    // A parent was created before its children.
    this.runs = graph.runs.filter((run) => run === found || this.#take(run));
  }

  /** Any run of the graph, also outside this tree. */
  find(id: string): RecordedRun | undefined {
    return this.#all.get(id);
  }

  /** Whether a run is in this tree. */
  has(id: string): boolean {
    return this.#members.has(id);
  }

  /** What the last attempt of a run called, in order. */
  childrenOf(id: string): readonly RecordedRun[] {
    return this.#children.get(id) ?? [];
  }

  /** The arguments of a run. */
  inputsOf(run: RecordedRun): readonly RunInput[] {
    let inputs = this.#inputs.get(run.id);
    if (inputs === undefined) {
      const edges = run.edges.map((edge) => ({ ...edge, artifactId: edge.artifact?.digest ?? null }));
      inputs = inputsOf(edges, (id) => this.#all.get(id)?.output?.digest);
      this.#inputs.set(run.id, inputs);
    }
    return inputs;
  }

  #take(run: RecordedRun): boolean {
    const parent = run.parentId === null ? undefined : this.#all.get(run.parentId);
    if (parent === undefined || !this.#members.has(parent.id) || run.parentAttempt !== parent.attempt) return false;
    this.#members.add(run.id);
    const siblings = this.#children.get(parent.id);
    if (siblings === undefined) this.#children.set(parent.id, [run]);
    else siblings.push(run);
    return true;
  }
}

/** Whether a run has a result or an end without that its body executed, so that nothing below it is recorded. */
export function didNotExecute({ attempt, kind }: RecordedRun): boolean {
  return attempt === 0 && kind === "func";
}
