import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import {
  cacheStatuses,
  type FuncRecord,
  type PipelineState,
  pipelineStates,
  RepriseError,
  type RunCache,
} from "@reprise/core";
import type {
  ArtifactRef,
  ArtifactWrite,
  CommitResult,
  EdgeWrite,
  FuncRef,
  PipelineRunWrite,
  RunRef,
  RunWrite,
  WriteBatch,
} from "../backend.ts";
import { ArtifactKeys, type Meta } from "./artifact-keys.ts";
import { rollback } from "./connection.ts";
import { DriverFence } from "./driver-leases.ts";
import { pipelineTargets, runTargets } from "./state-masks.ts";
import { prepareWrites, type WriteStatements } from "./write-statements.ts";

/** What a batch changes in the counts of one pipeline run, and whether somebody has canceled it. */
interface RootChange {
  readonly key: number;
  readonly canceled: boolean;
  readonly reason: string | null;
  runs: number;
  finished: number;
  failed: number;
  hits: number;
  saved: number;
}

/**
 * Writes batches: one transaction each, prepared statements, no allocation per row beyond what the driver makes.
 *
 * Keys are given out here and not by the database, because whoever holds the write lock is alone; so a root run and its
 * pipeline run have one key, and rows refer to each other before they are written.
 */
export class BatchWriter {
  readonly #database: DatabaseSync;
  readonly #place: string;
  readonly #statements: WriteStatements;
  readonly #keys: ArtifactKeys;
  readonly #fence: DriverFence;
  /** The epoch when this connection began: keys it was given since then are only in doubt if the epoch has changed. */
  #firstEpoch = -1;
  #epoch = -1;
  #artifactFloor = 0;
  #firstNewRun = 0;
  #lastRun = 0;
  #lastArtifact = 0;
  #assigned: { key: number }[] = [];
  #roots: RootChange[] = [];
  #refused: RunRef[] = [];

  constructor(database: DatabaseSync, place: string) {
    this.#database = database;
    this.#place = place;
    this.#statements = prepareWrites(database);
    this.#keys = new ArtifactKeys(database);
    this.#fence = new DriverFence(database);
  }

