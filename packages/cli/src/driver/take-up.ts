import { RepriseError } from "@reprise/core";
import { callOf, definedFuncs, type Future, LocalRunner, type LocalRunnerOptions } from "@reprise/runner";
import type { AgainMessage } from "../run/messages.ts";
import { didYouMean } from "../suggest.ts";
import { loadRecordedProgram } from "./load-program.ts";

/** A recorded pipeline run that is about to execute again, or to go on. */
export interface TakenUp {
  readonly runner: LocalRunner;
  readonly future: Future<unknown>;
}

/**
 * Loads the program of a recorded pipeline run, and makes ready what the message asks for.
 *
 * Rejects with `CODE_NOT_KEPT` if the kept program is gone or damaged; `FUNC_NOT_FOUND` if the program has no such root;
 * `USAGE` if the file cannot be loaded; and as {@link changedInput}.
 */
export async function takeUp(message: AgainMessage, options: LocalRunnerOptions): Promise<TakenUp> {
  const { mode, runId, funcId, kept, file, input } = message;
  await loadRecordedProgram(message);
  const defined = definedFuncs();
  const definition = defined.get(funcId);
  if (definition === undefined) {
    throw new RepriseError(
      "FUNC_NOT_FOUND",
      `${file} and what it imports define no func "${funcId}", which is the root of the pipeline run.${didYouMean(funcId, defined.keys())} ` +
        "If it was renamed, give it its id again: func(id, …); if it is in another file, name it: --file FILE.",
    );
  }
  const args =
    input.length === 0 ? [] : await import("./changed-input.ts").then((m) => m.changedInput(message, definition));
  const again: LocalRunnerOptions =
    mode === "resume" ? { ...options, resume: runId } : { ...options, rerunFrom: runId, rerunMode: mode };
  return {
    runner: kept === null ? new LocalRunner(again) : new KeptCodeRunner(again, kept),
    future: callOf(definition, args),
  };
}

/** Executes a program that was kept: what it runs need not be kept again. */
class KeptCodeRunner extends LocalRunner {
  readonly #digest: string;

  constructor(options: LocalRunnerOptions, digest: string) {
    super(options);
    this.#digest = digest;
  }

  protected override keepCode(): Promise<string | null> {
    return Promise.resolve(this.#digest);
  }

  protected override codeOrigin(): "stored" | "current" {
    return "stored";
  }
}
