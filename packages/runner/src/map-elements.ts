import { RepriseError } from "@reprise/core";
import type { Call } from "./call.ts";
import { elementCall, makeGate } from "./map.ts";
import type { Submission } from "./submission.ts";
import type { ValueFlow } from "./value-flow.ts";

/** Makes the calls of a map's elements, unless they are there, and hands them to the scheduler; gives their number. */
export function beginElements(group: Call, items: unknown, flow: ValueFlow, submission: Submission): number {
  const plan = group.map as NonNullable<Call["map"]>;
  const elements = (plan.calls ??= itemsOf(group, items).map((item) => {
    const element = elementCall(group, plan, item);
    flow.takeArguments(element);
    return element;
  }));
  const gate = makeGate(plan.concurrency);
  for (const element of elements) {
    element.gate = gate;
    submission.submit(element);
  }
  return elements.length;
}

/** The items of a map when they are known. @throws RepriseError `INPUT_INVALID` if they are no array. */
function itemsOf(call: Call, items: unknown): readonly unknown[] {
  // Holes become undefined: each place has a run.
  if (Array.isArray(items)) return Array.from(items);
  const got = items === null ? "null" : typeof items;
  throw new RepriseError(
    "INPUT_INVALID",
    `map of func "${call.definition.id}": the items must be an array, not ${got}.`,
  );
}
