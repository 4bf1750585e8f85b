import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { GraphRun } from "./graph-run.ts";
import { type PlannedRun, planRerun, type RerunPlan, type RerunReason } from "./rerun-plan.ts";
import { recordedGraphs } from "./testing/random-graph.ts";
import { RerunReference } from "./testing/rerun-reference.ts";

/** A recorded graph, one plan for it, and what is asked about both. */
class Planned {
  readonly runs: readonly GraphRun[];
  readonly target: string;
  readonly plan: RerunPlan;
  readonly #byId: ReadonlyMap<string, GraphRun>;

  constructor(runs: readonly GraphRun[], target: string, mode: "from" | "continue" = "from") {
    this.runs = runs;
    this.target = target;
    this.#byId = new Map(runs.map((run) => [run.id, run]));
    this.plan = planRerun(runs, { mode, target });
  }

  run(id: string): GraphRun {
    return this.#byId.get(id) as GraphRun;
  }

  of(id: string): PlannedRun {
    return this.plan.get(id) as PlannedRun;
  }

  action(id: string): string {
    return this.of(id).action;
  }

  isPart(id: string): boolean {
    return this.action(id) !== "drop";
  }

  /** Whether it executes, or something in it does. */
  isAffected(id: string): boolean {
    return this.isPart(id) && this.action(id) !== "clone";
  }

  /** The runs around one, from the inside to the outside. */
  around({ parentId }: GraphRun): GraphRun[] {
    if (parentId === null) return [];
    const parent = this.run(parentId);
    return [parent, ...this.around(parent)];
  }

  /** What the last attempt of a run called. */
  calls({ id, attempt }: GraphRun): GraphRun[] {
    return this.runs.filter(({ parentId, parentAttempt }) => parentId === id && parentAttempt === attempt);
  }

  /** Whether `run` in the reason stands as the reason says to the run. */
  bearsOut(run: GraphRun, { action, reason }: PlannedRun): boolean {
    const around = new Set(this.around(run).map(({ id }) => id));
    const isAffectedCall = (id: string): boolean => this.run(id).parentId === run.id && this.isAffected(id);
    const checks: { readonly [Type in RerunReason["type"]]: (id: string) => boolean } = {
      target: () => action === "reset",
      downstream: (id) => run.sources.includes(id) && this.isAffected(id),
      contains: (id) => isAffectedCall(id) && !(run.kind === "func" && this.run(id).awaited),
      waited: (id) => isAffectedCall(id) && this.run(id).awaited,
      items: (id) => isAffectedCall(id) && this.run(id).kind === "map" && !this.run(id).returned,
      unfinished: () => run.state !== "RESOLVED",
      nested: (id) => around.has(id) && this.action(id) === "reset",
      retried: (id) => action === "drop" && around.has(id),
      handled: (id) => action === "drop" && around.has(id) && this.run(id).state === "RESOLVED",
      independent: () => action === "clone",
    };
    return checks[reason.type]("run" in reason ? reason.run : "");
  }
}

const anyGraph: fc.Arbitrary<GraphRun[]> = fc.oneof(recordedGraphs({ open: false }), recordedGraphs({ open: true }));

/** Looks at every run in plans from every run of random graphs; gives the smallest graph in which one is not as said. */
function counterexample(holds: (run: GraphRun, planned: Planned) => boolean): unknown {
  const holdsFor = (planned: Planned): boolean => planned.runs.every((run) => holds(run, planned));
  const everywhere = fc.property(anyGraph, (runs) =>
    runs.every(
      ({ id, parentId }) =>
        holdsFor(new Planned(runs, id)) && (parentId !== null || holdsFor(new Planned(runs, id, "continue"))),
    ),
  );
  return fc.check(everywhere, { numRuns: 150 }).counterexample;
}

