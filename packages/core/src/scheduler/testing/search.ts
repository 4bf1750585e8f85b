import { isFinished } from "../../states.ts";
import type { Gate } from "../run-node.ts";
import type { Simulation } from "./simulation.ts";
import type { TestRun } from "./world.ts";

type Standing =
  | "created"
  | "asking"
  | "gated"
  | "retrying"
  | "queued"
  | "handed"
  | "executing"
  | "blocked"
  | "ran"
  | "stored"
  | "done"
  | "failed";

interface Facts {
  readonly parent: number;
  readonly needs: readonly number[];
  readonly follows: number | undefined;
  /** Runs that the body waits for; nobody else knows whether it needs one or all of them. */
  readonly waits: readonly number[];
  readonly keeps: boolean;
  readonly lane: string | undefined;
  readonly asksCache: boolean;
  readonly gate: number | undefined;
}

interface Moment {
  readonly standing: Standing[];
  readonly tolerate: number[];
  readonly holdsGate: boolean[];
}

const over: ReadonlySet<Standing> = new Set(["done", "failed"]);
const begun: ReadonlySet<Standing> = new Set(["executing", "blocked"]);
const holding: ReadonlySet<Standing> = new Set(["handed", "executing", "blocked"]);

/**
 * What may still become of the runs of a simulation, found by trying everything: each that executes may succeed or fail, in
 * any order. Knows nothing of how the scheduler finds out; far too slow for more than a few runs.
 */
export class Search {
  readonly #facts: readonly Facts[];
  readonly #now: Moment;
  readonly #limits: Simulation["history"]["lanes"];
  readonly #gates: readonly Gate<TestRun>[];
  readonly #runs: readonly TestRun[];

