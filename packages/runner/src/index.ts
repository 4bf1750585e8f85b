export { ActorEnvironment, type ActorEnvironmentOptions, type ActorReplicas } from "./actors/actor-environment.ts";
export type { ActorCacheOptions } from "./actors/cache-options.ts";
export type { CachedFunction } from "./actors/cached-function.ts";
export { listPools, stopPools, type StopOptions } from "./actors/supervisor-control.ts";
export type { PoolState } from "./actors/supervisor-protocol.ts";
export type { CacheOptions } from "./cache-options.ts";
export type { CallOptions } from "./call-options.ts";
export type { CacheMode } from "./cache/call-cache.ts";
export type { CacheNamespace } from "./cache/namespace.ts";
export { ageWords } from "./cache/age-words.ts";
export { keyArgument, keyArguments } from "./cache/key-arguments.ts";
export { type KeyArgument, KeyMaker, type KeyScope, type MadeKey } from "./cache/key-maker.ts";
export type { Problem } from "./cache/problem.ts";
export { type FoundSignature, signatureOf } from "./cache/signature.ts";
export { type FoundVersion, FuncVersions, type FuncVersionsOptions } from "./cache/versions.ts";
export { codeDigestPlugin, type CodeDigestPluginOptions } from "./code-digest/bundle-plugin.ts";
export {
  type ClosureChanges,
  type ClosurePart,
  type CodeDigest,
  type CodeWarning,
  diffClosures,
  type NoCodeDigest,
} from "./code-digest/code-digest.ts";
export {
  type CodeDigestCache,
  CodeDigests,
  type CodeDigestsOptions,
  type CodeOwner,
} from "./code-digest/code-digests.ts";
export { keepProgram, type KeepOptions, type KeptProgram, keepsProgram } from "./code-version/keep-program.ts";
export { loadHeld } from "./code-version/load-held.ts";
export { loadKeptProgram } from "./code-version/load-kept-program.ts";
export { context, type RunContext, type RunLog } from "./context.ts";
export { callOf, func, mapOf } from "./func.ts";
export { definedFuncs, definitionOf, type FuncDefinition, funcRecord } from "./func-definition.ts";
export type { ActorFuncOptions, Func, FuncOptions } from "./func-types.ts";
export { isFuture, order } from "./future.ts";
export type { Future, Lift, LiftArgs, Pending, Settle } from "./future-types.ts";
export { LocalRunner } from "./local-runner.ts";
export type { Durability, LocalRunnerOptions } from "./local-runner-options.ts";
export type { MapOptions } from "./map.ts";
export { graphRunsOf } from "./rerun/graph-runs.ts";
export { stillDriven } from "./rerun/still-driven.ts";
export type { Resources } from "./resources.ts";
export { RunFailure } from "./run-failure.ts";
export { holdRuns, refuseRuns, Runner, type RunHandle } from "./runner.ts";
export type { RunChanged, RunnerEvent } from "./runner-events.ts";
export { SilentRunner, type SilentRunnerOptions } from "./silent-runner.ts";
export { DirectoryArtifact, type DirectoryEntry, type DirectoryFromOptions } from "./values/directory-artifact.ts";
export { type ByteRange, FileArtifact, type FileFromOptions, type FileOfOptions } from "./values/file-artifact.ts";
export { Link, type LinkOptions } from "./values/link.ts";
