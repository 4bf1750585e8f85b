import type { GraphRun } from "../graph-run.ts";

/**
 * What a re-run takes over, said once more in another way: not by working through the graph, but run by run, from what is
 * to be true of it. Slow, and only for tests.
 */
export class RerunReference {
  readonly #runs: readonly GraphRun[];
  /** Runs that are not as they were recorded any more. */
  readonly #changed: ReadonlySet<GraphRun>;
  readonly #target: GraphRun;
  readonly #executes: boolean;

  /** @param target the run that executes; for `continue` the root. */
  constructor(runs: readonly GraphRun[], target: string, mode: "from" | "continue" = "from") {
    this.#runs = runs;
    this.#target = this.#counting(this.run(target));
    this.#changed = mode === "continue" && this.#target.state === "RESOLVED" ? new Set() : this.#reachable();
    this.#executes = mode === "from";
  }

  run(id: string): GraphRun {
    return this.#runs.find((run) => run.id === id) as GraphRun;
  }

  /** The run itself and those around it, from the inside to the outside. */
  around(run: GraphRun): GraphRun[] {
    return run.parentId === null ? [run] : [run, ...this.around(this.run(run.parentId))];
  }

  /** Whether each attempt counts that called the run and those around it. */
  counts(run: GraphRun): boolean {
    return this.around(run).every(
      ({ parentId, parentAttempt }) => parentId === null || this.run(parentId).attempt === parentAttempt,
    );
  }

  /** Whether the result of a run is taken over. */
  isCloned(run: GraphRun): boolean {
    return (
      this.counts(run) &&
      run.state === "RESOLVED" &&
      !this.#changed.has(run) &&
      this.around(run).every(
        (outer) => !this.startsAfresh(outer) && (outer.state === "RESOLVED" || this.#changed.has(outer)),
      )
    );
  }

  /** Whether a run executes from its arguments: it is the target, needs what changed, or is an item of what does. */
  startsAfresh(run: GraphRun): boolean {
    if (run === this.#target) return this.#executes;
    if (this.#changed.has(run) && run.sources.some((id) => this.#changed.has(this.run(id)))) return true;
    if (run.parentId === null) return false;
    const parent = this.run(run.parentId);
    return parent.kind === "map" && !parent.hasArguments && this.startsAfresh(parent);
  }

  #counting(run: GraphRun): GraphRun {
    return this.counts(run) ? run : this.#counting(this.run(run.parentId as string));
  }

  /** The transitive closure of {@link changes}, from the target. */
  #reachable(): Set<GraphRun> {
    const runs = this.#runs.filter((run) => this.counts(run));
    const reached = new Set([this.#target]);
    for (let size = 0; size < reached.size;) {
      size = reached.size;
      for (const to of runs) if (runs.some((from) => reached.has(from) && changes(from, to))) reached.add(to);
    }
    return reached;
  }
}

/** Whether one run cannot stay as it was if the other does not. */
function changes(from: GraphRun, to: GraphRun): boolean {
  const needs = to.sources.includes(from.id);
  const contains = from.parentId === to.id;
  const isOpen = to.state !== "RESOLVED";
  const isNeeded = isOpen && from.sources.includes(to.id);
  const isToDo = isOpen && to.parentId === from.id && (from.state !== "RESOLVED" || from.kind === "map");
  return needs || contains || isNeeded || isToDo;
}
