import { availableParallelism } from "node:os";
import { RepriseError, type RerunMode } from "@reprise/core";
import type { Home } from "@reprise/store";
import { type CacheMode, checkCacheMode } from "./cache/call-cache.ts";
import { type CacheNamespace, checkNamespace, defaultNamespace } from "./cache/namespace.ts";
import { checkConcurrency, checkOptions, defaultConcurrency } from "./runner.ts";
import type { RunnerEvent } from "./runner-events.ts";

/**
 * When a result is on disk. `ordered` (default): dependents start at once; what is on disk is always a consistent prefix
 * of what happened, and the result of the root is awaited; a crash may execute again what finished in the last few
 * milliseconds. `step`: a result is on disk before anything depends on it.
 */
export type Durability = "ordered" | "step";

/** How often a run is tried again whose worker was lost, unless somebody says otherwise. */
const defaultInfrastructureRetries = 2;

/** Options of {@link LocalRunner}. */
export interface LocalRunnerOptions {
  /** Folder of the embedded store. Default: the environment variable `REPRISE_HOME`, else `~/.reprise`. */
  readonly home?: string | undefined;
  /** How many bodies may execute at once; one that waits for a value does not count. Default: the setting `CONCURRENCY`, else 64. */
  readonly concurrency?: number | undefined;
  /**
   * How many bodies of standalone funcs may execute at once, each in a process of its own; one that waits for a value does
   * not count. Default: the setting `MAX_PARALLELISM`, else the number of CPUs. From Sematic's `max_parallelism`.
   */
  readonly maxParallelism?: number | undefined;
  /**
   * How often a run is tried again whose worker process was lost or ran out of memory, besides the retries of its func.
   * Default: 2.
   */
  readonly infrastructureRetries?: number | undefined;
  /** When results are on disk. Default: the setting `DURABILITY`, else `"ordered"`. */
  readonly durability?: Durability | undefined;
  /**
   * Namespace of the cache entries that are read and written: a text, or a function that makes one from the root future; it
   * is called once per pipeline run, before the first lookup. Default: the setting `CACHE_NAMESPACE`, else `"default"`.
   */
  readonly cacheNamespace?: CacheNamespace | undefined;
  /**
   * What funcs with the option `cache` may do: `"on"` reads and writes, `"refresh"` executes and replaces what was stored,
   * `"readOnly"` only reads, `"off"` neither. Default: `"on"`.
   */
  readonly cache?: CacheMode | undefined;
  /**
   * Re-runs a recorded pipeline run from this run, with the code of now: it executes, with what is nested in it and what is
   * downstream of it or of a run around it; everything else is taken over. The future that the runner is given calls the
   * root's func: without arguments to use the recorded ones; to re-run from the root with others, with those. From
   * Sematic's `rerun_from`.
   */
  readonly rerunFrom?: string | undefined;
  /** `"from"` (default) or `"continue"`, which executes only what did not succeed; then `rerunFrom` is a pipeline run. */
  readonly rerunMode?: RerunMode | undefined;
  /**
   * Goes on with this pipeline run, whose driver has ended before it did: under the same ids, without executing again what
   * has ended. The future calls the root's func without arguments.
   */
  readonly resume?: string | undefined;
  /** Cancels the pipeline runs of this runner when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Hears everything that happens while it happens. If it throws, a warning says so and it hears no more. */
  readonly onEvent?: ((event: RunnerEvent) => void) | undefined;
  /** Whether what bodies print also goes to the process's own stdout and stderr. It is recorded anyway. Default: true. */
  readonly forwardOutput?: boolean | undefined;
  /** Whether SIGINT and SIGTERM cancel the pipeline runs. Default: true. */
  readonly handleSignals?: boolean | undefined;
}

const knownOptions = [
  "home",
  "concurrency",
  "maxParallelism",
  "infrastructureRetries",
  "durability",
  "cacheNamespace",
  "cache",
  "rerunFrom",
  "rerunMode",
  "resume",
  "signal",
  "onEvent",
  "forwardOutput",
  "handleSignals",
];

/** Validates the options of a local runner. @throws RepriseError `INVALID_OPTION`. */
export function checkLocalOptions(options: LocalRunnerOptions): void {
  checkOptions(options, knownOptions, "LocalRunner");
  const { durability = "ordered" } = options;
  if (durability !== "ordered" && durability !== "step") {
    throw new RepriseError(
      "INVALID_OPTION",
      `LocalRunner: durability must be "ordered" or "step", not ${JSON.stringify(durability)}.`,
    );
  }
  const { concurrency, maxParallelism, infrastructureRetries = 0 } = options;
  if (concurrency !== undefined) checkConcurrency(concurrency);
  if (maxParallelism !== undefined) checkConcurrency(maxParallelism, "maxParallelism");
  if (!Number.isInteger(infrastructureRetries) || infrastructureRetries < 0) {
    throw new RepriseError(
      "INVALID_OPTION",
      `LocalRunner: infrastructureRetries must be a whole number from 0, not ${String(infrastructureRetries)}.`,
    );
  }
  if (options.cacheNamespace !== undefined) checkNamespace(options.cacheNamespace, "LocalRunner");
  checkReplay(options);
  if (options.cache !== undefined) checkCacheMode(options.cache, "LocalRunner");
}

function checkReplay({ rerunFrom, rerunMode, resume }: LocalRunnerOptions): void {
  for (const [name, id] of Object.entries({ rerunFrom, resume })) {
    if (id !== undefined && typeof id !== "string")
      throw new RepriseError("INVALID_OPTION", `LocalRunner: ${name} must be the id of a run, not ${typeof id}.`);
  }
  if (rerunMode !== undefined && rerunMode !== "from" && rerunMode !== "continue") {
    throw new RepriseError(
      "INVALID_OPTION",
      `LocalRunner: rerunMode must be "from" or "continue", not ${JSON.stringify(rerunMode)}.`,
    );
  }
  if (rerunMode !== undefined && rerunFrom === undefined)
    throw new RepriseError("INVALID_OPTION", "LocalRunner: rerunMode says how to re-run; give rerunFrom, too.");
  if (resume !== undefined && rerunFrom !== undefined) {
    throw new RepriseError(
      "INVALID_OPTION",
      "LocalRunner: give rerunFrom, which makes a new pipeline run, or resume, which goes on with one, not both.",
    );
  }
}

/** Options in which what was not given has come from the settings of the home, or is the default. */
export interface SettledOptions extends LocalRunnerOptions {
  readonly concurrency: number;
  readonly maxParallelism: number;
  readonly infrastructureRetries: number;
  readonly durability: Durability;
  readonly cacheNamespace: CacheNamespace;
}

/** Options with what was not given, of the settings of the home. */
export async function withSettings(options: LocalRunnerOptions, { settings }: Home): Promise<SettledOptions> {
  const [concurrency, parallelism, durability, namespace] = await Promise.all([
    settings.get("CONCURRENCY"),
    settings.get("MAX_PARALLELISM"),
    settings.get("DURABILITY"),
    settings.get("CACHE_NAMESPACE"),
  ]);
  return {
    ...options,
    concurrency: options.concurrency ?? Number(concurrency ?? defaultConcurrency),
    maxParallelism: options.maxParallelism ?? Number(parallelism ?? availableParallelism()),
    infrastructureRetries: options.infrastructureRetries ?? defaultInfrastructureRetries,
    durability: options.durability ?? (durability === "step" ? "step" : "ordered"),
    cacheNamespace: options.cacheNamespace ?? namespace ?? defaultNamespace,
  };
}
