import { randomBytes } from "node:crypto";
import { encode, formatRunId, type PipelineRun, writeRunId } from "@reprise/core";
import { ArtifactStore } from "../artifact-store.ts";
import type { ArtifactWrite, Backend, FuncRef, RunRef, RunWrite, WriteBatch } from "../backend.ts";
import { LocalBlobStore } from "../blobs/local-blob-store.ts";

let sequence = 0;

/** A reference with a new id; ids are in order of creation. */
export function newRef(now = Date.now()): RunRef {
  const uuid = new Uint8Array(16);
  writeRunId(uuid, now, sequence++ & 0xfff, randomBytes(8), 0);
  return { uuid, key: 0 };
}

/** The id of a reference as readers see it. */
export function idOf(ref: RunRef): string {
  return formatRunId(ref.uuid);
}

/** A batch with only what is given. */
export function batch(parts: Partial<WriteBatch>): WriteBatch {
  const none: never[] = [];
  return {
    artifacts: none,
    pipelineRuns: none,
    runs: none,
    edges: none,
    attempts: none,
    events: none,
    logs: none,
    metrics: none,
    cacheChanges: none,
    awaited: none,
    driver: null,
    ...parts,
  };
}

/** A func's reference. */
export function funcRef(id: string, source: string | null = null): FuncRef {
  return { record: { id, name: id, description: null, source, file: null, line: null }, key: 0 };
}

/** A pipeline run as it is written. */
export function pipelineRun(root: RunRef, changes: Partial<PipelineRun> = {}): PipelineRun {
  return {
    id: idOf(root),
    state: "RUNNING",
    kind: "local",
    funcId: "pipeline",
    name: "pipeline",
    tags: [],
    origin: {
      command: "node pipeline.ts",
      user: "ada",
      host: "engine",
      pid: 42,
      processStartedAt: 1,
      versions: { reprise: "0.1.0", node: "24.0.0", platform: "linux-x64" },
    },
    git: null,
    code: null,
    rerun: null,
    createdAt: 1_000,
    startedAt: 1_001,
    finishedAt: null,
    ...changes,
  };
}

/** A run as it is written. */
export function runWrite(root: RunRef, changes: Partial<RunWrite> = {}): RunWrite {
  return {
    ref: newRef(),
    root,
    parent: root,
    parentAttempt: 1,
    awaited: false,
    func: funcRef("step"),
    kind: "func",
    name: "step",
    tags: [],
    position: 1,
    options: null,
    createdAt: 1_002,
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
    ...changes,
  };
}

/** The row of the root run of a pipeline run. */
export function rootWrite(root: RunRef, changes: Partial<RunWrite> = {}): RunWrite {
  return runWrite(root, { ref: root, parent: null, parentAttempt: 0, position: 0, state: "RUNNING", ...changes });
}

/** Writes a pipeline run with its root run; gives its reference. */
export async function startPipeline(backend: Backend, changes: Partial<PipelineRun> = {}): Promise<RunRef> {
  const root = newRef();
  await backend.commit(batch({ pipelineRuns: [{ root, run: pipelineRun(root, changes) }], runs: [rootWrite(root)] }));
  return root;
}

/** A small artifact of a value. */
export function artifactOf(backend: Backend, value: unknown, createdAt = 1_000): ArtifactWrite {
  const store = new ArtifactStore(backend, new LocalBlobStore("/nowhere"), () => createdAt);
  return store.prepare(encode(value)).write;
}
