import { encode, type Encoded, RepriseError } from "@reprise/core";

/** Whose value something is, for errors. */
interface Owner {
  readonly label: string;
}

// Shared by all copies of the library in one process, as the tables themselves are.
const liveKey = Symbol.for("reprise.liveValues");
const owners = ((globalThis as Record<symbol, unknown>)[liveKey] ??= new WeakMap()) as WeakMap<object, Owner>;

const mostVisited = 10_000;

/** How deep, and how far, plain containers are searched: what is live mostly lies on top, as in `{ model, tokenizer }`. */
const mostLevels = 2;
const mostParts = 64;

/** Remembers which cached function a value came from, with what is in it. */
export function rememberLive(value: object, owner: Owner, levels = mostLevels): void {
  owners.set(value, owner);
  if (levels === 0 || typeof value === "function") return;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return;
  const names = Array.isArray(value) ? value.slice(0, mostParts).keys() : Object.keys(value).slice(0, mostParts);
  for (const name of names) {
    // A getter is not asked: it may load what nobody needs yet.
    const part: unknown = Object.getOwnPropertyDescriptor(value, name)?.value;
    if (isObject(part) && !owners.has(part)) rememberLive(part, owner, levels - 1);
  }
}

/** The cached function that a value came from. */
export function ownerOfLive(value: unknown): Owner | undefined {
  return isObject(value) ? owners.get(value) : undefined;
}

/**
 * Encodes a value that leaves a body. If it cannot be stored because part of it came from a cached function, the error says
 * so.
 */
export function encodeLive(value: unknown, path: string): Encoded {
  try {
    return encode(value, { path });
  } catch (error) {
    throw explain(error, value);
  }
}

function explain(error: unknown, value: unknown): unknown {
  if (!RepriseError.is(error, "VALUE_NOT_STORABLE")) return error;
  const label = blamed(value)?.label;
  if (label === undefined) return error;
  return new RepriseError(
    "VALUE_NOT_STORABLE",
    `${error.message}. It came from the ${label}, whose values stay in the memory of the replica: call that function in every body that needs the value, and return what you compute with it.`,
    error.cause === undefined ? {} : { cause: error.cause },
  );
}

/** The owner of the first live value in a structure that cannot be stored. */
function blamed(root: unknown): Owner | undefined {
  const seen = new Set<object>();
  const open: unknown[] = [root];
  for (let value = open.pop(); open.length > 0 || value !== undefined; value = open.pop()) {
    if (!isObject(value) || seen.has(value)) continue;
    if (seen.size > mostVisited) return undefined;
    seen.add(value);
    const owner = owners.get(value);
    if (owner !== undefined && !isStorable(value)) return owner;
    for (const part of partsOf(value)) open.push(part);
  }
  return undefined;
}

function partsOf(value: object): readonly unknown[] {
  try {
    if (value instanceof Map) return [...value].flat(1);
    if (value instanceof Set) return [...value];
    if (ArrayBuffer.isView(value) || typeof value === "function") return [];
    return Object.values(value);
  } catch {
    // A getter that throws: what is behind it cannot be seen.
    return [];
  }
}

function isStorable(value: unknown): boolean {
  try {
    encode(value);
    return true;
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "function" || (typeof value === "object" && value !== null);
}
