import { type CacheStatus, type EdgeKind, isFinished, type RunCache, shortId, tookOf } from "@reprise/core";
import type { RecordedRun, RunRef, RunWrite } from "@reprise/store";
import type { Call } from "../call.ts";
import type { PipelineTracker } from "../pipeline-tracker.ts";
import type { Recorder } from "../recorder.ts";
import { newRunId } from "../run-ids.ts";
import type { Prior } from "./prior.ts";

/** Writes what becomes of recorded runs that do not execute: taken over by a new pipeline run, kept, or given up. */
export class RecordKeeper {
  readonly #recorder: Recorder;
  readonly #tracker: PipelineTracker;
  readonly #root: RunRef;
  /** Rows of the new pipeline run by the recorded run that they stand for. */
  readonly #rows = new Map<string, RunRef>();
  /** Runs that were given up: a row that has ended cannot be written again. */
  readonly #givenUp = new Set<string>();

  constructor(options: { readonly recorder: Recorder; readonly tracker: PipelineTracker; readonly root: RunRef }) {
    this.#recorder = options.recorder;
    this.#tracker = options.tracker;
    this.#root = options.root;
  }

  /** A call of the new pipeline run stands for a recorded one: edges that named that now name this. */
  standsFor(call: Call, { run }: Prior): void {
    this.#rows.set(run.id, (call.track as NonNullable<Call["track"]>).write.ref);
  }

  /** Writes a call, which nobody has written yet, as a run that is taken over, with all below it. */
  takeOver(call: Call, prior: Prior): void {
    const parent = call.parent?.track?.write.ref ?? null;
    const write = this.#clone(prior, call.uuid, parent);
    this.#tracker.recall(call, write, { returned: true, final: true });
    this.#below(prior, write.ref);
    this.#edges(prior.run);
  }

  /** Writes all below a call that a recorded run has answered. */
  takeOverBelow(call: Call, prior: Prior): void {
    this.standsFor(call, prior);
    this.#below(prior, (call.track as NonNullable<Call["track"]>).write.ref);
    this.#edges(prior.run, ["result"]);
  }

  /** A run of this pipeline run stays as it ended. */
  keep(call: Call, { run }: Prior): void {
    const cache = resumed(run) ?? run.cache;
    this.#recall(call, { ...run, cache }, true);
  }

  /** A run of this pipeline run goes on. */
  goesOn(call: Call, { run }: Prior): void {
    this.#recall(call, run, false);
  }

  #recall(call: Call, run: RecordedRun, final: boolean): void {
    const write = writeOf(run, this.#root, call.parent?.track?.write.ref ?? null);
    // Of an attempt that was interrupted it is recorded what its body got.
    const got = run.edges.filter(({ kind, artifact }) => kind === "data" && artifact !== null);
    const inputs = new Set(got.map(({ argument }) => argument));
    this.#tracker.recall(call, write, { returned: run.ranAt !== null, final, inputs });
  }

  /** Records of a run that it had succeeded before its pipeline run was interrupted. */
  tellResumed(run: RecordedRun): void {
    const cache = resumed(run);
    if (cache !== undefined) this.#recorder.cacheChange({ run: run.ref, cache });
  }

  /** Ends a run of this pipeline run that nobody needs any more. */
  giveUp(run: RecordedRun, parent: RunRef | null, reason: string): void {
    if (isFinished(run.state) || this.#givenUp.has(run.id)) return;
    this.#givenUp.add(run.id);
    const finishedAt = Date.now();
    this.#recorder.run({ ...writeOf(run, this.#root, parent), state: "CANCELED", finishedAt, output: null, reason });
    const message = `${run.name}#${shortId(run.id)} was canceled: ${reason}`;
    this.#recorder.event({ root: this.#root, run: run.ref, time: finishedAt, kind: "cancel", message });
  }

  /** All below a run, with the edges of all of them: an edge names runs beside its own or, of a result, below it. */
  #below(prior: Prior, parent: RunRef): void {
    const written: RecordedRun[] = [];
    // A loop: recorded graphs may be deeper than the stack.
    const open = prior.children.map((child) => ({ child, parent })).reverse();
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { child } = next;
      const { ref } = this.#clone(child, newRunId(), next.parent);
      written.push(child.run);
      for (let at = child.children.length - 1; at >= 0; at -= 1) {
        open.push({ child: child.children[at] as Prior, parent: ref });
      }
    }
    for (const run of written) this.#edges(run);
  }

  #clone({ run }: Prior, uuid: Uint8Array, parent: RunRef | null): RunWrite {
    const ref = parent === null ? this.#root : { uuid, key: 0 };
    const { awaited, func, kind, name, tags, options, failure, reason, progress } = run;
    const { state, attempt, ranAt, finishedAt, output, cache } = takenOver(run);
    const write: RunWrite = {
      ref,
      root: this.#root,
      parent,
      // Attempts of an earlier pipeline run are its own.
      parentAttempt: Math.min(run.parentAttempt, 1),
      awaited,
      func,
      kind,
      name,
      tags,
      position: this.#tracker.nextPosition(),
      options,
      createdAt: Date.now(),
      state,
      attempt,
      scheduledAt: null,
      startedAt: null,
      ranAt,
      finishedAt,
      output,
      failure,
      reason,
      progress,
      cache,
    };
    this.#recorder.run(write);
    this.#rows.set(run.id, ref);
    return write;
  }

  #edges({ id, edges }: RecordedRun, kinds?: readonly EdgeKind[]): void {
    const run = this.#rows.get(id) as RunRef;
    for (const { kind, argument, name, argumentPath, sourceRunId, sourcePath, artifact } of edges) {
      if (kinds?.includes(kind) === false) continue;
      const source = sourceRunId === null ? null : (this.#rows.get(sourceRunId) ?? null);
      this.#recorder.edge({ run, kind, argument, name, argumentPath, source, sourcePath, artifact });
    }
  }
}

/** The row of a recorded run as it is. */
function writeOf(run: RecordedRun, root: RunRef, parent: RunRef | null): RunWrite {
  const { id: _id, parentId: _parentId, edges: _edges, ...row } = run;
  return { ...row, root, parent };
}

/** What is recorded of the end of a run that takes the result of an earlier one over. */
export function takenOver(
  run: RecordedRun,
): Pick<RunWrite, "state" | "attempt" | "ranAt" | "finishedAt" | "output" | "cache"> {
  const { id, attempt, output, cache, ranAt } = run;
  const now = Date.now();
  return {
    state: "RESOLVED",
    attempt: Math.min(attempt, 1),
    ranAt: ranAt === null ? null : now,
    finishedAt: now,
    output,
    cache: {
      status: "CLONED",
      key: cache?.key ?? null,
      originRunId: cache?.originRunId ?? id,
      // What an earlier pipeline run had reused itself took as long as where it first came from.
      saved: cache?.saved ?? tookOf(run),
      note: null,
    },
  };
}

/** These say already that the run did not execute, or not since the last interruption. */
const toldAlready: ReadonlySet<CacheStatus | undefined> = new Set(["HIT", "CLONED", "RESUMED"] as const);

/** What is recorded of a run that had succeeded before an interruption; undefined if it had not, or if enough is recorded. */
function resumed({ state, cache }: RecordedRun): RunCache | undefined {
  if (state !== "RESOLVED" || toldAlready.has(cache?.status)) return undefined;
  return { key: null, originRunId: null, saved: null, note: null, ...cache, status: "RESUMED" };
}
