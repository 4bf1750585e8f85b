import { types } from "node:util";
import type { Encoder } from "./encoder.ts";
import { propertyStep, Refusal, refusalOf, refusedAt } from "./refusal.ts";
import { shapeOf } from "./shapes.ts";

/** Writes own enumerable properties with string keys, sorted by key. */
export function writePlainObject(encoder: Encoder, value: object, tagByte: number): void {
  const count = encoder.plainIteration
    ? readProperties(encoder, value)
    : readListed(encoder, value, Object.keys(value));
  if (count === 0 || encoder.keys[0] === "0") refuseDisguised(value);
  encoder.head(tagByte, count);
  writePending(encoder, count);
}

/** Writes key and value of each of the given properties, sorted by key. */
export function writeProperties(encoder: Encoder, value: object, keys: readonly string[]): void {
  writePending(encoder, readListed(encoder, value, keys));
}

/** Puts keys and values where `writePending` takes them from. V8 reads properties fastest in this form. */
function readProperties(encoder: Encoder, value: object): number {
  const { keys, pending, pendingCount } = encoder;
  let count = 0;
  let current = "";
  try {
    for (const key in value) {
      current = key;
      pending[pendingCount + count] = (value as Record<string, unknown>)[key];
      keys[count++] = key;
    }
  } catch (error) {
    throw refusedAt(refusalOf(error, "its getter threw"), propertyStep(current));
  }
  return count;
}

/** As `readProperties`, of given properties. */
function readListed(encoder: Encoder, value: object, listed: readonly string[]): number {
  const { keys, pending, pendingCount } = encoder;
  for (const [index, key] of listed.entries()) {
    try {
      pending[pendingCount + index] = (value as Record<string, unknown>)[key];
    } catch (error) {
      throw refusedAt(refusalOf(error, "its getter threw"), propertyStep(key));
    }
    keys[index] = key;
  }
  return listed.length;
}

/** Writes the properties that were read last. */
function writePending(encoder: Encoder, count: number): void {
  const { sorted, order, nodes } = shapeOf(encoder.keys, count);
  const { pending, pendingCount } = encoder;
  encoder.pendingCount = pendingCount + count;
  let index = 0;
  try {
    for (; index < count; index++) {
      const node = nodes[index];
      if (node !== undefined) writeKey(encoder, node);
      encoder.value(pending[pendingCount + (order === null ? index : (order[index] ?? 0))]);
    }
  } catch (error) {
    throw refusedAt(error, propertyStep(sorted[index]));
  }
  encoder.pendingCount = pendingCount;
}

function writeKey(encoder: Encoder, node: Uint8Array): void {
  const size = node.length;
  encoder.reserve(size);
  const { bytes, position } = encoder;
  if (size > 24) bytes.set(node, position);
  else for (let index = 0; index < size; index++) bytes[position + index] = node[index] ?? 0;
  encoder.position = position + size;
}

/** Objects without a class that are not what their properties say. */
function refuseDisguised(value: object): void {
  if (types.isArgumentsObject(value)) throw new Refusal("an arguments object; use rest parameters, or [...arguments]");
  if (Object.hasOwn(value, Symbol.toStringTag) || value === Object.prototype) {
    const name = Object.prototype.toString.call(value);
    if (/^\[object (Atomics|Intl|JSON|Math|Reflect|WebAssembly)\]$/.test(name)) {
      throw new Refusal(`the built-in ${name.slice(8, -1)} has no content to store`);
    }
  }
  if (isPrototype(value)) throw new Refusal("the prototype of a class; store an instance");
}

function isPrototype(value: object): boolean {
  const constructor: unknown = Object.getOwnPropertyDescriptor(value, "constructor")?.value;
  return typeof constructor === "function" && constructor.prototype === value;
}
