import { toFailure } from "@reprise/core";
import type { KeyArgument } from "./cache/key-maker.ts";
import { type Call, type Composite, none } from "./call.ts";
import { argumentLabel, type FuncDefinition } from "./func-definition.ts";
import { chain, chainAll, type MaybePromise } from "./maybe-promise.ts";
import { checkFuture } from "./misuse.ts";
import { RunFailure } from "./run-failure.ts";
import { validate } from "./schema.ts";
import { extractFutures, fillSlots, partOf, type Template, type TemplatePart } from "./template.ts";
import type { Tracker } from "./tracker.ts";
import type { Stored, Values } from "./values.ts";
import type { WireArgument, WireArtifact } from "./workers/protocol.ts";

/**
 * Takes values from run to run: snapshots of arguments and results with the futures taken out, and values put together
 * and validated where they are needed.
 */
export class ValueFlow {
  readonly #values: Values;
  readonly #tracker: Tracker | undefined;

  constructor(values: Values, tracker: Tracker | undefined) {
    this.#values = values;
    this.#tracker = tracker;
  }

  /** Replaces the arguments of a call, as they were given, by a snapshot with the futures taken out. */
  takeArguments(call: Call): void {
    const { given, definition } = call;
    if (call.map?.calls !== undefined) {
      for (const element of call.map.calls) this.takeArguments(element);
      call.given = undefined;
      return;
    }
    if (given === undefined || this.#passes(given, definition)) return;
    call.args = given.map((value, at) => {
      const what = argumentLabel(definition, at);
      const template = extractFutures(value, what);
      if (template === undefined) return { stored: this.#values.capture(value, what), parts: none };
      return this.store(template, what, (future) => checkFuture(call, future));
    });
    // Only now: a root that was refused must be refused again.
    call.given = undefined;
  }

  /**
   * Keeps a value whose futures were taken out.
   *
   * @param check is called for every future and throws for one that must not be there.
   */
  store(template: Template, what: string, check: (future: Call) => void): Composite {
    for (const part of template.parts) check(part.call);
    const stored = template.isWhole ? undefined : this.#values.capture(template.value, what);
    return { stored, parts: template.parts };
  }

  /** The arguments of an attempt: own copies, put together and validated. */
  inputs(call: Call): MaybePromise<unknown[]> {
    const { input } = call.definition;
    const args = call.given?.slice() ?? chainAll(call.args, (arg, at) => this.#argument(call, arg, at));
    if (input === undefined) return args;
    return chain(args, ([value]) => chain(validate(input, value, "input", call.place), (valid) => [valid]));
  }

  /** The arguments of an attempt for a worker, which puts them together and validates them. */
  told(call: Call): MaybePromise<WireArgument[]> {
    const told = (stored: Stored): MaybePromise<WireArtifact> => this.#values.told(stored);
    return chainAll(call.args, ({ stored, parts }) =>
      chain(stored === undefined ? null : told(stored), (whole) =>
        chain(
          chainAll(parts, (part) => told(part.call.output as Stored)),
          (artifacts): WireArgument => ({
            stored: whole,
            parts: parts.map(({ path }, at) => ({ artifact: artifacts[at] as WireArtifact, path })),
          }),
        ),
      ),
    );
  }

  /** The arguments of a call as they take part in its cache key: validated, where there is a schema. */
  keyArguments(call: Call): MaybePromise<KeyArgument[]> {
    if (call.definition.input !== undefined) {
      return chain(this.inputs(call), (args) => args.map((value) => ({ digest: undefined, value: () => value })));
    }
    return call.args.map((arg, at) => ({
      digest: this.#digestOf(arg),
      value: () => this.#argument(call, arg, at),
    }));
  }

  /** The digests of a call's arguments, as a body would get them before they are validated. */
  argumentDigests(call: Call): MaybePromise<string[]> {
    return chainAll(call.args, (arg, at) => {
      const digest = this.#digestOf(arg);
      if (digest !== undefined) return digest;
      const what = argumentLabel(call.definition, at);
      return chain(this.#compose(arg), (value) => {
        const whole = this.#values.capture(value, what);
        // A body that is answered gets nothing, but who looks for the call later goes by what it would have got.
        this.#tracker?.input(call, at, whole);
        return this.#values.digestOf(whole);
      });
    }) as MaybePromise<string[]>;
  }

  /** The result of a body, or of what it was put together from: validated and stored. */
  output(call: Call, value: unknown): MaybePromise<Stored> {
    const { output } = call.definition;
    const what = call.definition.labels.output;
    if (output === undefined) return this.#values.capture(value, what);
    return chain(validate(output, value, "output", call.place), (valid) => this.#values.capture(valid, what));
  }

  /** The result of a run in RAN, put together from the values of its parts. */
  assembled(call: Call, parts: readonly TemplatePart[]): MaybePromise<Stored> {
    if (call.map !== undefined) {
      return chain(this.#partValues(parts), (values) => this.output(call, values));
    }
    const result = call.result as Composite;
    const [only] = parts;
    if (result.stored === undefined && only?.path.length === 0 && call.definition.output === undefined) {
      return only.call.output as Stored;
    }
    return chain(this.#compose(result), (value) => this.output(call, value));
  }

  /** A part of a run's value, as an own copy. */
  part(call: Call, path: TemplatePart["path"]): unknown {
    const value = this.#values.restore(call.output as Stored);
    return path.length === 0 ? value : chain(value, (whole) => partOf(whole, path, `The value of ${call.place}`));
  }

  /** Whether arguments can go to the body as they were given: nobody copies or records them, and they hold no futures. */
  #passes(given: readonly unknown[], definition: FuncDefinition): boolean {
    if (!this.#values.shares) return false;
    return given.every((value, at) => extractFutures(value, argumentLabel(definition, at)) === undefined);
  }

  #digestOf({ stored, parts }: Composite): string | undefined {
    if (parts.length === 0) return this.#values.digestOf(stored as Stored);
    const [only] = parts;
    // The output of another run as it is.
    if (stored !== undefined || only === undefined || only.path.length > 0) return undefined;
    return only.call.state === "RESOLVED" ? this.#values.digestOf(only.call.output as Stored) : undefined;
  }

  #argument(call: Call, arg: Composite, at: number): unknown {
    const { stored, parts } = arg;
    if (parts.length === 0) return this.#values.restore(stored as Stored);
    const value = this.#compose(arg);
    // A whole future needs no artifact of its own: the edge names the run whose output it is.
    if (this.#tracker === undefined || (stored === undefined && parts[0]?.path.length === 0)) return value;
    return chain(value, (whole) => {
      this.#tracker?.input(call, at, this.#values.capture(whole, `argument ${at + 1} of func "${call.definition.id}"`));
      return whole;
    });
  }

  #compose({ stored, parts }: Composite): unknown {
    const values = this.#partValues(parts);
    if (stored === undefined) return chain(values, ([only]) => only);
    return chain(values, (found) => chain(this.#values.restore(stored), (whole) => fillSlots(whole, found)));
  }

  /** The values of parts, each an own copy. */
  #partValues(parts: readonly TemplatePart[]): MaybePromise<unknown[]> {
    const outputs = parts.flatMap(({ call }) => (call.state === "RESOLVED" ? [call.output as Stored] : []));
    return chain(this.#values.restoreAll(outputs), (values) => {
      let next = 0;
      return parts.map(({ call, path }) => {
        if (call.state === "RESOLVED") return partOf(values[next++], path, `The value of ${call.place}`);
        // Only a map puts a result together from elements that failed: those it tolerated.
        return new RunFailure(call.id, call.definition.id, call.origin?.failure ?? toFailure(new Error(call.reason)));
      });
    });
  }
}
