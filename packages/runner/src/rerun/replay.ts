import {
  type Attempt,
  decideRetry,
  type Failure,
  isFinished,
  isInfrastructureFailure,
  type Past,
  Queue,
  type Scheduler,
} from "@reprise/core";
import type { ArtifactRef, RecordedGraph, RecordedRun } from "@reprise/store";
import { Call, none } from "../call.ts";
import type { Body } from "../context.ts";
import { chain } from "../maybe-promise.ts";
import { makeGate } from "../map.ts";
import type { PipelineTracker } from "../pipeline-tracker.ts";
import { restoreMap, restoreOptions } from "../recorded-options.ts";
import type { ArtifactValues } from "../stored-values.ts";
import { definitionOfRun, funcOfRun } from "./definitions.ts";
import type { EngineReplay, ReplayEngine } from "./engine-replay.ts";
import { hasGivenItems, type Prior } from "./prior.ts";
import { argumentsOf, predecessorsOf, type RecordedSources, resultOf } from "./recorded-arguments.ts";
import { givenMap, RecordedCalls, shapeKeyOf, shapeKeyOfCall, valueKey, valueKeyOf } from "./recorded-calls.ts";
import { type RecordKeeper, takenOver } from "./record-keeper.ts";

/** What a replay is made of. */
export interface ReplayOptions {
  /** Whether the pipeline run itself goes on, or a new one is made of it. */
  readonly goesOn: boolean;
  readonly graph: RecordedGraph;
  readonly root: Prior;
  /** Runs that the plan drops though they have not ended. */
  readonly dropped: readonly RecordedRun[];
  /** The failed attempts of runs that have not ended. */
  readonly attempts: ReadonlyMap<string, readonly Attempt[]>;
  readonly values: ArtifactValues;
  readonly tracker: PipelineTracker;
  readonly keeper: RecordKeeper;
  readonly engine: ReplayEngine;
}

/**
 * Brings recorded runs into the graph of an engine: runs whose result is taken over, runs that wait for their children
 * without executing, and recorded calls as answers to bodies that execute again.
 */
export class Replay implements EngineReplay {
  readonly #options: ReplayOptions;
  readonly #scheduler: Scheduler<Call>;
  /** Calls by the recorded run that they stand for. */
  readonly #calls = new Map<string, Call>();
  readonly #runs: ReadonlyMap<string, RecordedRun>;
  readonly #sources: RecordedSources;
  /** Runs that were adopted, whose children are not in the graph yet. */
  readonly #adopted = new Queue<{ readonly call: Call; readonly children: readonly Call[] }>();
  #isAdopting = false;

