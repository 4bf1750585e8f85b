import type { Edge, Run } from "@reprise/core";
import type { Home, PipelineRunSummary } from "@reprise/store";
import {
  context,
  type Func,
  type Future,
  LocalRunner,
  type LocalRunnerOptions,
  type RunnerEvent,
} from "../../index.ts";
import { homeOf, temporaryFolder } from "../../testing/temporary-home.ts";
import { verifyHome } from "../../testing/verify-home.ts";
import { checkRerun } from "./check-rerun.ts";

/** Bodies that have begun, in order: the name that each gave and its run. */
let begun: { readonly name: string; readonly run: string }[] = [];

/** Called by bodies as the first thing they do: counts an execution. */
export function executes(name = context().funcId): void {
  begun.push({ name, run: context().runId });
}

/** A pipeline run and all that is known of it. */
export interface Recorded<T = unknown> {
  readonly id: string;
  readonly value: T | undefined;
  /** What `run()` rejected with. */
  readonly error: unknown;
  readonly row: PipelineRunSummary;
  /** In order of creation. */
  readonly runs: readonly Run[];
  readonly edges: ReadonlyMap<string, readonly Edge[]>;
  /** How often the body of each func has executed, by the name that it gave to {@link executes}. */
  readonly executed: Readonly<Record<string, number>>;
  /** Runs whose bodies have executed. */
  readonly executedRuns: ReadonlySet<string>;
  readonly events: readonly RunnerEvent[];
}

/** What {@link Lab} runs: a future, which it may have to make again. */
export type Options = Omit<LocalRunnerOptions, "home" | "rerunFrom" | "rerunMode">;

/** A home in which pipelines are run and run again, and in which everything is looked at each time. */
export class Lab {
  readonly path: string;
  readonly home: Home;
  readonly #verifies: boolean;

  private constructor(path: string, home: Home, verifies: boolean) {
    this.path = path;
    this.home = home;
    this.#verifies = verifies;
  }

  /** A home of its own for one test. `verifies`: after each pipeline run (default), or when the test says so. */
  static async open({ verifies = true }: { readonly verifies?: boolean } = {}): Promise<Lab> {
    const path = temporaryFolder();
    return new Lab(path, await homeOf(path), verifies);
  }

  /** Runs a future to its end, whatever that is, and verifies the home. */
  run<T>(future: Future<T>, options: Options = {}): Promise<Recorded<T>> {
    return this.#run(future, options);
  }

  /** Re-runs from a run. Rejects with what keeps that from being done. */
  async rerun<T>(
    original: Recorded,
    target: Run | undefined,
    future: Future<T>,
    options: Options = {},
  ): Promise<Recorded<T>> {
    if (target === undefined) throw new Error("there is no such run");
    const again = await this.#run(future, { ...options, rerunFrom: target.id });
    await checkRerun(this.home, original, again, { runId: target.id, mode: "from" });
    return again;
  }

  /** Executes what did not succeed. */
  async continue<T>(original: Recorded, future: Future<T>, options: Options = {}): Promise<Recorded<T>> {
    const again = await this.#run(future, { ...options, rerunFrom: original.id, rerunMode: "continue" });
    await checkRerun(this.home, original, again, { runId: original.id, mode: "continue" });
    return again;
  }

  /** All that is recorded of a pipeline run. */
  async read(id: string): Promise<Pick<Recorded, "row" | "runs" | "edges">> {
    const { backend } = this.home;
    const row = await backend.getPipelineRun(id);
    if (row === undefined) throw new Error(`there is no pipeline run ${id}`);
    const runs = await backend.listRuns(id);
    const edges = await Promise.all(runs.map(async (run) => [run.id, await backend.edgesOf(run.id)] as const));
    return { row, runs, edges: new Map(edges) };
  }

  async #run<T>(future: Future<T>, options: LocalRunnerOptions): Promise<Recorded<T>> {
    const events: RunnerEvent[] = [];
    const onEvent = (event: RunnerEvent): void => void events.push(event);
    begun = [];
    await using runner = new LocalRunner({
      home: this.path,
      forwardOutput: false,
      handleSignals: false,
      onEvent,
      ...options,
    });
    const handle = await runner.submit(future);
    const { value, error } = await handle.result().then(
      (result) => ({ value: result, error: undefined }),
      (thrown: unknown) => ({ value: undefined, error: thrown }),
    );
    const executions = begun;
    if (this.#verifies) await verifyHome(this.home);
    const executed: Record<string, number> = {};
    for (const { name } of executions) executed[name] = (executed[name] ?? 0) + 1;
    const executedRuns = new Set(executions.map(({ run }) => run));
    const { id } = handle;
    return { id, value, error, ...(await this.read(id)), executed, executedRuns, events };
  }
}

/** A call without arguments, for which the recorded ones stand. */
export function again<Args extends readonly unknown[], Out>(func: Func<Args, Out>): Future<Out> {
  return (func as unknown as () => Future<Out>)();
}

/** The run of that name; `at` counts those of one name in order of creation. */
export function named({ runs }: Pick<Recorded, "runs">, name: string, at = 0): Run {
  const run = runs.filter((one) => one.name === name)[at];
  if (run === undefined) throw new Error(`there is no run ${name} ${at} among ${runs.map((one) => one.name).join()}`);
  return run;
}

/** Names of the runs that were taken over, in order of creation. */
export function taken({ runs }: Pick<Recorded, "runs">): string[] {
  return runs.filter(({ cache }) => cache.status === "CLONED").map(({ name }) => name);
}

/** Name and state of each run, in order of creation. */
export function states({ runs }: Pick<Recorded, "runs">): string[] {
  return runs.map(({ name, state }) => `${name} ${state}`);
}

/** The error of the body where a failure began. */
export function failureOf({ error }: Pick<Recorded, "error">): Error {
  let cause = error as Error | undefined;
  if (cause?.name !== "PipelineRunError") throw new Error(`the pipeline run gave no failure, but ${String(error)}`);
  while (cause?.name === "PipelineRunError" || cause?.name === "RunFailedError") cause = cause.cause as Error;
  return cause;
}
