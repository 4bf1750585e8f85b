import { registerClass, RepriseError } from "@reprise/core";
import type { Call } from "./call.ts";
import { type FuturePart, futureOf } from "./future.ts";
import type { PathStep } from "./future-types.ts";

/**
 * Values with futures inside: the futures are taken out and slots stand in their places, so that the rest can be stored
 * and the whole be put together once the futures have values.
 */

/** Stands for the future of the given number. */
class Slot {
  readonly index: number;

  constructor(index: number) {
    this.index = index;
  }
}

registerClass(Slot, {
  name: "reprise.slot",
  encode: (slot: Slot) => slot.index,
  decode: (index: number) => new Slot(index),
});

/** A value whose futures were taken out. */
export interface Template {
  /** The value with slots; undefined if the value is the one future as such. */
  readonly value: unknown;
  readonly isWhole: boolean;
  readonly parts: readonly TemplatePart[];
}

/** A future that stood in a value: which, and where. */
export interface TemplatePart {
  readonly call: Call;
  /** Path of the part inside the call's value. */
  readonly path: readonly PathStep[];
  /** Path of the place where the future stood, for people: `.items[3]`. */
  readonly at: string;
}

const maxDepth = 500;

/** Takes the futures out of a value, or gives undefined if there are none in it. The value itself is not changed. */
export function extractFutures(value: unknown, what: string): Template | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const whole = futureOf(value);
  if (whole !== undefined) return { value: undefined, isWhole: true, parts: [toPart(whole, "")] };
  const parts: TemplatePart[] = [];
  const replaced = replace(value, parts, "", 0, what);
  return parts.length === 0 ? undefined : { value: replaced, isWhole: false, parts };
}

function toPart({ call, path }: FuturePart, at: string): TemplatePart {
  call.isUsed = true;
  return { call, path, at };
}

function replace(value: unknown, parts: TemplatePart[], at: string, depth: number, what: string): unknown {
  if (typeof value !== "object" || value === null) return value;
  const future = futureOf(value);
  if (future !== undefined) {
    parts.push(toPart(future, at));
    return new Slot(parts.length - 1);
  }
  if (depth > maxDepth) {
    throw new RepriseError(
      "VALUE_NOT_STORABLE",
      `${what}${at.slice(0, 200)}: nested deeper than ${maxDepth} levels, or refers to itself.`,
    );
  }
  if (Array.isArray(value)) return replaceArray(value, parts, at, depth, what);
  if (value instanceof Map) return replaceMap(value, parts, at, depth, what);
  if (value instanceof Set) return replaceSet(value, parts, at, depth, what);
  const proto: unknown = Object.getPrototypeOf(value);
  if (proto === Object.prototype || proto === null) return replaceObject(value, parts, at, depth, what);
  return value;
}

function replaceArray(value: unknown[], parts: TemplatePart[], at: string, depth: number, what: string): unknown {
  let copy: unknown[] | undefined;
  for (let index = 0; index < value.length; index += 1) {
    const item = value[index];
    if (typeof item !== "object" || item === null) continue;
    const replaced = replace(item, parts, `${at}[${index}]`, depth + 1, what);
    if (replaced !== item) (copy ??= value.slice())[index] = replaced;
  }
  return copy ?? value;
}

function replaceObject(value: object, parts: TemplatePart[], at: string, depth: number, what: string): unknown {
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    if (typeof item !== "object" || item === null) continue;
    const replaced = replace(item, parts, `${at}.${key}`, depth + 1, what);
    if (replaced !== item) (copy ??= shallowCopy(value))[key] = replaced;
  }
  return copy ?? value;
}

function replaceMap(
  value: Map<unknown, unknown>,
  parts: TemplatePart[],
  at: string,
  depth: number,
  what: string,
): unknown {
  const before = parts.length;
  const copy = new Map<unknown, unknown>();
  for (const [key, item] of value) {
    if (futureOf(key) !== undefined) {
      throw new RepriseError(
        "FUTURE_MISUSE",
        `${what}${at}: a future cannot be the key of a Map. Put it into the value.`,
      );
    }
    const isPlain = typeof item !== "object" || item === null;
    copy.set(key, isPlain ? item : replace(item, parts, `${at}.get(${describeKey(key)})`, depth + 1, what));
  }
  return parts.length === before ? value : copy;
}

/** A key of a Map for the eyes. One that is an object is not asked: it may be long, or not be willing to be text. */
function describeKey(key: unknown): string {
  if (typeof key === "string") return JSON.stringify(key);
  return typeof key === "object" && key !== null ? "…" : String(key);
}

function replaceSet(value: Set<unknown>, parts: TemplatePart[], at: string, depth: number, what: string): unknown {
  const before = parts.length;
  const copy = new Set(
    [...value].map((item, index) => replace(item, parts, `${at}.values()[${index}]`, depth + 1, what)),
  );
  return parts.length === before ? value : copy;
}

/** Puts values into the slots of a template's value. Gives a new structure; nothing of the template is changed. */
export function fillSlots(value: unknown, values: readonly unknown[]): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Slot) return values[value.index];
  if (Array.isArray(value)) {
    const copy = value.slice();
    for (let index = 0; index < copy.length; index += 1) {
      const item: unknown = copy[index];
      if (typeof item === "object" && item !== null) copy[index] = fillSlots(item, values);
    }
    return copy;
  }
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, fillSlots(item, values)]));
  if (value instanceof Set) return new Set([...value].map((item) => fillSlots(item, values)));
  const proto: unknown = Object.getPrototypeOf(value);
  if (proto !== Object.prototype && proto !== null) return value;
  const copy = shallowCopy(value);
  for (const key of Object.keys(copy)) {
    const item = copy[key];
    if (typeof item === "object" && item !== null) copy[key] = fillSlots(item, values);
  }
  return copy;
}

function shallowCopy(value: object): Record<string, unknown> {
  // Spreading defines each property, where assigning one called __proto__ would change the prototype.
  if (Object.getPrototypeOf(value) !== null) return { ...value };
  return Object.assign(Object.create(null) as Record<string, unknown>, value);
}

/** The part of a value at a path, as plain code gives it: undefined if it is not there, an error for a part of nothing. */
export function partOf(value: unknown, path: readonly PathStep[], what: string): unknown {
  let part = value;
  for (const step of path) {
    if (part === undefined || part === null) {
      throw new TypeError(`${what} has no part ${String(step)}: the value there is ${String(part)}`);
    }
    const isThere = Object.hasOwn(Object(part) as object, step);
    part = isThere ? (part as Record<PathStep, unknown>)[step] : undefined;
  }
  return part;
}
