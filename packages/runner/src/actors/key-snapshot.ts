import { types } from "node:util";

/** That of all typed arrays; Buffer has one of its own that copies nothing. */
// oxlint-disable-next-line typescript/unbound-method -- it is called with its array below
const { slice } = Uint8Array.prototype;

/**
 * A copy of a key object, so that later changes of the object do not change the key. Instances keep their prototypes;
 * private fields and what else has content of its own that cannot be seen are not copied.
 */
export function copyKey<T>(value: T): T {
  return copy(value, new Map()) as T;
}

function copy(value: unknown, copies: Map<object, unknown>): unknown {
  if (typeof value !== "object" || value === null || types.isProxy(value)) return value;
  const known = copies.get(value);
  if (known !== undefined) return known;
  if (ArrayBuffer.isView(value)) return types.isTypedArray(value) ? slice.call(value) : structuredClone(value);
  if (types.isDate(value) || types.isRegExp(value) || types.isAnyArrayBuffer(value)) return structuredClone(value);
  // Values such as a FileArtifact: nothing of them changes, and their content may be in private fields.
  if (Object.isFrozen(value) && !Array.isArray(value)) return value;
  if (value instanceof Map) {
    const map = shell(value, new Map<unknown, unknown>(), copies);
    for (const [key, item] of value) map.set(copy(key, copies), copy(item, copies));
    return map;
  }
  if (value instanceof Set) {
    const set = shell(value, new Set(), copies);
    for (const item of value) set.add(copy(item, copies));
    return set;
  }
  const made = Array.isArray(value) ? shell(value, [], copies) : {};
  if (!Array.isArray(value)) {
    Object.setPrototypeOf(made, Object.getPrototypeOf(value) as object | null);
    copies.set(value, made);
  }
  for (const name of Reflect.ownKeys(value)) {
    const property = Object.getOwnPropertyDescriptor(value, name) as PropertyDescriptor;
    if ("value" in property) property.value = copy(property.value, copies);
    Object.defineProperty(made, name, property);
  }
  return made;
}

function shell<T extends object>(original: object, made: T, copies: Map<object, unknown>): T {
  Object.setPrototypeOf(made, Object.getPrototypeOf(original) as object | null);
  copies.set(original, made);
  return made;
}
