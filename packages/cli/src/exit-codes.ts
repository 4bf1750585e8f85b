import { RepriseError } from "@reprise/core";

/** What the exit code of `reprise` means; stable, and listed in `docs/reference/cli.md`. */
export const exitCodes = {
  ok: 0,
  /** The pipeline run failed or its driver process died; `doctor` found a problem. */
  failed: 1,
  /** The command line, the input or the pipeline's file is not right, or the run is not one to take up. Nothing ran. */
  usage: 2,
  /** The store could not be opened, read or written. */
  store: 3,
  /** No such run, artifact, setting or pool, or no program that was kept. */
  notFound: 4,
  /** Canceled, by Ctrl-C (SIGINT) or by somebody else. */
  canceled: 130,
  /** Canceled by SIGTERM. */
  terminated: 143,
} as const;

const usageCodes = new Set([
  "USAGE",
  "INPUT_INVALID",
  "INVALID_OPTION",
  "DUPLICATE_FUNC",
  "FUNC_DEFINITION",
  "DUPLICATE_TYPE",
  "FUTURE_MISUSE",
  "FUNC_NOT_FOUND",
  "RERUN_REFUSED",
  "RUN_FINISHED",
  "DRIVER_ALIVE",
]);
const notFoundCodes = new Set([
  "ACTOR_NOT_FOUND",
  "RUN_NOT_FOUND",
  "ARTIFACT_NOT_FOUND",
  "BLOB_NOT_FOUND",
  "SETTING_UNKNOWN",
  "CODE_NOT_KEPT",
]);

/** The exit code for an error that ended a command. */
export function exitCodeOf(error: unknown): number {
  if (!RepriseError.is(error)) return exitCodes.failed;
  if (usageCodes.has(error.code)) return exitCodes.usage;
  if (notFoundCodes.has(error.code)) return exitCodes.notFound;
  if (error.code.startsWith("STORE_") || error.code === "ARTIFACT_DAMAGED") return exitCodes.store;
  if (error.code === "RUN_CANCELED") return exitCodes.canceled;
  return exitCodes.failed;
}
