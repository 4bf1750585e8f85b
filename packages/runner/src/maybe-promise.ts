/**
 * Steps that are usually synchronous and sometimes not. Going through a promise where none is needed would cost each run
 * several turns of the microtask queue.
 */

/** A value, or a promise of it. */
export type MaybePromise<T> = T | Promise<T>;

/** Whether a value is a promise or like one. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/** Goes on with a value: at once, or when it is there. */
export function chain<T, R>(
  value: T | Promise<T>,
  next: (value: T) => R | Promise<R>,
  failed?: (error: unknown) => R | Promise<R>,
): R | Promise<R> {
  if (!isThenable(value)) return next(value);
  return failed === undefined ? goOn(value, next) : goOn(value, next).catch((error: unknown) => failed(error));
}

async function goOn<T, R>(value: PromiseLike<T>, next: (value: T) => R | Promise<R>): Promise<R> {
  return next(await value);
}

/** Maps a list; a promise only if one of the results is a promise. */
export function chainAll<T, R>(items: readonly T[], map: (item: T, at: number) => R | Promise<R>): R[] | Promise<R[]> {
  let waits = false;
  const results = items.map((item, at) => {
    const result = map(item, at);
    waits ||= isThenable(result);
    return result;
  });
  return waits ? Promise.all(results) : (results as R[]);
}
