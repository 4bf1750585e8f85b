import type { Run } from "@reprise/core";
import type { Home } from "@reprise/store";

/** Runs that executed earlier, with those below them. */
export class History {
  readonly #home: Home;
  readonly #children = new Map<string, Promise<ReadonlyMap<string, readonly Run[]>>>();

  constructor(home: Home) {
    this.#home = home;
  }

  /**
   * The run whose body executed: of a reused result the one that computed it. Undefined if that is gone.
   */
  async executed(run: Run): Promise<Run | undefined> {
    const { status, originRunId } = run.cache;
    if (originRunId === null) return run;
    // What a re-run took over, it took over with all runs below it; the times stand with the original.
    if (status === "CLONED") return (await this.#home.backend.getRun(originRunId)) ?? run;
    if (status !== "HIT") return run;
    // Its body executed all the same, to check that it is deterministic.
    if (run.startedAt !== null) return run;
    return this.#home.backend.getRun(originRunId);
  }

  /** The runs right below a run, in the order of their calls. */
  async children(run: Run): Promise<readonly Run[]> {
    let children = this.#children.get(run.rootId);
    if (children === undefined) {
      children = this.#load(run.rootId);
      this.#children.set(run.rootId, children);
    }
    return (await children).get(run.id) ?? [];
  }

  /** Milliseconds that a run's body took, the time in which runs below it were under way not counted. */
  async ownTime(run: Run): Promise<number | null> {
    return run.startedAt === null ? null : ownTime(run, await this.children(run));
  }

  async #load(rootId: string): Promise<ReadonlyMap<string, readonly Run[]>> {
    const found = new Map<string, Run[]>();
    for (const run of await this.#home.backend.listRuns(rootId)) {
      if (run.parentId === null) continue;
      const siblings = found.get(run.parentId);
      if (siblings === undefined) found.set(run.parentId, [run]);
      else siblings.push(run);
    }
    return found;
  }
}

/** When a run began and ended, as far as it did. */
export type RunTimes = Pick<Run, "createdAt" | "startedAt" | "ranAt" | "finishedAt">;

/** Milliseconds that a run's body took, the time in which these runs below it were under way not counted. */
export function ownTime({ startedAt, ranAt, finishedAt }: RunTimes, children: readonly RunTimes[]): number | null {
  const end = ranAt ?? finishedAt;
  if (startedAt === null || end === null) return null;
  const below = children.map((child): readonly [number, number] => [
    Math.max(startedAt, child.startedAt ?? child.createdAt),
    Math.min(end, child.finishedAt ?? end),
  ]);
  return Math.max(0, end - startedAt - covered(below));
}

/** Milliseconds from the beginning of a run to its end, everything below it included. */
export function wholeTime({ startedAt, finishedAt }: Pick<RunTimes, "startedAt" | "finishedAt">): number | null {
  return startedAt === null || finishedAt === null ? null : Math.max(0, finishedAt - startedAt);
}

/** Length of what spans of time cover together. */
function covered(spans: readonly (readonly [start: number, end: number])[]): number {
  let length = 0;
  let until = Number.NEGATIVE_INFINITY;
  for (const [start, end] of spans.toSorted((a, b) => a[0] - b[0])) {
    length += Math.max(0, end - Math.max(start, until));
    until = Math.max(until, end);
  }
  return length;
}
