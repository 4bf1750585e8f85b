import type { RerunOrigin } from "@reprise/core";
import type { Home } from "@reprise/store";
import type { Call } from "./call.ts";
import type { Future } from "./future-types.ts";
import { LocalPipelineRun } from "./local-pipeline-run.ts";
import { checkLocalOptions, type LocalRunnerOptions, withSettings } from "./local-runner-options.ts";
import type { Recording } from "./rerun/open-recording.ts";
import { Runner, type RunHandle } from "./runner.ts";
import { endIdleWorkers } from "./workers/local-lanes.ts";
import type { WireProgram } from "./workers/protocol.ts";

/**
 * Executes graphs in this process and records everything in the embedded store: runs, inputs, outputs, logs, failures.
 * Bodies execute concurrently. A runner may run many futures, also at once. From Sematic's `LocalRunner`.
 *
 * @example
 * ```ts
 * import { func, LocalRunner } from "reprise";
 *
 * const hello = func("hello", (name: string) => `Hello, ${name}!`);
 * console.log(await new LocalRunner().run(hello("world")));
 * ```
 */
export class LocalRunner extends Runner implements AsyncDisposable {
  readonly #options: LocalRunnerOptions;
  readonly #active = new Set<Promise<unknown>>();
  #home: Promise<Home> | undefined = undefined;

  constructor(options: LocalRunnerOptions = {}) {
    super();
    checkLocalOptions(options);
    this.#options = options;
  }

  override async submit<T>(future: Future<T>): Promise<RunHandle<T>> {
    const root = this.claim(future);
    let result: Promise<T>;
    let run: LocalPipelineRun;
    try {
      const home = await this.#open();
      const settled = await withSettings(this.#options, home);
      // Last, as it may take a pipeline run over, which nobody else can go on with then.
      const recording = await this.#recordingFor(root, home);
      run = new LocalPipelineRun(root, future, home, {
        ...settled,
        recording,
        program: this.workerProgram(root.definition.place?.file),
        keepCode: () => this.keepCode(home, root.definition.place?.file),
      });
      result = run.execute() as Promise<T>;
    } finally {
      this.giveBack(root);
    }
    this.#active.add(result);
    result.catch(() => undefined).finally(() => this.#active.delete(result));
    return {
      id: root.id,
      result: () => result,
      cancel: async (reason = "canceled by the caller") => {
        const canceled = run.cancel(reason);
        await result.catch(() => undefined);
        return canceled;
      },
      [Symbol.asyncDispose]: async () => {
        run.cancel("the handle was disposed");
        await result.catch(() => undefined);
      },
    };
  }

  /** Opens the store. A runner that keeps it elsewhere, or in another way, overrides this. */
  protected openHome(): Promise<Home> {
    return openStore(this.#options.home);
  }

  /**
   * Keeps the program of a pipeline run, so that it can be run again when its files have changed; gives the digest that is
   * recorded, or null if it is not to be kept. A runner whose program was kept before overrides this.
   *
   * @param entry the file of the root func, if it is known.
   */
  protected async keepCode(home: Home, entry: string | undefined): Promise<string | null> {
    if (entry === undefined) return null;
    const { keepProgram, keepsProgram } = await import("./code-version/keep-program.ts");
    return (await keepsProgram(home, entry)) ? (await keepProgram(home, entry)).digest : null;
  }

  /** Whether re-runs execute the code that was kept with the original; a runner that does overrides this. */
  protected codeOrigin(): RerunOrigin["code"] {
    return "current";
  }

  /**
   * Where workers take the funcs from: the file of the root func, loaded in the way that this process was started. A runner
   * whose program was kept before overrides this.
   *
   * @param entry the file of the root func, if it is known.
   */
  protected workerProgram(entry: string | undefined): WireProgram {
    return { kind: "files", files: entry === undefined ? [] : [entry] };
  }

  async #recordingFor(root: Call, home: Home): Promise<Recording | undefined> {
    const { rerunFrom, rerunMode = "from", resume } = this.#options;
    if (rerunFrom === undefined && resume === undefined) return undefined;
    const { openRerun, openResume } = await import("./rerun/open-recording.ts");
    if (resume !== undefined) return openResume(home, root, resume);
    return openRerun(home, root, { from: rerunFrom as string, mode: rerunMode, code: this.codeOrigin() });
  }

  /** Waits for what is running, ends worker processes that have nothing to do, and closes the store. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#active);
    const home = await this.#home;
    this.#home = undefined;
    if (home === undefined) return;
    await endIdleWorkers(home);
    await home[Symbol.asyncDispose]();
  }

  /** The store is opened when it is first needed; a failure is not remembered, so that a later run may succeed. */
  #open(): Promise<Home> {
    this.#home ??= this.openHome().catch((error: unknown) => {
      this.#home = undefined;
      throw error;
    });
    return this.#home;
  }
}

async function openStore(path: string | undefined): Promise<Home> {
  const { openHome } = await import("@reprise/store");
  return openHome(path === undefined ? {} : { path });
}
