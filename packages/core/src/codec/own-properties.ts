import { Refusal } from "./refusal.ts";

/**
 * Refuses properties that would be lost when a built-in object is restored.
 *
 * @param elements how many of its keys are indices, which come first.
 */
export function refuseProperties(value: object, name: string, elements = 0): void {
  const key = Object.keys(value)[elements];
  if (key === undefined) return;
  throw new Refusal(`a ${name} with the property ${JSON.stringify(key)} of its own; store the property apart`);
}
