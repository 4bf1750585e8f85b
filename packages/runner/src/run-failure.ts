import { type Failure, fromFailure, registerClass, shortId } from "@reprise/core";

/**
 * What stands in the result of a map for an element that failed and was tolerated.
 *
 * @example
 * ```ts
 * const results = await fetchPage.map(urls, { tolerate: 10 }).$value();
 * const failed = results.filter((result) => result instanceof RunFailure);
 * ```
 */
export class RunFailure {
  readonly runId: string;
  readonly funcId: string;
  readonly failure: Failure;

  constructor(runId: string, funcId: string, failure: Failure) {
    this.runId = runId;
    this.funcId = funcId;
    this.failure = failure;
  }

  /** What `console.log` and the command show: the message, without the stack that an array of failures would repeat. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    const [message = ""] = this.failure.message.split("\n", 1);
    return `RunFailure(${this.funcId}#${shortId(this.runId)}: ${this.failure.name}: ${message})`;
  }

  /** The failure as an error with name, message, stack and cause. */
  toError(): Error {
    return fromFailure(this.failure);
  }
}

registerClass(RunFailure, {
  name: "reprise.RunFailure",
  encode: ({ runId, funcId, failure }: RunFailure) => ({ runId, funcId, failure }),
  decode: ({ runId, funcId, failure }: { runId: string; funcId: string; failure: Failure }) =>
    new RunFailure(runId, funcId, failure),
});
