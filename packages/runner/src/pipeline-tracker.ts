import { type Encoded, type Failure, isFinished, type Progress, type RunCache, type RunState } from "@reprise/core";
import type { ArtifactStore, EdgeWrite, FuncRef, PreparedArtifact, RunRef, RunWrite } from "@reprise/store";
import type { CallCache } from "./cache/call-cache.ts";
import type { Call, Composite } from "./call.ts";
import { type FuncDefinition, funcRecord } from "./func-definition.ts";
import { formatPath } from "./part-path.ts";
import { logData, logText } from "./log-data.ts";
import { ProgressTeller } from "./progress-teller.ts";
import type { Recorder } from "./recorder.ts";
import type { RunChanged, RunnerEvent } from "./runner-events.ts";
import { recordedOptions } from "./recorded-options.ts";
import type { StoredArtifactValue } from "./stored-values.ts";
import type { TemplatePart } from "./template.ts";
import type { CallTrack, LogEntry, MetricEntry, Retried, Tracker } from "./tracker.ts";
import type { Stored } from "./values.ts";

/** Values above this size are dropped from memory once they are in the store, and read again when somebody needs them. */
const keepInMemory = 1024 * 1024;

/** Records one pipeline run and tells whoever watches. */
export class PipelineTracker implements Tracker {
  readonly #recorder: Recorder;
  readonly #artifacts: ArtifactStore;
  readonly #root: RunRef;
  readonly #emit: ((event: RunnerEvent) => void) | undefined;
  /** Keys are those of this run's store: another run of this process may be recorded elsewhere. */
  readonly #funcs = new Map<FuncDefinition, FuncRef>();
  readonly #warned = new Set<string>();
  readonly #progress = new ProgressTeller((call, progress) => {
    this.#row(call).progress = progress;
    this.#emit?.({ type: "progress", runId: call.id, progress, time: Date.now() });
  });
  #position = 0;

  constructor(options: {
    readonly recorder: Recorder;
    readonly artifacts: ArtifactStore;
    readonly root: RunRef;
    readonly emit: ((event: RunnerEvent) => void) | undefined;
  }) {
    this.#recorder = options.recorder;
    this.#artifacts = options.artifacts;
    this.#root = options.root;
    this.#emit = options.emit;
  }

  get overloaded(): boolean {
    return this.#recorder.overloaded;
  }

  gather(): void {
    this.#recorder.gather();
  }

  hurry(): void {
    this.#recorder.hurry();
  }

  onDrain(callback: () => void): void {
    this.#recorder.onDrain(callback);
  }

  durable(): Promise<void> | undefined {
    return this.#recorder.durable();
  }

  created(call: Call, now: number): void {
    const write = this.#newRow(call, now);
    call.track = { write, batch: this.#recorder.batch };
    this.#recorder.run(write);
    for (const [at, arg] of call.args.entries()) this.#argumentEdges(call, write.ref, at, arg);
    for (const before of call.after ?? []) {
      this.#recorder.edge({
        run: write.ref,
        kind: "order",
        argument: -1,
        name: "",
        argumentPath: "",
        source: refOf(before),
        sourcePath: "",
        artifact: null,
      });
    }
  }

  /** The row of a call is there already, or was written by somebody else. */
  recall(call: Call, write: RunWrite, known: Pick<CallTrack, "returned" | "final" | "inputs">): void {
    call.track = { write, batch: this.#recorder.batch - 1, ...known };
  }

  /** Runs that are new come behind those that there are. */
  startAt(position: number): void {
    this.#position = position;
  }

  /** Tells whoever watches of a call that changes no more. */
  tell(call: Call): void {
    this.#emitRun(call, Date.now(), undefined);
  }

  /** A recorded run has answered a call, whose row gets its last state. */
  answered(call: Call, end: Pick<RunWrite, "state" | "attempt" | "ranAt" | "finishedAt" | "output" | "cache">): void {
    Object.assign(this.#row(call), end);
    (call.track as CallTrack).final = true;
  }

  /**
   * A run waits for its children, who are there now. It is recorded with them: a run that is there without what it waits
   * for, or the other way round, would execute if its pipeline run were interrupted.
   */
  adopted(call: Call, now: number): void {
    const row = this.#row(call);
    row.state = "RAN";
    row.attempt = call.attempt;
    this.#returned(call, row, now);
  }

  /** The position of the next run. */
  nextPosition(): number {
    return this.#position++;
  }

  changed(call: Call, now: number): void {
    const { state } = call;
    if (state !== "CREATED" && call.track?.final !== true) {
      const row = this.#row(call);
      const goesOn = row.attempt === call.attempt;
      row.state = state;
      row.attempt = call.attempt;
      stampState(row, state, now, goesOn);
      if (call.bodyDone) this.#returned(call, row, now);
      if (isFinished(state)) {
        this.#progress.end(call);
        if (call.cache !== undefined) this.#endCached(row, call, call.cache);
        row.failure = state === "RESOLVED" ? null : recordedFailure(call);
        row.reason = call.reason ?? null;
        if (state === "CANCELED") this.#event(call, "cancel", `${call.label} was canceled: ${call.reason ?? ""}`, now);
        else if (call.failure?.code === "TIMEOUT") this.#event(call, "timeout", call.failure.message, now);
        // Steps that led here may still be told of one by one: once written, they would find a row that has its end.
        (call.track as CallTrack).final = true;
      }
      this.#recorder.settle();
    }
    // That it is tried again was told with the failure.
    if (state !== "RETRYING") this.#emitRun(call, now, state === "CREATED" ? waitsForInputs(call) : undefined);
  }

  /** What was reused becomes known at the end alone. */
  #endCached(row: RunWrite, call: Call, { told }: CallCache): void {
    row.cache = told;
    if (call.state === "RESOLVED" && row.output === null) row.output = this.#keep(call.output as Stored).ref;
  }

  input(call: Call, argument: number, stored: Stored): void {
    const inputs = ((call.track as CallTrack).inputs ??= new Set());
    // A retry gets the same value again.
    if (inputs.has(argument)) return;
    inputs.add(argument);
    const { ref } = this.#keep(stored);
    this.#recorder.edge({
      run: refOf(call),
      kind: "data",
      argument,
      name: parameterName(call, argument),
      argumentPath: "",
      source: null,
      sourcePath: "",
      artifact: ref,
    });
  }

  output(call: Call, stored: Stored): void {
    const { ref } = this.#keep(stored);
    this.#row(call).output = ref;
  }

  retry(call: Call, { attempt, failure, delay, now, infrastructure }: Retried): void {
    const row = this.#row(call);
    // The row still tells of the attempt that failed, unless that was over before it was told to have begun.
    const startedAt = row.attempt === attempt ? row.startedAt : null;
    this.#progress.end(call);
    row.progress = null;
    this.#recorder.attempt({ run: row.ref, attempt, startedAt, endedAt: now, failure });
    const again = delay === 0 ? "at once" : `in ${Math.round(delay)} ms`;
    const counted =
      infrastructure === undefined
        ? ""
        : ` (${infrastructure.retry} of ${infrastructure.of} times that this does not count as a retry of the func)`;
    this.#event(
      call,
      "retry",
      `attempt ${attempt} of ${call.label} failed (${failure.name}: ${failure.message}); it is tried again ${again}${counted}`,
      now,
    );
    // Not left to the change of state: with no delay the next attempt is there already when that is told.
    const waits = delay === 0 ? undefined : `a retry in ${Math.round(delay)} ms`;
    this.#emit?.({ ...runTold(call, now, waits), state: "RETRYING", attempt, failure });
  }

  late(call: Call, attempt: number): void {
    this.#event(
      call,
      "late-result",
      `attempt ${attempt} of ${call.label} ended when it no longer counted; its result was dropped`,
      Date.now(),
    );
  }

  awaited(source: Call): void {
    const { write, batch } = source.track as CallTrack;
    if (write.awaited) return;
    // A row of the batch that is open is not written yet, and that of a run that has ended is not written again.
    if (batch !== this.#recorder.batch) this.#recorder.awaited(write.ref);
    write.awaited = true;
  }

  waits(call: Call, source: Call): void {
    this.#emitRun(call, Date.now(), source.label);
  }

  resumes(call: Call): void {
    if (call.waits === 0 && call.state === "RUNNING") this.#emitRun(call, Date.now(), undefined);
  }

  waitsFor(call: Call, reason: string | undefined): void {
    this.#emitRun(call, Date.now(), reason);
  }

  placed(call: Call, where: string): void {
    this.#event(call, "place", `attempt ${call.attempt} of ${call.label} executes on ${where}`, Date.now());
  }

  cache(call: Call): void {
    const { told, status } = call.cache as CallCache;
    this.#row(call).cache = told;
    if (status === "WAITING") this.#emitRun(call, Date.now(), told.note?.replace(/^waits for /, ""));
  }

  cacheChanged(call: Call): void {
    this.#recorder.cacheChange({ run: refOf(call), cache: (call.cache as CallCache).told });
    this.#emitRun(call, Date.now(), undefined);
  }

  log(call: Call, entry: LogEntry): void {
    const { stream, level, time, attempt } = entry;
    const text = stream === "log" ? logText(entry.text) : entry.text;
    this.#recorder.log({ run: refOf(call), stream, level, text, data: logData(entry.data), time, attempt });
    this.#emit?.({ type: "log", runId: call.id, stream, level, text, time });
  }

  metric(call: Call, entry: MetricEntry): void {
    this.#recorder.metric({ ...entry, run: refOf(call) });
  }

  progress(call: Call, progress: Progress): void {
    this.#progress.tell(call, progress);
  }

  warn(call: Call, message: string): void {
    if (this.#warned.has(message)) return;
    this.#warned.add(message);
    const time = Date.now();
    this.#event(call, "warning", message, time);
    if (this.#emit === undefined) process.emitWarning(message, "RepriseWarning");
    else this.#emit({ type: "warning", runId: call.id, message, time });
  }

  /** Records something that concerns only those who look for it. */
  note(call: Call, message: string): void {
    this.#event(call, "note", message, Date.now());
  }

  #event(call: Call, kind: string, message: string, time: number): void {
    this.#recorder.event({ root: this.#root, run: refOf(call), time, kind, message });
  }

  #emitRun(call: Call, time: number, waitsFor: string | undefined): void {
    this.#emit?.(runTold(call, time, waitsFor));
  }

  #newRow(call: Call, now: number): RunWrite {
    const { parent } = call;
    return {
      ref: parent === null ? this.#root : { uuid: call.uuid, key: 0 },
      root: this.#root,
      parent: parent === null ? null : refOf(parent),
      parentAttempt: call.parent?.attempt ?? 0,
      awaited: false,
      func: this.#funcOf(call),
      kind: call.definition.kind,
      name: call.name,
      tags: call.tags,
      position: this.nextPosition(),
      options: recordedOptions(call),
      createdAt: now,
      state: "CREATED",
      attempt: 0,
      scheduledAt: null,
      startedAt: null,
      ranAt: null,
      finishedAt: null,
      output: null,
      failure: null,
      reason: null,
      progress: null,
      cache: null,
    };
  }

  /** A run that does not execute, but waits for its children, is of the code whose result it waits with. */
  #funcOf({ definition, map, replay }: Call): FuncRef {
    if (replay?.prior?.action === "wait") return replay.prior.run.func;
    return this.#funcRef(map?.element ?? definition);
  }

  #funcRef(definition: FuncDefinition): FuncRef {
    let ref = this.#funcs.get(definition);
    if (ref === undefined) {
      ref = { record: funcRecord(definition), key: 0 };
      this.#funcs.set(definition, ref);
    }
    return ref;
  }

  /** The row of a run in the open batch: several changes in one batch are one write. */
  #row(call: Call): RunWrite {
    const track = call.track as NonNullable<Call["track"]>;
    if (track.batch !== this.#recorder.batch) {
      // A copy: the batch before may still be waiting to be written, and must not see what comes later.
      track.write = { ...track.write };
      track.batch = this.#recorder.batch;
      this.#recorder.run(track.write);
    }
    return track.write;
  }

  #argumentEdges(call: Call, run: RunRef, argument: number, { stored, parts }: Composite): void {
    const name = parameterName(call, argument);
    const edge = { run, kind: "data", argument, name } as const;
    if (parts.length === 0) {
      const { ref } = this.#keep(stored as Stored);
      this.#recorder.edge({ ...edge, argumentPath: "", source: null, sourcePath: "", artifact: ref });
    } else if (stored !== undefined) {
      const { ref } = this.#keep(stored);
      this.#recorder.edge({
        ...edge,
        kind: "template",
        argumentPath: "",
        source: null,
        sourcePath: "",
        artifact: ref,
      });
    }
    this.#partEdges(edge, parts);
  }

  /** In the batch of the state that says so: a body that executes again, after a crash, has told nothing of its result. */
  #returned(call: Call, row: RunWrite, now: number): void {
    const track = call.track as CallTrack;
    if (track.returned === true) return;
    track.returned = true;
    row.ranAt = now;
    if (call.result !== undefined) this.#resultEdges(call, row.ref, call.result);
  }

  #resultEdges({ map }: Call, run: RunRef, { stored, parts }: Composite): void {
    if (map !== undefined) return;
    const edge = { run, kind: "result", argument: -1, name: "" } as const;
    if (stored !== undefined) {
      const { ref } = this.#keep(stored);
      this.#recorder.edge({ ...edge, argumentPath: "", source: null, sourcePath: "", artifact: ref });
    }
    this.#partEdges(edge, parts);
  }

  #partEdges(edge: Pick<EdgeWrite, "run" | "kind" | "argument" | "name">, parts: readonly TemplatePart[]): void {
    for (const part of parts) {
      this.#recorder.edge({
        ...edge,
        argumentPath: part.at,
        source: refOf(part.call),
        sourcePath: formatPath(part.path),
        artifact: null,
      });
    }
  }

  /** Hands an artifact to the recorder, its bytes before its row. */
  #keep(stored: Stored): StoredArtifactValue {
    const artifact = stored as StoredArtifactValue;
    const { encoded } = artifact;
    if (artifact.recorded || (encoded ?? artifact.transfer) === undefined) return artifact;
    artifact.recorded = true;
    const made = artifact.transfer?.row;
    // A worker has written the blobs of what it made.
    const { write, blobsWritten }: PreparedArtifact =
      made === undefined ? this.#artifacts.prepare(encoded as Encoded, artifact.ref) : { write: made };
    artifact.size = write.size;
    if (blobsWritten !== undefined) artifact.transfer = { row: write, blobsWritten };
    const bytes = encoded === undefined ? (write.document?.length ?? 0) : sizeInMemory(encoded);
    this.#recorder.artifact(write, bytes, blobsWritten);
    const isLarge = bytes > keepInMemory;
    if (isLarge || artifact.transfer !== undefined) {
      this.#recorder.written()?.then(
        () => artifact.onDisk(isLarge),
        () => undefined,
      );
    }
    return artifact;
  }
}

