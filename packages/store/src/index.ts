export type {
  ArtifactRef,
  ArtifactRequest,
  ArtifactRow,
  ArtifactWrite,
  Backend,
  CacheChange,
  CommitResult,
  Consumer,
  DriverLease,
  EdgeWrite,
  EventWrite,
  FuncRef,
  ListOptions,
  OfRun,
  PipelineRunSummary,
  PipelineRunWrite,
  PruneOptions,
  PruneResult,
  RecordedEdge,
  RecordedGraph,
  RecordedRun,
  RunRef,
  RunWrite,
  StoredArtifact,
  TakenOver,
  WriteBatch,
} from "./backend.ts";
export type { BlobCondition, BlobName, BlobStore, BlobToVerify, DeleteOptions, TransferOptions } from "./blob-store.ts";
export type {
  CacheEntry,
  CacheEntryDetails,
  CacheFilter,
  CacheGroup,
  CachePut,
  CacheStore,
  CacheWriteResult,
  CacheWrites,
  Claim,
  ClaimRequest,
  Lease,
  LeaseHolder,
  MaybePromise,
} from "./cache/cache-store.ts";
export { type CacheStoreOptions, SqliteCacheStore } from "./cache/sqlite-cache-store.ts";
export type { LeaseTimes } from "./sqlite/heartbeat.ts";
export type { CodeBundle, CodeStore, KeptCode, KeptCodeEntry } from "./code/code-store.ts";
export { type KeepStep, LocalCodeStore, type LocalCodeStoreOptions } from "./code/local-code-store.ts";
export { isProcessGone, type ProcessIdentity, thisProcess } from "./process-gone.ts";
export { type BackendOptions, SqliteBackend } from "./sqlite/sqlite-backend.ts";
export { loadSqlite } from "./sqlite/load-sqlite.ts";
export type { ConnectionOptions } from "./sqlite/connection.ts";
export { LocalBlobStore, type LocalBlobStoreOptions, type PutStep } from "./blobs/local-blob-store.ts";
export { type HashedBlob, hashFile } from "./blobs/chunk-hasher.ts";
export type { Recalled, RecallRequest } from "./artifact-recall.ts";
export { ArtifactStore, INLINE_LIMIT, type LoadedArtifact, type PreparedArtifact } from "./artifact-store.ts";
export { collectGarbage, type GarbageOptions, type GarbageResult } from "./gc.ts";
export { type Home, type HomeOptions, homePath, openHome, openHomeForReading } from "./home.ts";
export { HomeFiles } from "./home-files.ts";
export { type SettingEntry, Settings } from "./settings.ts";
export { type SettingKey, settingKeys } from "./setting-keys.ts";