describe("re-running from any run of any recorded graph", () => {
  it("says one thing of every run", () => {
    expect(counterexample(({ id }, { plan, runs }) => plan.has(id) && plan.size === runs.length)).toBeNull();
  });

  it("takes over exactly what succeeded and does not depend on what executes", () => {
    const asSaid = fc.property(anyGraph, fc.constantFrom("from", "continue"), fc.nat(), (runs, mode, at) => {
      const target = runs[mode === "continue" ? 0 : at % runs.length]?.id as string;
      const planned = new Planned(runs, target, mode);
      const reference = new RerunReference(runs, target, mode);
      return runs.every((run) => (planned.action(run.id) === "clone") === reference.isCloned(run));
    });
    expect(fc.check(asSaid, { numRuns: 1_000 }).counterexample).toBeNull();
  });

  it("starts exactly those afresh that need what changes, and what was never begun", () => {
    const asSaid = fc.property(anyGraph, fc.constantFrom("from", "continue"), fc.nat(), (runs, mode, at) => {
      const target = runs[mode === "continue" ? 0 : at % runs.length]?.id as string;
      const planned = new Planned(runs, target, mode);
      const reference = new RerunReference(runs, target, mode);
      return runs.every((run) => {
        if (!planned.isPart(run.id)) return true;
        const neverBegan = !run.returned && planned.calls(run).length === 0 && planned.isAffected(run.id);
        return (planned.action(run.id) === "reset") === (reference.startsAfresh(run) || neverBegan);
      });
    });
    expect(fc.check(asSaid, { numRuns: 1_000 }).counterexample).toBeNull();
  });

  it("executes the target, unless it belongs to something that executes as a whole", () => {
    const executes = (run: GraphRun, planned: Planned): boolean => {
      const innermost = planned.around(run).find(({ id }) => planned.isPart(id));
      return planned.action(run.id) === "reset" || planned.action(innermost?.id as string) === "reset";
    };
    const roots = (run: GraphRun, { plan, target }: Planned): boolean =>
      run.id !== target || (run.parentId === null && plan.get(target)?.reason.type !== "target");
    expect(counterexample((run, planned) => roots(run, planned) || executes(run, planned))).toBeNull();
  });

  it("takes over nothing whose inputs are made again", () => {
    expect(
      counterexample(
        ({ id, sources }, planned) =>
          planned.action(id) !== "clone" || sources.every((source) => planned.action(source) === "clone"),
      ),
    ).toBeNull();
  });

  it("takes over whole runs, with all that succeeded in them", () => {
    const isWhole = (call: GraphRun, planned: Planned): boolean =>
      planned.action(call.id) === (call.state === "RESOLVED" ? "clone" : "drop");
    expect(
      counterexample(
        (run, planned) =>
          planned.action(run.id) !== "clone" || planned.calls(run).every((call) => isWhole(call, planned)),
      ),
    ).toBeNull();
  });

  it("drops nothing that another run needs", () => {
    expect(
      counterexample(
        ({ id, sources }, planned) => !planned.isPart(id) || sources.every((source) => planned.isPart(source)),
      ),
    ).toBeNull();
  });

  it("has no part without what is around it, called by the attempt that counts", () => {
    expect(
      counterexample(
        ({ id, parentId, parentAttempt }, planned) =>
          parentId === null ||
          !planned.isPart(id) ||
          (planned.isPart(parentId) && parentAttempt === planned.run(parentId).attempt),
      ),
    ).toBeNull();
  });

  it("leaves out nothing that did not succeed in what goes on", () => {
    const isHandled = ({ state, kind }: GraphRun): boolean => state === "RESOLVED" && kind === "func";
    expect(
      counterexample((run, planned) => {
        const { action } = planned.of(run.id);
        if (action !== "wait" && action !== "reexecute") return true;
        return isHandled(run) || planned.calls(run).every(({ id }) => planned.isPart(id));
      }),
    ).toBeNull();
  });

  it("waits only with results that still hold", () => {
    const changesResult = ({ awaited, kind, hasArguments, returned }: GraphRun): boolean =>
      awaited || (kind === "map" && !hasArguments && !returned);
    expect(
      counterexample((run, planned) => {
        if (planned.action(run.id) !== "wait") return true;
        const changing = planned.calls(run).filter(({ id }) => planned.isAffected(id));
        return run.returned && (run.kind === "map" || !changing.some(changesResult));
      }),
    ).toBeNull();
  });

  it("executes a body again only for what it waited for, for items, or if it never gave a result", () => {
    expect(
      counterexample((run, planned) => {
        if (planned.action(run.id) !== "reexecute") return true;
        const calls = planned.calls(run);
        const asks = ({ id, awaited, kind, hasArguments }: GraphRun): boolean =>
          planned.isAffected(id) && (awaited || (kind === "map" && !hasArguments));
        return run.kind === "func" && (run.returned ? calls.some(asks) : calls.length > 0);
      }),
    ).toBeNull();
  });

  it("leaves what a body executes again to its calls", () => {
    expect(
      counterexample((run, planned) => {
        const { action, ifCalled } = planned.of(run.id);
        const mayCall = planned.around(run).some(({ id }) => planned.action(id) === "reexecute");
        return ifCalled === (action !== "drop" && mayCall);
      }),
    ).toBeNull();
  });

  it("gives reasons that are borne out", () => {
    expect(counterexample((run, planned) => planned.bearsOut(run, planned.of(run.id)))).toBeNull();
  });

  it("decides the same in whichever order it sees the runs", () => {
    expect(
      counterexample((run, planned) => {
        if (run.id !== planned.target) return true;
        const [forwards, backwards] = [planned.runs, [...planned.runs].reverse()].map(
          (runs) => new Planned(runs, run.id),
        );
        return planned.runs.every(({ id }) => forwards?.action(id) === backwards?.action(id));
      }),
    ).toBeNull();
  });
});