/** With the run that has failed, where that is another one: it has to be found again when a pipeline run goes on. */
function recordedFailure({ state, failure, origin }: Call): Failure | null {
  if (failure === undefined) return null;
  return state === "NESTED_FAILED" && origin !== undefined ? { ...failure, runId: origin.id } : failure;
}

function cacheTold({ cache, track }: Call): { readonly cache?: RunCache } {
  if (cache?.isKnown === true) return { cache: cache.told };
  const recorded = track?.write.cache;
  return recorded == null ? {} : { cache: recorded };
}

function sizeInMemory({ bytes, blobs }: Encoded): number {
  let size = bytes.length;
  for (const blob of blobs) size += blob.size;
  return size;
}

function refOf(call: Call): RunRef {
  return (call.track as NonNullable<Call["track"]>).write.ref;
}

function parameterName({ definition }: Call, argument: number): string {
  const { parameters } = definition;
  return parameters[Math.min(argument, parameters.length - 1)] ?? `argument ${argument + 1}`;
}

function waitsForInputs(call: Call): string | undefined {
  const open = call.sources.filter((source) => source.state !== "RESOLVED");
  if (open.length === 0) return undefined;
  return open.length === 1 ? open[0]?.label : `${open[0]?.label} and ${open.length - 1} more`;
}

function runTold(call: Call, time: number, waitsFor: string | undefined): RunChanged {
  return {
    type: "run",
    id: call.id,
    parentId: call.parent?.id ?? null,
    funcId: call.definition.id,
    name: call.name,
    kind: call.definition.kind,
    state: call.state,
    attempt: call.attempt,
    time,
    ...(waitsFor === undefined ? {} : { waitsFor }),
    ...(call.failure === undefined ? {} : { failure: call.failure }),
    ...(call.reason === undefined ? {} : { reason: call.reason }),
    ...cacheTold(call),
  };
}

/** @param goesOn whether the attempt is one that the row tells of: its clock goes on, though it is scheduled once more. */
function stampState(row: RunWrite, state: RunState, now: number, goesOn: boolean): void {
  switch (state) {
    case "SCHEDULED":
      if (!goesOn) row.scheduledAt = now;
      row.startedAt = null;
      break;
    case "RUNNING":
      row.startedAt = now;
      break;
    case "RAN":
    case "RETRYING":
    case "CREATED":
      break;
    default:
      row.finishedAt = now;
  }
}
