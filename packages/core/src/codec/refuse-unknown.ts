import { types } from "node:util";
import { classNameOf } from "./native-class.ts";
import { Refusal } from "./refusal.ts";

/** Throws why a value that has no place in the format cannot be stored, and what to do instead. */
export function refuseUnknown(value: unknown): never {
  throw new Refusal(reasonOf(value));
}

function reasonOf(value: unknown): string {
  if (typeof value === "function") return `a function${named(value)} cannot be stored; store what it needs as data`;
  if (typeof value === "symbol") return "a symbol cannot be stored; use a string";
  if (typeof value !== "object" || value === null) return `a ${typeof value} cannot be stored`;
  if (types.isProxy(value)) return "a Proxy cannot be stored: it cannot be told from what it stands for; store a copy";
  if (types.isPromise(value)) return "a Promise cannot be stored; await it first";
  if (types.isBoxedPrimitive(value)) return `a boxed ${classNameOf(value)} cannot be stored; store the primitive`;
  if (types.isGeneratorObject(value)) return "a generator cannot be stored; store [...generator]";
  if (types.isWeakMap(value) || types.isWeakSet(value) || value instanceof WeakRef) {
    return `a ${classNameOf(value)} cannot be stored: its content is not its own; use a Map, a Set or the value`;
  }
  if (Object.prototype.toString.call(value).endsWith("Iterator]"))
    return "an iterator cannot be stored; store [...iterator]";
  if (isStream(value)) {
    return `a stream (${classNameOf(value)}) cannot be stored; read it first, or store its content as a file`;
  }
  return `instance of ${classNameOf(value)} has no codec; register it with registerClass`;
}

function named(value: { readonly name: string }): string {
  return value.name === "" ? "" : ` (${value.name})`;
}

/** Node's streams and sockets have `pipe` or `write` and emit events; web streams have a reader or a writer. */
function isStream(value: object): boolean {
  const has = (name: string) => typeof (value as Record<string, unknown>)[name] === "function";
  return (has("on") && (has("pipe") || has("write"))) || has("getReader") || has("getWriter");
}
