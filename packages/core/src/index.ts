export { BlobRef, type BlobPart } from "./codec/blob-ref.ts";
export { cacheKey } from "./codec/cache-key.ts";
export { type CacheStatus, cacheStatuses, type RunCache } from "./cache/cache-status.ts";
export {
  cacheKeyOf,
  diffKeyRecords,
  ENCODING_VERSION,
  type KeyDifference,
  type KeyIngredient,
  keyIngredients,
  type KeyInput,
  type KeyRecord,
  type KeySignature,
  type KeyVersion,
} from "./cache/key-record.ts";
export { decode, type DecodeOptions } from "./codec/decode.ts";
export type { BlobLoader } from "./codec/decoder.ts";
export { encode, type Encoded, type EncodeOptions, keyDigest } from "./codec/encode.ts";
export { BLOB_THRESHOLD } from "./codec/format.ts";
export { describeType, type TypeDescription } from "./codec/describe-type.ts";
export { ordered } from "./codec/ordered.ts";
export { blobRefs, type BlobRefs } from "./codec/scan-blobs.ts";
export { summarize, type Summary, type SummaryNode, type SummaryOptions } from "./codec/summarize.ts";
export {
  type ClassDefinition,
  type ClassOf,
  defaultRegistry,
  registerClass,
  registerType,
  type TypeDefinition,
  TypeRegistry,
} from "./codec/type-registry.ts";
export { diffValues, type DiffValuesOptions, type ValueDifference } from "./diff-values.ts";
export { BlobHasher, CHUNK_SIZE, combineChunkDigests, type Digest, digestBytes } from "./digest.ts";
export { nameErrorClass, RepriseError, type ErrorCode, type RepriseErrorOptions } from "./errors.ts";
export { type Duration, formatDuration, parseDuration } from "./duration.ts";
export { type Failure, fromFailure, toFailure } from "./failure.ts";
export type {
  Artifact,
  Attempt,
  Edge,
  EdgeKind,
  FuncRecord,
  GitState,
  LogLevel,
  LogLine,
  Metric,
  MetricType,
  Origin,
  PipelineRun,
  Progress,
  RerunMode,
  RerunOrigin,
  Run,
  RunEvent,
  RunKind,
} from "./records.ts";
export type { GraphRun } from "./rerun/graph-run.ts";
export {
  type PlannedRun,
  planRerun,
  type RerunAction,
  type RerunPlan,
  type RerunReason,
  type RerunRequest,
} from "./rerun/rerun-plan.ts";
export { rerunReasonWords } from "./rerun/reason-words.ts";
export { planResume, type ResumeAction, type ResumedRun } from "./rerun/resume-plan.ts";
export { tookOf } from "./records.ts";
export {
  decideRetry,
  type ErrorClass,
  parseRetry,
  type RetryDecision,
  type RetryOptions,
  type RetryPolicy,
} from "./retry.ts";
export {
  canPipelineGo,
  canRunGo,
  isFinished,
  isPipelineFinished,
  type PipelineState,
  pipelineStates,
  pipelineStatesBefore,
  pipelineTransitions,
  type RunState,
  runStates,
  runStatesBefore,
  runTransitions,
} from "./states.ts";
export {
  DuplicateFuncError,
  NotInFuncError,
  PipelineRunError,
  RunCanceledError,
  RunFailedError,
  shortId,
  isInfrastructureFailure,
  OutOfMemoryError,
  TimeoutError,
  WorkerLostError,
} from "./run-errors.ts";
export { formatRunId, parseRunId, writeRunId } from "./run-id.ts";
export { Queue } from "./scheduler/queue.ts";
export { type Gate, type Past, RunNode, type Wait } from "./scheduler/run-node.ts";
export type { Command } from "./scheduler/command.ts";
export type { InfrastructureRetry } from "./scheduler/infrastructure.ts";
export type { LaneOptions } from "./scheduler/lanes.ts";
export type { SchedulerOptions } from "./scheduler/options.ts";
export { Scheduler } from "./scheduler/scheduler.ts";
export { version } from "./version.ts";
