/** Types of funcs: what callers pass and get, inferred from schemas or, without them, from the body. */
import type { Duration, RetryOptions } from "@reprise/core";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { CacheOptions } from "./cache-options.ts";
import type { RunContext } from "./context.ts";
import type { Lift, LiftArgs, Pending, Settle } from "./future-types.ts";
import type { MapOptions } from "./map.ts";
import type { Resources } from "./resources.ts";
import type { RunFailure } from "./run-failure.ts";

/** A function whose calls are tracked as runs and give futures. */
export interface Func<Args extends readonly unknown[], Out> {
  (...args: LiftArgs<Args>): Pending<Out>;
  /** Stable name, unique in the program. */
  readonly id: string;
  /**
   * Calls the func once per item, as one group of runs. The result has the order of the items, whatever ends first.
   * A func with several parameters takes each item as the tuple of its arguments.
   *
   * @example
   * ```ts
   * const scores = evaluate.map(models, { concurrency: 4 });
   * ```
   */
  map(items: Lift<readonly MapItem<Args>[]>): Pending<Out[]>;
  /** With `tolerate`, elements that failed come back as `RunFailure` in their places. */
  map<const O extends MapOptions>(
    items: Lift<readonly MapItem<Args>[]>,
    options: O,
  ): Pending<(O extends { readonly tolerate: number } ? Out | RunFailure : Out)[]>;
}

/** What one item of a map is: the argument of a func that has one, else the tuple of its arguments. */
export type MapItem<Args extends readonly unknown[]> = Required<Args>["length"] extends 1 ? Args[0] : Args;

// oxlint-disable-next-line typescript/no-explicit-any -- a bound that every schema meets; no value has this type
export type AnySchema = StandardSchemaV1<any, any>;

type IsExactly<X, Y> = (<G>() => G extends X ? 1 : 2) extends <G>() => G extends Y ? 1 : 2 ? true : false;

/** The arguments of a call: those of the body without a trailing context. */
export type WithoutContext<A extends readonly unknown[]> = A extends readonly [...infer Head, infer Last]
  ? IsExactly<Last, RunContext> extends true
    ? Head
    : A
  : A;

/** What the body is called with: the parsed input and the context, where there is a schema. */
export type BodyArgs<I> = I extends AnySchema
  ? [input: StandardSchemaV1.InferOutput<I>, context: RunContext]
  : readonly unknown[];

/** What the body may return: whatever it likes, unless a schema says otherwise. */
export type BodyReturn<O> = O extends AnySchema
  ? Lift<StandardSchemaV1.InferInput<O>> | Promise<Lift<StandardSchemaV1.InferInput<O>>>
  : unknown;

/** What a caller passes: values from before the schema's transforms. */
export type CallArgs<I, A extends readonly unknown[]> = I extends AnySchema
  ? undefined extends StandardSchemaV1.InferInput<I>
    ? [input?: StandardSchemaV1.InferInput<I>]
    : [input: StandardSchemaV1.InferInput<I>]
  : WithoutContext<A>;

/** What the future holds. */
export type CallResult<O, R> = O extends AnySchema ? StandardSchemaV1.InferOutput<O> : Settle<Awaited<R>>;

/** What funcs can be declared with wherever they execute. */
export interface CommonFuncOptions<I, O, A extends readonly unknown[], R> {
  /** Stable name, unique in the program. It identifies the func in the store. */
  readonly id: string;
  /** Name for people. Default: the id. */
  readonly name?: string | undefined;
  /** What the func does, for people. Default: the comment in front of it. */
  readonly description?: string | undefined;
  /** Schema of the one input (Standard Schema v1: zod, valibot, arktype …). Checked before the body runs. */
  readonly input?: I;
  /** Schema of the result. Checked before it is stored. */
  readonly output?: O;
  /** Whether and how results may be reused. Default: false. */
  readonly cache?:
    | boolean
    | (Omit<CacheOptions, "key"> & {
        /** Makes the value that stands for the arguments in the key; it gets them as the body does, but no context. */
        readonly key?: (
          ...args: I extends AnySchema ? [input: StandardSchemaV1.InferOutput<I>] : WithoutContext<A>
        ) => unknown;
      })
    | undefined;
  /** What to do when the body fails. Default: no retry. */
  readonly retry?: RetryOptions | undefined;
  /** Longest time from SCHEDULED to the end, with queueing and children. Default: none. */
  readonly timeout?: Duration | undefined;
  /** Tags of all runs of this func. */
  readonly tags?: readonly string[] | undefined;
  /** The body. */
  readonly run: (...args: A) => R;
}

/** Everything that a func can be declared with. */
export interface FuncOptions<I, O, A extends readonly unknown[], R> extends CommonFuncOptions<I, O, A, R> {
  /** Run in a process or pod of its own. Default: false. */
  readonly standalone?: boolean | undefined;
  /** What a standalone run asks of the machine. */
  readonly resources?: Resources | undefined;
}

/** Everything that a func of an actor can be declared with. Resources are those of its environment. */
export interface ActorFuncOptions<I, O, A extends readonly unknown[], R> extends CommonFuncOptions<I, O, A, R> {
  /**
   * Gives, of the arguments as the body gets them, a key by which calls that need the same things are known: a free replica
   * that has executed a call of the same key is preferred. No call waits for one. Default: any replica will do.
   */
  readonly affinity?:
    | ((...args: I extends AnySchema ? [input: StandardSchemaV1.InferOutput<I>] : WithoutContext<A>) => unknown)
    | undefined;
}