  constructor(options: ReplayOptions) {
    this.#options = options;
    this.#scheduler = options.engine.scheduler;
    this.#runs = new Map(options.graph.runs.map((run) => [run.id, run]));
    this.#sources = {
      values: options.values,
      callOf: (id) => {
        const call = this.#calls.get(id);
        if (call === undefined) throw new Error(`run ${id} is needed by a recorded run, but takes no part`);
        return call;
      },
    };
  }

  begin(root: Call): void {
    const { root: prior, goesOn, dropped, keeper, tracker } = this.#options;
    this.#standFor(root, prior);
    root.changes ??= restoreOptions(prior.run.options);
    if (root.args.length === 0) root.args = argumentsOf(prior.run, this.#sources);
    if (!goesOn) return;
    let position = 0;
    for (const run of this.#runs.values()) {
      keeper.tellResumed(run);
      position = Math.max(position, run.position + 1);
    }
    tracker.startAt(position);
    const reason = "its pipeline run was interrupted, and what had called it does not need it any more";
    this.#giveUp(dropped, reason);
  }

  takesIn(call: Call): boolean {
    if (call.replay === undefined) this.#match(call);
    const prior = call.replay?.prior;
    switch (prior?.action) {
      case "clone":
        this.#takeOver(call, prior);
        return true;
      case "keep":
        this.#keep(call, prior);
        return true;
      case "wait":
        this.#adopt(call, prior);
        return true;
      default:
        // A map whose elements alone know its items has them from the record, unless somebody has called it again.
        if (prior !== undefined && call.map !== undefined && isOfRecord(call) && hasGivenItems(prior.run)) {
          call.map.calls = this.#childrenOf(call, prior);
        }
        return false;
    }
  }

  pastOf(call: Call): Past | undefined {
    const prior = call.replay?.prior;
    const { goesOn, keeper, attempts } = this.#options;
    if (prior === undefined || !goesOn) return undefined;
    const { id, state, attempt, scheduledAt } = prior.run;
    keeper.goesOn(call, prior);
    const failed = attempts.get(id) ?? [];
    const lost = failed.filter(({ failure }) => isInfrastructureFailure(failure)).length;
    if (state === "RETRYING") return { attempt, lost, retryAt: retryAt(call, failed.at(-1), lost) };
    return { attempt: Math.max(attempt - 1, 0), lost, since: scheduledAt ?? undefined };
  }

  lookUp(call: Call, otherwise: () => void): void {
    const answers = call.parent?.replay?.answers;
    // Before a retry there is nothing new; a run that goes on was matched when it was called.
    if (answers === undefined || this.#options.goesOn || call.replay !== undefined || call.state !== "CREATED") {
      otherwise();
      return;
    }
    const { values, engine } = this.#options;
    const { flow, goOn } = engine;
    const { kind, id } = call.definition;
    try {
      void chain(
        flow.argumentDigests(call),
        (digests) => {
          if (call.state === "CREATED")
            this.#answer(
              call,
              answers.take(valueKey(kind, id, digests), () => shapeKeyOfCall(call, values)),
              otherwise,
            );
          goOn();
        },
        // The attempt will say what is wrong with its input.
        () => {
          otherwise();
          goOn();
        },
      );
    } catch {
      otherwise();
    }
  }

  begins(call: Call): void {
    const { replay } = call;
    if (replay?.prior === undefined || replay.prior.children.length === 0) return;
    const { goesOn } = this.#options;
    // What an attempt that was interrupted had called answers that attempt when it executes again, and no other.
    if (goesOn && call.attempt !== Math.max(replay.prior.run.attempt, 1)) return;
    if (call.map !== undefined && (!goesOn || isOfRecord(call)) && hasGivenItems(replay.prior.run)) return;
    const keyOf = goesOn
      ? shapeKeyOf
      : (run: RecordedRun) => valueKeyOf(run, (id) => this.#runs.get(id)?.output?.digest);
    const { children } = replay.prior;
    replay.answers = new RecordedCalls(children, keyOf);
    if (goesOn) return;
    const elements = children.flatMap((child) => (hasGivenItems(child.run) ? child.children : []));
    replay.elements = elements.length === 0 ? undefined : new RecordedCalls(elements, keyOf);
  }

  ends({ call }: Body): void {
    const answers = call.replay?.answers;
    if (answers === undefined || !this.#options.goesOn) return;
    const reason = `${call.label} executed again after an interruption and did not call it again`;
    this.#giveUp(
      answers.left.map(({ run }) => run),
      reason,
    );
    if (call.replay !== undefined) call.replay.answers = undefined;
  }

  over(): void {
    if (!this.#options.goesOn) return;
    const left = [...this.#runs.values()].filter(
      ({ id, state }) => !isFinished(state) && this.#calls.get(id)?.track === undefined,
    );
    this.#giveUp(left, "its pipeline run went on after an interruption and ended before it was called again");
  }

  /** Ends runs that nobody needs any more, with all below them. */
  #giveUp(runs: readonly RecordedRun[], reason: string): void {
    if (runs.length === 0) return;
    const doomed = new Set(runs.map(({ id }) => id));
    // A run comes before those that it has called.
    for (const run of this.#runs.values()) {
      if (!doomed.has(run.id) && !doomed.has(run.parentId ?? "")) continue;
      doomed.add(run.id);
      this.#options.keeper.giveUp(run, this.#runs.get(run.parentId ?? "")?.ref ?? null, reason);
    }
  }

  /** Before a call of a body that executes again is in the graph. */
  #match(call: Call): void {
    const answers = call.parent?.replay?.answers;
    if (answers === undefined) return;
    const { goesOn, values } = this.#options;
    const isGivenMap = call.map?.calls !== undefined && call.args.length === 0;
    if (!goesOn && !isGivenMap) {
      call.asksCache = true;
      return;
    }
    if (goesOn) {
      const key = isGivenMap ? undefined : shapeKeyOfCall(call, values);
      const prior = isGivenMap ? answers.takeMap(call, values) : key === undefined ? undefined : answers.take(key);
      if (prior === undefined) return;
      this.#standFor(call, prior);
      call.takeId(prior.run.ref.uuid);
      return;
    }
    // A new pipeline run puts the elements' values together again: each of them is answered by itself.
    const prior = answers.take(givenMap(call.definition.id));
    if (prior !== undefined) this.#standFor(call, { ...prior, action: "reexecute" });
    const elements = call.parent?.replay?.elements;
    if (elements === undefined) return;
    call.replay ??= { prior: undefined, answers: undefined, elements: undefined, cache: "as usual" };
    call.replay.answers = elements;
  }

  /** A recorded run has, or has not, the arguments of a call whose inputs are there. */
  #answer(call: Call, prior: Prior | undefined, otherwise: () => void): void {
    if (prior === undefined) {
      otherwise();
      return;
    }
    const asksCache = call.cache !== undefined;
    this.#standFor(call, prior);
    switch (prior.action) {
      case "clone": {
        const { keeper, tracker, values } = this.#options;
        call.cache = undefined;
        call.output = values.known(prior.run.output as ArtifactRef);
        tracker.answered(call, takenOver(prior.run));
        keeper.takeOverBelow(call, prior);
        this.#scheduler.reused(call, Date.now());
        break;
      }
      case "wait":
        call.cache = undefined;
        this.#adopt(call, prior);
        break;
      default:
        if (call.replay?.cache === "none") call.cache = undefined;
        else if (asksCache && prior.isTarget && call.cache !== undefined) call.cache.refreshes = true;
        otherwise();
    }
  }

  /** A call stands for a recorded run. */
  #standFor(call: Call, prior: Prior): void {
    this.#calls.set(prior.run.id, call);
    const answered = prior.action === "wait" || (prior.action === "reexecute" && prior.children.length > 0);
    call.replay = {
      prior,
      answers: undefined,
      elements: undefined,
      cache: answered ? "none" : prior.isTarget ? "refresh" : "as usual",
    };
  }

  #takeOver(call: Call, prior: Prior): void {
    const { values, keeper, tracker } = this.#options;
    call.output = values.known(prior.run.output as ArtifactRef);
    keeper.takeOver(call, prior);
    this.#scheduler.adoptResolved(call);
    tracker.tell(call);
  }

  /** A run that had ended before its pipeline run was interrupted stays as it is. */
  #keep(call: Call, prior: Prior): void {
    const { values, keeper, tracker } = this.#options;
    const { run } = prior;
    keeper.keep(call, prior);
    if (run.state === "RESOLVED") {
      call.output = values.known(run.output as ArtifactRef);
      this.#scheduler.adoptResolved(call);
      tracker.tell(call);
      return;
    }
    if (wasHandled(call, run)) call.handled = true;
    call.asksCache = true;
    const now = Date.now();
    this.#scheduler.create(call, call.sources, now);
    if (isFinished(call.state)) return;
    if (run.state === "CANCELED") this.#scheduler.cancel(call, run.reason ?? "", now);
    else this.#scheduler.refused(call, run.failure as Failure, this.#originOf(call, prior), now);
  }

  /** The run whose failure has ended a run that stays as it ended: itself, or one below it. */
  #originOf(call: Call, { run }: Prior): Call {
    const origin = this.#runs.get(run.failure?.runId ?? "");
    if (origin === undefined) return call;
    const { ref, state, failure, reason } = origin;
    const found = new Call(definitionOfRun(origin), none, undefined, call);
    found.takeId(ref.uuid);
    return Object.assign(found, { state, failure: failure ?? undefined, reason: reason ?? undefined });
  }

  /** A run whose body has given its result waits for its children. */
  #adopt(call: Call, prior: Prior): void {
    const { goesOn, tracker, keeper, values } = this.#options;
    const { run } = prior;
    const now = Date.now();
    if (goesOn) keeper.goesOn(call, prior);
    else {
      if (call.track === undefined) tracker.created(call, now);
      keeper.standsFor(call, prior);
      this.#got(call, run);
    }
    const children = this.#childrenOf(call, prior);
    if (call.map !== undefined) call.map.calls = children;
    call.result = resultOf(run, this.#sources);
    const assembles = call.map !== undefined || call.result !== undefined;
    if (!assembles) {
      const output = run.output as ArtifactRef;
      call.output = values.known(output);
      tracker.output(call, call.output);
    }
    const past = goesOn ? { attempt: run.attempt, since: run.scheduledAt ?? undefined } : { attempt: 1 };
    this.#scheduler.adoptReturned(call, past, assembles, now);
    // Whoever watches hears of a run before those below it.
    tracker.tell(call);
    this.#adopted.push({ call, children });
    if (!this.#isAdopting) this.#adoptChildren();
  }

  /** A loop, so that deep graphs need no deep stack. */
  #adoptChildren(): void {
    const { goesOn, tracker, engine } = this.#options;
    this.#isAdopting = true;
    try {
      for (let next = this.#adopted.take(); next !== undefined; next = this.#adopted.take()) {
        const { call, children } = next;
        for (const child of children) {
          // One before it had failed, and has ended both.
          if (isFinished(call.state)) break;
          engine.submit(child);
        }
        const now = Date.now();
        if (!goesOn) tracker.adopted(call, now);
        this.#scheduler.childrenAdopted(call, now);
      }
    } finally {
      this.#isAdopting = false;
    }
  }

  /** Tells what the body of a recorded run got, of arguments that were put together for it: it stands for this call. */
  #got(call: Call, { edges }: RecordedRun): void {
    const { values, tracker } = this.#options;
    for (const { kind, argument, sourceRunId, artifact } of edges) {
      if (kind !== "data" || sourceRunId !== null || artifact === null || call.args[argument]?.parts.length === 0)
        continue;
      tracker.input(call, argument, values.known(artifact));
    }
  }

  /** The calls of a body that does not execute, or the elements of a map, as they were recorded. */
  #childrenOf(call: Call, prior: Prior): Call[] {
    const children = prior.children.map((child) => this.#newCall(child, call));
    for (const child of children) {
      const { run, action } = (child.replay as { readonly prior: Prior }).prior;
      if (action === "clone" || action === "keep") continue;
      child.args = argumentsOf(run, this.#sources);
      child.after = predecessorsOf(run, this.#sources);
    }
    if (call.map !== undefined) {
      const gate = makeGate(call.map.concurrency);
      for (const child of children) child.gate = gate;
    }
    return children;
  }

  #newCall(prior: Prior, parent: Call): Call {
    const { run } = prior;
    const call = new Call(definitionOfRun(run), none, undefined, parent);
    call.given = undefined;
    if (this.#options.goesOn) call.takeId(run.ref.uuid);
    call.changes = restoreOptions(run.options);
    if (run.kind === "map") {
      const { tolerate, ...plan } = restoreMap(run.options);
      call.tolerate = tolerate;
      call.map = { ...plan, element: funcOfRun(run), calls: undefined };
    }
    this.#standFor(call, prior);
    return call;
  }
}

/** Whether a call was made of the record, not by a body or by whoever has begun the pipeline run. */
function isOfRecord({ maker, parent }: Call): boolean {
  return maker === undefined && parent !== null;
}

/**
 * Whether a failure that a body had met before it returned is dealt with: one that it had not dealt with would have
 * failed it then.
 */
function wasHandled({ parent }: Call, { awaited, finishedAt }: RecordedRun): boolean {
  if (parent === null || !parent.bodyDone || parent.map !== undefined) return false;
  return awaited || (finishedAt ?? Number.POSITIVE_INFINITY) <= (parent.replay?.prior?.run.ranAt ?? 0);
}

/** When the next attempt of a run is due that waited for it when its pipeline run was interrupted. */
/** @param lost how many of the attempts do not count against the retries of the func. */
function retryAt({ retry }: Call, last: Attempt | undefined, lost: number): number {
  const now = Date.now();
  if (last === undefined) return now;
  const decision = decideRetry(retry, last.attempt - lost, last.failure, 0);
  return decision.retry ? last.endedAt + decision.delay : now;
}