  /** Whoever will write may hold keys of artifacts that were read in this epoch. */
  holdsKeysOf(epoch: number): void {
    if (this.#firstEpoch < 0 || epoch < this.#firstEpoch) this.#firstEpoch = epoch;
  }

  /** Writes all of the batch or, if this throws, nothing: then every key that it gave out is 0 again. */
  commit(batch: WriteBatch): CommitResult {
    const { begin, commit } = this.#statements;
    begin.run();
    try {
      this.#write(batch);
      commit.run();
    } catch (error) {
      rollback(this.#database);
      for (const ref of this.#assigned) ref.key = 0;
      this.#assigned = [];
      this.#keys.forget();
      throw error;
    }
    this.#assigned = [];
    return { refused: this.#refused };
  }

  #write(batch: WriteBatch): void {
    if (batch.driver !== null) this.#fence.check(batch.driver);
    this.#begin();
    for (const write of batch.artifacts) this.#writeArtifact(write);
    for (const write of batch.pipelineRuns) this.#writePipelineRun(write);
    for (const write of batch.runs) this.#writeRun(write);
    for (const { run, cache } of batch.cacheChanges) {
      this.#statements.setCache.run(...cacheValues(cache), this.#runKey(run, "run"));
    }
    for (const run of batch.awaited) this.#statements.setAwaited.run(this.#runKey(run, "run"));
    this.#writeEdges(batch.edges);
    this.#writeJournal(batch);
    for (const root of this.#roots) {
      if (root.runs + root.finished === 0) continue;
      this.#statements.addCounts.run(root.runs, root.finished, root.failed, root.hits, root.saved, root.key);
    }
    this.#keys.settle();
  }

  #begin(): void {
    const meta = this.#statements.meta.get() as unknown as Meta;
    if (this.#firstEpoch < 0) this.#firstEpoch = meta.epoch;
    this.#epoch = meta.epoch;
    this.#artifactFloor = meta.artifact_floor;
    this.#lastRun = Math.max(meta.run_floor, meta.last_run ?? 0, meta.last_pipeline_run ?? 0);
    this.#firstNewRun = this.#lastRun + 1;
    this.#lastArtifact = Math.max(meta.artifact_floor, meta.last_artifact ?? 0);
    this.#roots = [];
    this.#refused = [];
    this.#keys.begin(meta);
  }

  #writeArtifact(write: ArtifactWrite): void {
    const { ref } = write;
    if (ref.key !== 0 && this.#isStored(ref)) return;
    const digest = Buffer.from(ref.digest, "hex");
    const stored = this.#keys.find(ref.digest, digest);
    if (stored !== 0) {
      this.#assign(ref, stored);
      return;
    }
    const key = ++this.#lastArtifact;
    this.#statements.insertArtifact.run(
      key,
      digest,
      write.typeName,
      json(write.type),
      write.size,
      json(write.summary),
      write.documentSize,
      write.createdAt,
      write.document,
    );
    for (const [number, blob] of write.blobs.entries()) {
      this.#statements.insertArtifactBlob.run(key, number, Buffer.from(blob.digest, "hex"), blob.size);
    }
    this.#keys.add(ref.digest, key);
    this.#assign(ref, key);
  }

  /** Whether an artifact that had a key still has it; only after a garbage collection is there reason to look. */
  #isStored(ref: ArtifactRef): boolean {
    if (this.#epoch === this.#firstEpoch || ref.key > this.#artifactFloor) return true;
    const digest = this.#statements.selectArtifact.get(ref.key)?.["digest"] as Uint8Array | undefined;
    return digest !== undefined && Buffer.from(digest).toString("hex") === ref.digest;
  }

  #artifactKey(ref: ArtifactRef | null): number | null {
    if (ref === null) return null;
    if (ref.key !== 0 && this.#isStored(ref)) return ref.key;
    const key = this.#keys.find(ref.digest, Buffer.from(ref.digest, "hex"));
    if (key === 0) {
      throw new RepriseError(
        "ARTIFACT_NOT_FOUND",
        `Artifact ${ref.digest} is not in ${this.#place}, so nothing can refer to it. ` +
          `It has to be written in the same batch or an earlier one.`,
      );
    }
    this.#assign(ref, key);
    return key;
  }

  #writePipelineRun({ root, run, driver }: PipelineRunWrite): void {
    if (root.key !== 0) {
      const target = pipelineTargets[run.state];
      const { changes } = this.#statements.updatePipelineRun.run(
        target.number,
        run.name,
        list(run.tags),
        json(run.git),
        hexBytes(run.code),
        run.startedAt,
        run.finishedAt,
        root.key,
        target.allowedFrom,
      );
      if (changes !== 0) return;
      if (this.#statements.selectPipelineRun.get(root.key) !== undefined) {
        this.#refused.push(root);
        return;
      }
    } else {
      this.#assign(root, ++this.#lastRun);
    }
    this.#statements.insertPipelineRun.run(
      root.key,
      root.uuid,
      pipelineTargets[run.state].number,
      run.kind,
      run.funcId,
      run.name,
      list(run.tags),
      JSON.stringify(run.origin),
      json(run.git),
      hexBytes(run.code),
      json(run.rerun),
      run.createdAt,
      run.startedAt,
      run.finishedAt,
    );
    if (driver !== undefined) this.#fence.give(root.key, driver);
  }

  #writeRun(write: RunWrite): void {
    const { ref } = write;
    if (ref.key === 0 && write.parent === null) this.#assign(ref, this.#runKey(write.root, "pipeline run"));
    else if (ref.key === 0) {
      this.#assign(ref, ++this.#lastRun);
      this.#insertRun(write);
      return;
    }
    const target = runTargets[write.state];
    const values = [
      Number(write.awaited),
      target.number,
      write.attempt,
      write.scheduledAt,
      write.startedAt,
      write.ranAt,
      write.finishedAt,
      this.#artifactKey(write.output),
      json(write.failure),
      write.reason,
      json(write.progress),
      ref.key,
      target.allowedFrom,
    ];
    const { updateRun, updateCachedRun } = this.#statements;
    const { changes } =
      write.cache === null ? updateRun.run(...values) : updateCachedRun.run(...cacheValues(write.cache), ...values);
    if (changes !== 0) {
      if (target.finished) this.#count(this.#root(write.root), write, 0);
    } else if (this.#statements.selectRun.get(ref.key) === undefined) {
      // The key of a root run is that of its pipeline run, which may have been written before it.
      this.#insertRun(write);
    } else {
      this.#refused.push(ref);
    }
  }

  #insertRun(write: RunWrite): void {
    const root = this.#root(write.root);
    const target = runTargets[write.state];
    const tooLate = root.canceled && !target.finished;
    const values = [
      write.ref.key,
      write.ref.uuid,
      root.key,
      write.parent === null ? null : this.#runKey(write.parent, "parent run"),
      write.parentAttempt,
      this.#funcKey(write.func),
      write.kind,
      write.name === write.func.record.name ? null : write.name,
      list(write.tags),
      write.position,
      json(write.options),
      write.createdAt,
      Number(write.awaited),
      tooLate ? runTargets.CANCELED.number : target.number,
      write.attempt,
      write.scheduledAt,
      write.startedAt,
      write.ranAt,
      tooLate ? write.createdAt : write.finishedAt,
      this.#artifactKey(write.output),
      json(write.failure),
      tooLate ? root.reason : write.reason,
      json(write.progress),
    ];
    // Runs for which no cache was asked, which are most, pay nothing for its columns.
    const { insertRun, insertCachedRun } = this.#statements;
    if (write.cache === null) insertRun.run(...values);
    else insertCachedRun.run(...cacheValues(write.cache), ...values);
    if (tooLate) {
      root.runs += 1;
      root.finished += 1;
      this.#refused.push(write.ref);
    } else if (target.finished) this.#count(root, write, 1);
    else root.runs += 1;
  }

  #count(root: RootChange, write: RunWrite, inserted: 0 | 1): void {
    root.runs += inserted;
    root.finished += 1;
    if (write.state === "FAILED" || write.state === "NESTED_FAILED") root.failed += 1;
    if (write.cache?.status !== "HIT" || write.state !== "RESOLVED") return;
    root.hits += 1;
    root.saved += write.cache.saved ?? 0;
  }

  #root(ref: RunRef): RootChange {
    for (const root of this.#roots) if (root.key === ref.key) return root;
    const key = this.#runKey(ref, "pipeline run");
    const row = this.#statements.selectPipelineRun.get(key);
    if (row === undefined) throw this.#missing(ref, "pipeline run");
    const state: PipelineState | undefined = pipelineStates[row["state"] as number];
    const reason = row["reason"] as string | null;
    const root = { key, canceled: state === "CANCELED", reason, runs: 0, finished: 0, failed: 0, hits: 0, saved: 0 };
    this.#roots.push(root);
    return root;
  }

  #runKey(ref: RunRef, what: string): number {
    if (ref.key === 0) throw this.#missing(ref, what);
    return ref.key;
  }

  #missing(ref: RunRef, what: string): RepriseError {
    const id = Buffer.from(ref.uuid).toString("hex");
    return new RepriseError(
      "STORE_FAILED",
      `A batch for ${this.#place} refers to the ${what} ${id}, which is not stored. ` +
        `It has to be written in the same batch, before what refers to it, or in an earlier one.`,
    );
  }

  #funcKey(ref: FuncRef): number {
    if (ref.key !== 0) return ref.key;
    const { record } = ref;
    const digest = funcDigest(record);
    const { selectFunc, insertFunc } = this.#statements;
    const stored = selectFunc.get(digest)?.["key"] as number | undefined;
    const { id, name, description, source, file, line } = record;
    const key = stored ?? Number(insertFunc.run(digest, id, name, description, source, file, line).lastInsertRowid);
    this.#assign(ref, key);
    return key;
  }

  #writeEdges(edges: readonly EdgeWrite[]): void {
    let run: RunRef | undefined;
    let highest = this.#firstNewRun - 1;
    let number = 0;
    for (const edge of edges) {
      const runKey = this.#runKey(edge.run, "run");
      if (edge.run !== run) {
        // A run of this batch has no edges yet; for others, and where edges are not in the order of runs, ask.
        number = runKey > highest ? 0 : this.#nextEdge(runKey);
        highest = Math.max(highest, runKey);
        run = edge.run;
      }
      this.#statements.insertEdge.run(
        runKey,
        number++,
        edge.kind,
        edge.argument,
        edge.name,
        edge.argumentPath,
        edge.source === null ? null : this.#runKey(edge.source, "source run"),
        edge.sourcePath,
        this.#artifactKey(edge.artifact),
      );
    }
  }

  #nextEdge(runKey: number): number {
    const last = this.#statements.lastEdge.get(runKey)?.["number"] as number | null | undefined;
    return last == null ? 0 : last + 1;
  }

  #writeJournal(batch: WriteBatch): void {
    const { insertAttempt, insertEvent, insertLog, insertMetric } = this.#statements;
    for (const row of batch.attempts) {
      const key = this.#runKey(row.run, "run");
      insertAttempt.run(key, row.attempt, row.startedAt, row.endedAt, JSON.stringify(row.failure));
    }
    for (const row of batch.events) {
      const runKey = row.run === null ? null : this.#runKey(row.run, "run");
      insertEvent.run(this.#runKey(row.root, "pipeline run"), runKey, row.time, row.kind, row.message);
    }
    for (const row of batch.logs) {
      const key = this.#runKey(row.run, "run");
      insertLog.run(key, row.attempt, row.time, row.stream, row.level, row.text, json(row.data));
    }
    for (const row of batch.metrics) {
      insertMetric.run(this.#runKey(row.run, "run"), row.time, row.name, row.type, row.value);
    }
  }

  #assign(ref: { key: number }, key: number): void {
    ref.key = key;
    this.#assigned.push(ref);
  }
}

/** The cache's columns, in the order of the statements. */
function cacheValues({ status, key, originRunId, saved, note }: RunCache) {
  return [
    cacheStatuses.indexOf(status),
    hexBytes(key),
    hexBytes(originRunId?.replaceAll("-", "")),
    saved,
    note,
  ] as const;
}

/** Two records with equal content are one row. */
function funcDigest({ id, name, description, source, file, line }: FuncRecord): Uint8Array {
  return createHash("sha256")
    .update(JSON.stringify([id, name, description, source, file, line]))
    .digest();
}

function hexBytes(hex: string | null | undefined): Uint8Array | null {
  return hex == null ? null : Buffer.from(hex, "hex");
}

function json(value: unknown): string | null {
  return value == null ? null : JSON.stringify(value);
}

function list(values: readonly string[]): string | null {
  return values.length === 0 ? null : JSON.stringify(values);
}
