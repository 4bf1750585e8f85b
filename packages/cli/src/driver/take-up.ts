import { RepriseError } from "@reprise/core";
import {
  callOf,
  definedFuncs,
  type FuncDefinition,
  type Future,
  holdRuns,
  LocalRunner,
  type LocalRunnerOptions,
  mapOf,
  type RunHandle,
} from "@reprise/runner";
import { type Home, openHomeForReading } from "@reprise/store";
import type { AgainMessage } from "../run/messages.ts";
import { didYouMean } from "../suggest.ts";
import { loadProgram } from "./load-program.ts";

/** A recorded pipeline run that is about to execute again, or to go on. */
export interface TakenUp {
  readonly runner: LocalRunner;
  readonly begin: () => Promise<RunHandle<unknown>>;
}

/**
 * Loads the program of a recorded pipeline run, and makes ready what the message asks for. Nothing else is executed in this
 * process from now on: a program that starts a runner by itself must not do that here, also not a while after it was loaded.
 *
 * Rejects with `CODE_NOT_KEPT` if the kept program is gone or damaged; `FUNC_NOT_FOUND` if the program has no such root;
 * `USAGE` if the file cannot be loaded; and as `changedInput`.
 */
export async function takeUp(message: AgainMessage, options: LocalRunnerOptions): Promise<TakenUp> {
  const { mode, runId, kept } = message;
  const hold = (): (() => void) => holdRuns("a recorded pipeline run is taken up", () => undefined);
  const release = hold();
  await loadProgram(message);
  const definition = rootFunc(message);
  const call = await callRoot(message, definition);
  const again: LocalRunnerOptions =
    mode === "resume" ? { ...options, resume: runId } : { ...options, rerunFrom: runId, rerunMode: mode };
  const runner = kept === null ? new LocalRunner(again) : new KeptCodeRunner(again, kept);
  return {
    runner,
    begin: () => {
      release();
      const handle = runner.submit(call());
      hold();
      return handle;
    },
  };
}

function rootFunc({ file, funcId }: AgainMessage): FuncDefinition {
  const defined = definedFuncs();
  const definition = defined.get(funcId);
  if (definition !== undefined) return definition;
  throw new RepriseError(
    "FUNC_NOT_FOUND",
    `${file} and what it imports define no func "${funcId}", which is the root of the pipeline run.${didYouMean(funcId, defined.keys())} ` +
      "If it was renamed, give it its id again: func(id, …); if it is in another file, name it: --file FILE.",
  );
}

/** The call of the root. Without arguments it stands for the recorded one; of a map that is known by its items alone. */
async function callRoot(message: AgainMessage, definition: FuncDefinition): Promise<() => Future<unknown>> {
  const { input, rootId, home } = message;
  if (input.length > 0) {
    const { changedInput } = await import("./changed-input.ts");
    const args = await changedInput(message, definition);
    return () => callOf(definition, args);
  }
  await using store = await openHomeForReading(home === null ? {} : { path: home });
  const root = await store.backend.getRun(rootId);
  if (root?.kind !== "map") return () => callOf(definition, []);
  const { recordedElements } = await import("./changed-input.ts");
  const elements = await recordedElements(store, root);
  return () => mapOf(definition, elements, root.options);
}

/** Executes a program that was kept: what it runs need not be kept again. */
class KeptCodeRunner extends LocalRunner {
  readonly #digest: string;

  constructor(options: LocalRunnerOptions, digest: string) {
    super(options);
    this.#digest = digest;
  }

  protected override async keepCode(home: Home): Promise<string | null> {
    // It stays as long as this pipeline run is new, though the one that it was kept for be removed.
    await home.code.touch(this.#digest);
    return this.#digest;
  }

  protected override workerProgram(): { readonly kind: "kept"; readonly digest: string } {
    return { kind: "kept", digest: this.#digest };
  }

  protected override codeOrigin(): "stored" | "current" {
    return "stored";
  }
}
