import { RepriseError } from "@reprise/core";
import type { Call } from "./call.ts";
import { currentBody } from "./context.ts";
import { futureOf } from "./future.ts";
import type { Future } from "./future-types.ts";

/** A pipeline run that was submitted. */
export interface RunHandle<T> extends AsyncDisposable {
  /** Id of the pipeline run: that of its root run. */
  readonly id: string;
  /** The value of the root. Rejects with `PipelineRunError`. */
  result(): Promise<T>;
  /** Cancels everything that has not finished; false if the pipeline run had ended. Resolves when that is recorded. */
  cancel(reason?: string): Promise<boolean>;
}

/** Root calls that some runner is about to submit. */
const claimed = new WeakSet<Call>();

/** Why runners execute nothing now. */
interface Refusal {
  readonly why: string;
  /** Told of each runner that is given a future; then whoever waits for its result waits for ever. */
  readonly met?: () => void;
}

// Every copy of the library in the process has to know it.
const refusalKey = Symbol.for("reprise.refusal");
const shared = globalThis as { [refusalKey]?: Refusal | undefined };

/**
 * From now on nothing is executed in this process: runners refuse every future. For tools that load programs to look at
 * them, since a program may start runners while it is loaded. The function that it gives ends that.
 *
 * @param why stands in the error, e.g. `reprise plan executes nothing`.
 */
export function refuseRuns(why: string): () => void {
  return refuse({ why });
}

/**
 * From now on nothing is executed in this process, and whoever waits for the result of a runner waits for ever: what a
 * program does when its pipeline run has ended, as to exit, is not done. The function that it gives ends that for later
 * runs.
 *
 * @param why stands in the error of what cannot wait.
 * @param met told of each run that is not executed.
 */
export function holdRuns(why: string, met: () => void): () => void {
  return refuse({ why, met });
}

function refuse(refusal: Refusal): () => void {
  const before = shared[refusalKey];
  shared[refusalKey] = refusal;
  return () => {
    if (shared[refusalKey] === refusal) shared[refusalKey] = before;
  };
}

/** Executes graphs of runs. From Sematic's runners. */
export abstract class Runner {
  /**
   * Executes a root future and gives its value.
   *
   * @throws PipelineRunError if it fails or is canceled; its cause is a `RunFailedError`, whose cause is the user's own error.
   */
  async run<T>(future: Future<T>): Promise<T> {
    // Inside a body a runner is an error, wherever the body executes.
    const held = currentBody() === undefined ? shared[refusalKey]?.met : undefined;
    if (held !== undefined) {
      held();
      return new Promise(() => undefined);
    }
    const handle = await this.submit(future);
    return handle.result();
  }

  /** Starts a root future and gives a handle at once. */
  abstract submit<T>(future: Future<T>): Promise<RunHandle<T>>;

  /**
   * Takes a future for one pipeline run, as {@link rootOf}; until it was submitted or given back, nobody else gets it.
   */
  protected claim(future: unknown): Call {
    const call = this.rootOf(future);
    claimed.add(call);
    return call;
  }

  /** Gives back what could not be submitted; without effect for what was. */
  protected giveBack(call: Call): void {
    claimed.delete(call);
  }

  /** The root call behind a future. @throws RepriseError `FUTURE_MISUSE` with what to do instead. */
  protected rootOf(future: unknown): Call {
    const body = currentBody();
    const refusal = body === undefined ? shared[refusalKey] : undefined;
    if (refusal !== undefined) {
      refusal.met?.();
      throw new RepriseError(
        "FUTURE_MISUSE",
        `${refusal.why}, but a runner was started while the file was loaded. Start it in a file of its own that imports this one.`,
      );
    }
    const part = futureOf(future);
    if (part === undefined) {
      const got =
        typeof future === "function"
          ? "a function: call it first, as in run(pipeline(input))"
          : future === undefined || future === null
            ? String(future)
            : `a value of type ${typeof future}`;
      throw new RepriseError("FUTURE_MISUSE", `A runner takes the future that calling a func gives, not ${got}.`);
    }
    if (body !== undefined) {
      throw new RepriseError(
        "FUTURE_MISUSE",
        `A runner was used inside the body of ${body.call.place}. Inside a body, call the func and return its future, or await future.$value().`,
      );
    }
    const { call, path } = part;
    if (path.length > 0) {
      throw new RepriseError(
        "FUTURE_MISUSE",
        `A runner takes the future of a whole call of func "${call.definition.id}", not a part of it.`,
      );
    }
    if (call.parent !== null) {
      throw new RepriseError(
        "FUTURE_MISUSE",
        `${call.place} was made inside a body: only futures made outside can be given to a runner.`,
      );
    }
    if (call.submitted || claimed.has(call)) {
      throw new RepriseError(
        "FUTURE_MISUSE",
        `${call.place} was given to a runner before. Call the func again for another pipeline run.`,
      );
    }
    return call;
  }
}

/** How many bodies may execute at once unless somebody says otherwise. */
export const defaultConcurrency = 64;

/** Validates how many bodies may execute at once. @throws RepriseError `INVALID_OPTION`. */
export function checkConcurrency(concurrency: unknown, name = "concurrency"): number {
  if (typeof concurrency === "number" && Number.isInteger(concurrency) && concurrency > 0) return concurrency;
  throw new RepriseError(
    "INVALID_OPTION",
    `${name} must be a whole number above 0, not ${typeof concurrency === "number" ? concurrency : JSON.stringify(concurrency)}.`,
  );
}

/** Refuses options that a runner does not know. */
export function checkOptions(options: object, known: readonly string[], runner: string): void {
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw new RepriseError("INVALID_OPTION", `${runner}: unknown option "${key}"; known: ${known.join(", ")}.`);
    }
  }
}
