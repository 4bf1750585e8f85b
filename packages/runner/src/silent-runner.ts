import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Call } from "./call.ts";
import { Engine } from "./engine.ts";
import { pipelineFailed } from "./failures.ts";
import type { Future } from "./future-types.ts";
import { checkConcurrency, checkOptions, defaultConcurrency, Runner, type RunHandle } from "./runner.ts";
import { sharedValues } from "./values.ts";

/** Options of {@link SilentRunner}. */
export interface SilentRunnerOptions {
  /** How many bodies may execute at once; one that waits for a value does not count. Default: 64. */
  readonly concurrency?: number | undefined;
  /** Cancels the pipeline run when it is aborted. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Executes graphs in memory: nothing is recorded, nothing is copied, nothing is reused. Retries, timeouts, cancellation
 * and concurrency work as everywhere. For tests and for funcs as plain code. From Sematic.
 *
 * @example
 * ```ts
 * const result = await new SilentRunner().run(pipeline({ path: "train.csv" }));
 * ```
 */
export class SilentRunner extends Runner {
  readonly #options: SilentRunnerOptions;
  readonly #concurrency: number;

  constructor(options: SilentRunnerOptions = {}) {
    super();
    checkOptions(options, ["concurrency", "signal"], "SilentRunner");
    this.#options = options;
    this.#concurrency = checkConcurrency(options.concurrency ?? defaultConcurrency);
  }

  override async submit<T>(future: Future<T>): Promise<RunHandle<T>> {
    const root = this.rootOf(future);
    const engine = new Engine(root, {
      concurrency: this.#concurrency,
      values: sharedValues,
      tracker: undefined,
      stepDurability: false,
      makeWorkdir: () => mkdtempSync(join(tmpdir(), "reprise-")),
    });
    const { signal } = this.#options;
    const cancel = (): void => void engine.cancel(abortReason(signal));
    signal?.addEventListener("abort", cancel, { once: true });
    engine.start();
    if (signal?.aborted === true) cancel();
    const result = finish<T>(engine, root).finally(() => signal?.removeEventListener("abort", cancel));
    result.catch(() => undefined);
    return {
      id: root.id,
      result: () => result,
      cancel: (reason = "canceled by the caller") => Promise.resolve(engine.cancel(reason)),
      [Symbol.asyncDispose]: async () => {
        engine.cancel("the handle was disposed");
        await result.catch(() => undefined);
      },
    };
  }
}

async function finish<T>(engine: Engine, root: Call): Promise<T> {
  await engine.ended;
  await engine.cleanUp();
  if (root.state !== "RESOLVED") throw pipelineFailed(root);
  return sharedValues.restore(root.output as NonNullable<Call["output"]>) as T;
}

/** Why a signal was aborted, in words. */
export function abortReason(signal: AbortSignal | undefined): string {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason.message : typeof reason === "string" ? reason : "the signal was aborted";
}
