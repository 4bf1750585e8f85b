import type { TypeRegistry } from "./type-registry.ts";

interface Visit {
  readonly value: object;
  readonly children: Iterator<unknown>;
}

/**
 * Whether a value contains itself. Looked for only after the depth limit was hit, so that encoding need not remember
 * what it has passed. Every object is visited once, however often it is shared.
 */
export function hasCycle(root: unknown, registry: TypeRegistry): boolean {
  const onPath = new Set<object>();
  const done = new WeakSet<object>();
  const path: Visit[] = [];
  const enter = (value: unknown): boolean => {
    if (typeof value !== "object" || value === null || done.has(value)) return false;
    if (onPath.has(value)) return true;
    onPath.add(value);
    path.push({ value, children: childrenOf(value, registry) });
    return false;
  };
  if (enter(root)) return true;
  for (let visit = path.at(-1); visit !== undefined; visit = path.at(-1)) {
    const next = nextOf(visit.children);
    if (next === undefined) {
      onPath.delete(visit.value);
      done.add(visit.value);
      path.pop();
    } else if (enter(next.value)) return true;
  }
  return false;
}

function* childrenOf(value: object, registry: TypeRegistry): Generator {
  if (ArrayBuffer.isView(value)) return;
  if (value instanceof Map) yield* [...value].flat(1);
  else if (value instanceof Set) yield* value;
  else {
    const type = registry.find(value);
    if (type?.encode !== undefined) yield type.encode(value);
    else if (value instanceof Error) yield* [value.cause, (value as AggregateError).errors, ...Object.values(value)];
    else yield* Object.values(value);
  }
}

/** Getters and codecs of the user run here and may throw: what follows them cannot be seen and counts as no cycle. */
function nextOf(children: Iterator<unknown>): { readonly value: unknown } | undefined {
  try {
    const next = children.next();
    return next.done === true ? undefined : { value: next.value };
  } catch {
    return undefined;
  }
}
