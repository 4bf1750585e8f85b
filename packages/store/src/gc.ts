import { pipelineStates, isPipelineFinished } from "@reprise/core";
import type { PruneOptions } from "./backend.ts";
import type { KeptCodeEntry } from "./code/code-store.ts";
import type { Home } from "./home.ts";
import type { BlobName } from "./blob-store.ts";
import { isProcessGone } from "./process-gone.ts";
import { sweepWorkdirs } from "./workdirs.ts";

/** What to remove. */
export interface GarbageOptions {
  readonly home: Home;
  /** Tell what would be removed, and remove nothing. Default: false. */
  readonly dryRun?: boolean;
  /** Remove finished pipeline runs that ended longer ago, in milliseconds. Default: keep all. */
  readonly olderThan?: number;
  /**
   * Leave alone what was written, or stored again, more recently, in milliseconds: it may belong to a value that is being
   * recorded. Default: one hour.
   */
  readonly grace?: number;
  /** The time it is, in milliseconds since 1970 UTC. Default: now. */
  readonly now?: number;
}

/** What was removed, or with `dryRun` would be. */
export interface GarbageResult {
  readonly pipelineRuns: number;
  readonly runs: number;
  readonly artifacts: number;
  readonly artifactBytes: number;
  readonly blobs: number;
  readonly blobBytes: number;
  /** Programs of pipeline runs that are not there any more. */
  readonly programs: number;
  readonly programBytes: number;
  /** Leftovers of crashes: half-written blobs, and files in the working directories of bodies. */
  readonly temporaryFiles: number;
  readonly temporaryBytes: number;
}

const hour = 3_600_000;
const batchSize = 256;

/**
 * Removes what nothing needs: old finished pipeline runs if asked to, artifacts that neither a run nor an entry of the
 * cache refers to, blobs that no artifact refers to, programs that no pipeline run was executed with, leftovers of crashes.
 *
 * It is safe while pipelines run. A blob is written before the row that refers to it, so a blob without a row may be one
 * whose row comes next: everything newer than the grace, or than the oldest pipeline run that is still going on (a body
 * may hold a file for hours before it returns it), stays. Storing content that is there already makes it new again, and
 * a blob is looked at once more after it was moved away and before it is gone.
 *
 * Rejects with `STORE_…` as the home's parts do.
 */
export async function collectGarbage(options: GarbageOptions): Promise<GarbageResult> {
  const { home, dryRun = false, olderThan, grace = hour, now = Date.now() } = options;
  const unusedBefore = Math.min(now - grace, await oldestLiveStart(home));
  const keep = await home.cache.artifacts();
  const rows = { ...(olderThan === undefined ? {} : { endedBefore: now - olderThan }), unusedBefore, keep };
  const pruned = await home.backend.prune({ ...rows, dryRun });
  // What is needed is read after rows were removed and before blobs are looked at: a blob that was stored later than
  // this is too new to be touched.
  const needed = new Set<string>();
  for await (const { digest } of home.backend.referencedBlobs(dryRun ? rows : undefined)) needed.add(digest);
  const removed = await removeBlobs(home, needed, unusedBefore, dryRun);
  const programs = await removePrograms(home, unusedBefore, dryRun ? rows : undefined);
  const swept = await home.blobs.sweep(unusedBefore, { dryRun });
  const sweptCode = await home.code.sweep(unusedBefore, { dryRun });
  const workdirs = await sweepWorkdirs(home.path, unusedBefore, { dryRun });
  if (!dryRun) await home.cache.sweep();
  return {
    pipelineRuns: pruned.pipelineRuns,
    runs: pruned.runs,
    artifacts: pruned.artifacts,
    artifactBytes: pruned.bytes,
    blobs: removed.length,
    blobBytes: removed.reduce((sum, { size }) => sum + size, 0),
    programs: programs.length,
    programBytes: programs.reduce((sum, { bytes }) => sum + bytes, 0),
    temporaryFiles: swept.files + sweptCode.files + workdirs.files,
    temporaryBytes: swept.bytes + sweptCode.bytes + workdirs.bytes,
  };
}

/** @param dryRows what the dry run would prune; undefined if this is none. */
async function removePrograms(
  { backend, code }: Home,
  unusedSince: number,
  dryRows: Omit<PruneOptions, "dryRun"> | undefined,
): Promise<readonly KeptCodeEntry[]> {
  const needed = new Set(await backend.codeInUse(dryRows));
  const unused = (await code.list()).filter(({ digest, usedAt }) => !needed.has(digest) && usedAt < unusedSince);
  if (dryRows !== undefined || unused.length === 0) return unused;
  const removed = await code.remove(
    unused.map(({ digest }) => digest),
    { unusedSince },
  );
  return unused.filter(({ digest }) => removed.includes(digest));
}

async function removeBlobs(
  home: Home,
  needed: ReadonlySet<string>,
  unusedSince: number,
  dryRun: boolean,
): Promise<readonly BlobName[]> {
  const removed: BlobName[] = [];
  let batch: BlobName[] = [];
  const flush = async () => {
    removed.push(...(dryRun ? batch : await home.blobs.delete(batch, { unusedSince })));
    batch = [];
  };
  for await (const { digest, size, modifiedAt } of home.blobs.list()) {
    if (needed.has(digest) || modifiedAt >= unusedSince) continue;
    batch.push({ digest, size });
    if (batch.length === batchSize) await flush();
  }
  if (batch.length > 0) await flush();
  return removed;
}

/** When the oldest pipeline run began that is still going on; infinity if none is. */
async function oldestLiveStart({ backend }: Home): Promise<number> {
  let oldest = Number.POSITIVE_INFINITY;
  for (const state of pipelineStates) {
    if (isPipelineFinished(state)) continue;
    for (let after: string | undefined; ;) {
      const page = await backend.listPipelineRuns({
        state,
        limit: batchSize,
        ...(after === undefined ? {} : { after }),
      });
      // Unfinished rows of a crash must not keep blobs for ever.
      for (const run of page) if (!isProcessGone(run.origin)) oldest = Math.min(oldest, run.createdAt);
      if (page.length < batchSize) break;
      after = page.at(-1)?.id;
    }
  }
  return oldest;
}
