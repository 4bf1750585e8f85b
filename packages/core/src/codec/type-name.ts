import { nativeClassName } from "./native-class.ts";
import type { TypeRegistry } from "./type-registry.ts";

/**
 * Name of a value's type: of the primitive, `array`, `object`, the built-in class or the registered type. Undefined
 * for an instance that no type is registered for.
 */
export function knownTypeName(value: unknown, registry: TypeRegistry): string | undefined {
  if (value === null) return "null";
  if (typeof value !== "object") return typeof value;
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === Object.prototype || prototype === null) return "object";
  if (prototype === Array.prototype) return "array";
  const builtIn = builtInNames.get(prototype);
  if (builtIn !== undefined) return builtIn;
  const registered = registry.find(value, prototype)?.name;
  if (registered !== undefined) return registered;
  const native = nativeClassName(prototype);
  if (native === "Object") return "object";
  return native === "Array" ? "array" : native;
}

/** As {@link knownTypeName}; `object` for an instance that no type is registered for. */
export function typeNameOf(value: unknown, registry: TypeRegistry): string {
  return knownTypeName(value, registry) ?? "object";
}

const builtInNames = new Map<object, string>([
  [Map.prototype, "Map"],
  [Set.prototype, "Set"],
  [Date.prototype, "Date"],
  [Buffer.prototype, "Buffer"],
  [URL.prototype, "URL"],
]);
