/**
 * Does the work for each item, some at a time, and gives the results in the order of the items. No more than `parallel`
 * results wait to be taken. When one fails, or the caller stops, nothing new is begun, and what was begun is awaited.
 */
export async function* inOrder<T, R>(
  items: Iterable<T>,
  parallel: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const iterator = items[Symbol.iterator]();
  const begun: Promise<R>[] = [];
  const begin = (): void => {
    const next = iterator.next();
    if (next.done === true) return;
    const promise = work(next.value);
    // Whoever awaits it hears of its failure; until then it is no unhandled rejection.
    promise.catch(() => {});
    begun.push(promise);
  };
  try {
    while (begun.length < parallel) {
      const before = begun.length;
      begin();
      if (begun.length === before) break;
    }
    for (let first = begun.shift(); first !== undefined; first = begun.shift()) {
      const result = await first;
      begin();
      yield result;
    }
  } finally {
    await Promise.allSettled(begun);
  }
}