  constructor(simulation: Simulation) {
    const runs = [...simulation.runs];
    const at = (run: TestRun): number => runs.indexOf(run);
    this.#runs = runs;
    this.#limits = simulation.history.lanes;
    this.#gates = [...new Set(runs.flatMap(({ gate }) => gate ?? []))];
    const isPart = (child: TestRun): boolean => child.parent !== null && child.parentAttempt === child.parent.attempt;
    this.#facts = runs.map((run) => {
      const body = run.state === "RUNNING" ? simulation.bodies.get(run) : undefined;
      const follows = simulation.asking.get(run);
      return {
        parent: run.parent === null || !isPart(run) ? -1 : at(run.parent),
        needs: runs.flatMap((source, index) => (source.dependents?.includes(run) === true ? [index] : [])),
        follows: follows === undefined ? undefined : at(follows),
        waits: [...(body?.open ?? [])].map(({ source }) => at(source)),
        keeps: simulation.keeps(run),
        lane: run.lane,
        asksCache: run.asksCache,
        gate: run.gate === undefined ? undefined : this.#gates.indexOf(run.gate),
      };
    });
    this.#now = {
      standing: runs.map((run) => standingOf(run, simulation)),
      tolerate: runs.map(({ tolerate }) => tolerate),
      holdsGate: runs.map(({ holdsGate }) => holdsGate),
    };
  }

  /** Bodies that hold a place and wait. */
  get waitingHolders(): readonly TestRun[] {
    return this.#runs.filter((_, at) => this.#facts[at]!.keeps && this.#now.standing[at] === "blocked");
  }

  /** Whether a body may yet hear of one of the runs that it waits for. */
  mayHear(body: TestRun, sparing: boolean): boolean {
    const at = this.#runs.indexOf(body);
    const { waits } = this.#facts[at]!;
    return this.#canReach(
      ({ standing }) => standing[at] === "blocked" && waits.some((source) => over.has(standing[source]!)),
      sparing,
    );
  }

  /** Whether the body of a run may yet begin. */
  mayBegin(run: TestRun, sparing: boolean): boolean {
    const at = this.#runs.indexOf(run);
    return this.#canReach(({ standing }) => standing[at] === "executing", sparing);
  }

  /** @param sparing whether no run may fail that would take with it what is below it. */
  #canReach(goal: (moment: Moment) => boolean, sparing: boolean): boolean {
    const seen = new Set<string>();
    const open = [this.#now];
    for (let moment = open.pop(); moment !== undefined; moment = open.pop()) {
      if (goal(moment)) return true;
      const key = JSON.stringify(moment);
      if (seen.has(key)) continue;
      seen.add(key);
      if (seen.size > 50_000) throw new Error("too much to try");
      open.push(...this.#next(moment, sparing));
    }
    return false;
  }

  #next(moment: Moment, sparing: boolean): Moment[] {
    const next: Moment[] = [];
    for (const at of this.#facts.keys()) {
      for (const to of this.#moves(moment, at)) {
        const then: Moment = {
          standing: [...moment.standing],
          tolerate: [...moment.tolerate],
          holdsGate: [...moment.holdsGate],
        };
        if (to !== "failed") this.#put(then, at, to);
        else if (!this.#fail(then, at) && sparing) continue;
        next.push(then);
      }
    }
    return next;
  }

  #put(moment: Moment, at: number, to: Standing): void {
    const { gate } = this.#facts[at]!;
    moment.standing[at] = to;
    if (gate === undefined) return;
    if (to === "queued") moment.holdsGate[at] = true;
    if (over.has(to) || to === "stored") moment.holdsGate[at] = false;
  }

  #children(at: number): number[] {
    return [...this.#facts.keys()].filter((child) => this.#facts[child]!.parent === at);
  }

  #moves(moment: Moment, at: number): readonly Standing[] {
    const facts = this.#facts[at]!;
    const { standing } = moment;
    const childrenOver = this.#children(at).every((child) => over.has(standing[child]!));
    switch (standing[at]!) {
      case "created":
        return facts.needs.every((source) => standing[source] === "done") ? [facts.asksCache ? "asking" : "gated"] : [];
      case "asking":
        if (facts.follows !== undefined && !over.has(standing[facts.follows]!)) return [];
        return ["gated", "done", "failed"];
      case "gated":
        return this.#passes(moment, at) ? ["queued"] : [];
      case "retrying":
        return [facts.asksCache ? "asking" : "gated"];
      case "queued":
        return this.#held(moment, at, holding) ? ["executing"] : [];
      case "handed":
        return this.#held(moment, at, begun) ? ["executing"] : [];
      case "executing":
        return [childrenOver ? "stored" : "ran", "failed"];
      case "blocked":
        return facts.waits.some((source) => over.has(standing[source]!)) ? ["executing"] : [];
      case "ran":
        return childrenOver ? ["stored", "failed"] : [];
      case "stored":
        return ["done"];
      default:
        return [];
    }
  }

  #passes(moment: Moment, at: number): boolean {
    const { gate } = this.#facts[at]!;
    if (gate === undefined || moment.holdsGate[at] === true) return true;
    const active = [...this.#facts.keys()].filter(
      (other) => this.#facts[other]!.gate === gate && moment.holdsGate[other],
    );
    return active.length < this.#gates[gate]!.limit;
  }

  /** Whether a place of the lane is left; all other lanes have one sooner or later. */
  #held({ standing }: Moment, at: number, by: ReadonlySet<Standing>): boolean {
    const { keeps, lane } = this.#facts[at]!;
    if (!keeps) return true;
    const holders = [...this.#facts.keys()].filter(
      (other) => this.#facts[other]!.lane === lane && by.has(standing[other]!),
    );
    return holders.length < (this.#limits[lane ?? ""]?.limit ?? 0);
  }

  /** A run fails, with what follows from it. False if something below it, or below what it takes with it, ends by that. */
  #fail(moment: Moment, failed: number): boolean {
    let spares = true;
    const open: { readonly at: number; readonly cause: "own" | "below" | "above" | "source" }[] = [
      { at: failed, cause: "own" },
    ];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { at, cause } = next;
      const before = moment.standing[at]!;
      if (over.has(before)) continue;
      if (cause === "above") spares = false;
      this.#put(moment, at, "failed");
      for (const child of this.#children(at)) open.push({ at: child, cause: "above" });
      for (const [other, { needs }] of this.#facts.entries()) {
        if (needs.includes(at) && moment.standing[other] === "created") open.push({ at: other, cause: "source" });
      }
      const { parent } = this.#facts[at]!;
      if (parent < 0 || moment.standing[parent] !== "ran" || cause === "above" || cause === "source") continue;
      if (moment.tolerate[parent]! > 0) moment.tolerate[parent]! -= 1;
      else open.push({ at: parent, cause: "below" });
    }
    return spares;
  }
}

function standingOf(run: TestRun, simulation: Simulation): Standing {
  if (run.state === "RESOLVED") return run.published ? "done" : "stored";
  if (isFinished(run.state)) return "failed";
  if (simulation.asking.has(run)) return "asking";
  switch (run.state) {
    case "CREATED":
      return run.missing > 0 ? "created" : "gated";
    case "SCHEDULED":
      return run.holdsSlot ? "handed" : "queued";
    case "RETRYING":
      return "retrying";
    case "RUNNING":
      return simulation.executes(run) ? "executing" : "blocked";
    default:
      return "ran";
  }
}
