/** Types of futures: values that a run will produce later. */
import type { CallOptions } from "./call-options.ts";

declare const futureBrand: unique symbol;

/** One step of a path inside a value: a property or an index. */
export type PathStep = string | number;

/**
 * What every future has, whatever it stands for. Its own members start with `$`, to keep them apart from the fields of
 * the value it stands for.
 *
 * Not a thenable on purpose: an `async` body must be able to return a future without the language awaiting it, or the
 * edge from parent to child would be lost. From Sematic's futures.
 */
export interface Future<out T> {
  readonly [futureBrand]: T;
  /** Id of the run that will produce the value. */
  readonly $id: string;
  /**
   * Waits for the value, inside a body. While a body waits here it holds no execution slot.
   *
   * @throws RunFailedError if the run fails; `NOT_IN_FUNC` outside a body; the signal's reason if it is aborted.
   */
  $value(options?: { readonly signal?: AbortSignal | undefined }): Promise<T>;
  /**
   * Changes this one call, before it starts (on the tick of the call). Unknown and invalid fields throw at once.
   *
   * @example
   * ```ts
   * const model = train({ data }).$set({ name: "train on full data", tags: ["nightly"], timeout: "2h" });
   * ```
   */
  $set(options: CallOptions): this;
  /** Starts this call only when the others have succeeded, without data from them. A cycle throws at once. */
  $after(...others: readonly Future<unknown>[]): this;
}

/** A value of type `T` that a run will produce, with futures of its parts as properties. */
export type Pending<T> = Future<T> & FutureParts<T> & FuturePart<T>;

/** Access to a part by a computed key. */
export interface FuturePart<T> {
  /** The part at `key`: for computed keys, and for fields whose names begin with `$`. A part costs no run. */
  $get<K extends keyof T>(key: K): Pending<T[K]>;
}

type IsAny<T> = 0 extends 1 & T ? true : false;

type IsNever<T> = [T] extends [never] ? true : false;

/** Values no one looks inside of: passed whole or not at all. */
type Opaque =
  | string
  | number
  | boolean
  | bigint
  | symbol
  | null
  | undefined
  | Date
  | RegExp
  | Error
  | URL
  | Promise<unknown>
  | (WeakKey & { readonly [Symbol.toStringTag]: string })
  | ((...args: never[]) => unknown)
  | (abstract new (...args: never[]) => unknown);

/** True of types with a method: class instances, not plain data. */
type HasMethod<T> = true extends {
  [K in keyof T]-?: T[K] extends (...args: never[]) => unknown ? true : never;
}[keyof T]
  ? true
  : false;

type IsPlain<T> = T extends Opaque
  ? false
  : T extends readonly unknown[]
    ? false
    : T extends object
      ? HasMethod<T> extends true
        ? false
        : true
      : false;

type IsTuple<T extends readonly unknown[]> = number extends T["length"] ? false : true;

/** Futures of the parts of `T`: fields of plain objects, elements of arrays and tuples. */
export type FutureParts<T> =
  // Of a body that always throws, too, the call gives a future.
  true extends IsAny<T> | IsNever<T>
    ? unknown
    : [T] extends [readonly unknown[]]
      ? IsTuple<T> extends true
        ? { readonly [K in keyof T]: Pending<T[K]> } & NoArrayMethods
        : { readonly [index: number]: Pending<T[number]> }
      : true extends IsPlain<T>
        ? [false] extends [IsPlain<T>]
          ? unknown
          : { readonly [K in keyof T & string]-?: Pending<T[K] | (undefined extends T[K] ? undefined : never)> }
        : unknown;

/** A tuple's type brings the methods of arrays along; its future has none of them. */
type NoArrayMethods = { readonly [K in Exclude<keyof (readonly unknown[]) & string, "length" | number>]: never };

/** What a parameter of type `T` accepts: `T`, a future of it, or data of its shape with futures inside. */
export type Lift<T> = IsAny<T> extends true ? T : Future<T> | LiftParts<T>;

/** Widens `T` itself, so that a mistake deep in an object is reported where it is. */
type LiftParts<T> =
  T extends ReadonlyMap<infer K, infer V>
    ? T | ReadonlyMap<K, Lift<V>>
    : T extends ReadonlySet<infer V>
      ? T | ReadonlySet<Lift<V>>
      : T extends Opaque
        ? T
        : T extends readonly (infer E)[]
          ? IsTuple<T> extends true
            ? { [K in keyof T]: Lift<T[K]> }
            : readonly Lift<E>[]
          : T extends object
            ? HasMethod<T> extends true
              ? T
              : { [K in keyof T]: Lift<T[K]> }
            : T;

/** The parameters of a call: each as {@link Lift} widens it. */
export type LiftArgs<A extends readonly unknown[]> = { [K in keyof A]: Lift<A[K]> };

type HasPending<T, Depth extends unknown[] = []> = Depth["length"] extends 6
  ? false
  : IsAny<T> extends true
    ? false
    : T extends Future<unknown>
      ? true
      : T extends ReadonlyMap<unknown, infer V>
        ? HasPending<V, [...Depth, 0]>
        : T extends ReadonlySet<infer V>
          ? HasPending<V, [...Depth, 0]>
          : T extends Opaque
            ? false
            : T extends readonly (infer E)[]
              ? HasPending<E, [...Depth, 0]>
              : T extends object
                ? HasMethod<T> extends true
                  ? false
                  : { [K in keyof T]-?: HasPending<T[K], [...Depth, 0]> }[keyof T]
                : false;

/** What a body's return type comes to once every future in it has its value. */
export type Settle<T> =
  IsAny<T> extends true
    ? T
    : T extends Future<infer U>
      ? Settle<U>
      : true extends HasPending<T>
        ? T extends ReadonlyMap<infer K, infer V>
          ? Map<K, Settle<V>>
          : T extends ReadonlySet<infer V>
            ? Set<Settle<V>>
            : T extends readonly unknown[]
              ? { -readonly [K in keyof T]: Settle<T[K]> }
              : T extends object
                ? { -readonly [K in keyof T]: Settle<T[K]> }
                : T
        : T;
