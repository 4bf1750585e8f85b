import { createHash } from "node:crypto";
import type { KeyRecord } from "@reprise/core";
import type { CachePut, CacheStore, CacheWriteResult, CacheWrites, Claim, ClaimRequest } from "../cache-store.ts";

/** A key for a test, by a name. */
export function keyOf(name: string | number): string {
  return createHash("sha256").update(String(name)).digest("hex");
}

/** What a key was made of. */
export function record(changes: Partial<KeyRecord> = {}): KeyRecord {
  return {
    encoding: 1,
    account: "local",
    namespace: "default",
    pipeline: null,
    func: "train",
    signature: { parameters: ["lr"], input: null, output: null },
    version: { kind: "given", value: "v1" },
    inputs: [{ name: "lr", digest: "ab".repeat(32) }],
    ...changes,
  };
}

/** A request for the key with this name, by the run with that id, which wants a lease. */
export function request(name: string | number, runId: string, changes: Partial<ClaimRequest> = {}): ClaimRequest {
  return { key: keyOf(name), runId, label: `${runId} (label)`, holds: [], lease: true, ...changes };
}

/** An entry to write for the key with this name. */
export function put(
  name: string | number,
  changes: Partial<CachePut["entry"]> & Partial<Omit<CachePut, "entry">> = {},
): CachePut {
  const { record: of = record(), lease = null, mode = "keep", ...entry } = changes;
  return {
    entry: {
      key: keyOf(name),
      artifact: keyOf(`artifact of ${name}`),
      artifactKey: 7,
      originRunId: `origin of ${name}`,
      originRootId: "pipeline run",
      duration: 1_250,
      size: 100,
      createdAt: Date.now(),
      rechecks: false,
      ...entry,
    },
    record: of,
    lease,
    mode,
  };
}

/** Writes only what is given. */
export async function write(cache: CacheStore, parts: Partial<CacheWrites>): Promise<CacheWriteResult> {
  return cache.write({ puts: [], releases: [], hits: [], records: [], code: [], ...parts });
}

/** The answer to one request. */
export async function ask(
  cache: CacheStore,
  name: string | number,
  runId: string,
  changes: Partial<ClaimRequest> = {},
): Promise<Claim> {
  const [claim] = await cache.claim([request(name, runId, changes)]);
  if (claim === undefined) throw new Error("a request has no answer");
  return claim;
}

/** The lease of a claim, which must be one. */
export function leaseOf(claim: Claim | undefined): Extract<Claim, { type: "lease" }>["lease"] {
  if (claim?.type !== "lease") throw new Error(`no lease but ${JSON.stringify(claim)}`);
  return claim.lease;
}
