import { type Gate, Queue, RepriseError } from "@reprise/core";
import { refuseActorOptions } from "./actors/actor-call-options.ts";
import { Call } from "./call.ts";
import { checkIgnored } from "./cache/ignored.ts";
import { type CallOptions, type ParsedOptions, parseCallOptions } from "./call-options.ts";
import { type FuncDefinition, valueLabels } from "./func-definition.ts";
import { isFuture } from "./future.ts";
import type { Pending } from "./future-types.ts";

/** Options of `func.map`. */
export interface MapOptions {
  /** How many elements may be at work at once. Default: as many as the runner allows. */
  readonly concurrency?: number | undefined;
  /** How many elements may fail; they come back as {@link RunFailure}. Default: 0, the first failure fails the map. */
  readonly tolerate?: number | undefined;
  /** Options of the elements' runs; `$set` on the future of the map is for the group. */
  readonly each?: CallOptions | undefined;
}

/** How a map's elements are made. */
export interface MapPlan {
  readonly element: FuncDefinition;
  readonly concurrency: number;
  readonly each: ParsedOptions | undefined;
  /** Elements as calls: made with the map where the items were given as an array, else when the items are known. */
  calls: readonly Call[] | undefined;
}

/** The definition of the group of a func's map. It has no body of its own: the engine makes the elements. */
export function mapDefinition(element: FuncDefinition): FuncDefinition {
  return {
    ...element,
    kind: "map",
    name: `${element.name}.map`,
    input: undefined,
    output: undefined,
    options: {},
    parameters: ["items"],
    labels: valueLabels(element.id, ["items"]),
    contextAt: -1,
    actor: undefined,
    run: () => undefined,
  };
}

/** Validates the options of a map. */
export function parseMapOptions(
  options: MapOptions,
  element: FuncDefinition,
): Omit<MapPlan, "calls"> & { readonly tolerate: number } {
  const what = `map of func "${element.id}"`;
  if (typeof options !== "object" || options === null) {
    throw new RepriseError("INVALID_OPTION", `${what}: options must be an object, such as { concurrency: 4 }.`);
  }
  for (const key of Object.keys(options)) {
    if (key !== "concurrency" && key !== "tolerate" && key !== "each") {
      throw new RepriseError("INVALID_OPTION", `${what}: unknown option "${key}"; known: concurrency, tolerate, each.`);
    }
  }
  const { concurrency = Number.POSITIVE_INFINITY, tolerate = 0, each } = options;
  if (concurrency !== Number.POSITIVE_INFINITY && !(Number.isInteger(concurrency) && concurrency > 0)) {
    throw new RepriseError(
      "INVALID_OPTION",
      `${what}: concurrency must be a whole number above 0, not ${concurrency}.`,
    );
  }
  if (tolerate !== Number.POSITIVE_INFINITY && !(Number.isInteger(tolerate) && tolerate >= 0)) {
    throw new RepriseError("INVALID_OPTION", `${what}: tolerate must be a whole number from 0, not ${tolerate}.`);
  }
  if (each !== undefined && each !== null && element.actor !== undefined)
    refuseActorOptions(each, element.actor.environment, `each of ${what}`);
  const parsed = each === undefined ? undefined : parseCallOptions(each, `each of ${what}`);
  checkIgnored(element, parsed?.cache, `each of ${what}`);
  return { element, concurrency, tolerate, each: parsed };
}

/** A gate that lets `limit` runs through at a time; undefined if there is no limit. */
export function makeGate(limit: number): Gate<Call> | undefined {
  return limit === Number.POSITIVE_INFINITY ? undefined : { limit, active: 0, queue: new Queue<Call>() };
}

/** The run of one element. A func with several parameters takes each item as the array of its arguments. */
export function elementCall(group: Call, plan: MapPlan, item: unknown): Call {
  const { element } = plan;
  const call = new Call(element, elementArguments(element, item), group.maker, group);
  call.changes = plan.each;
  return call;
}

function elementArguments({ id, parameters, contextAt }: FuncDefinition, item: unknown): readonly unknown[] {
  const count = contextAt >= 0 ? parameters.length - 1 : parameters.length;
  const takesRest = parameters[count - 1]?.startsWith("...") === true;
  if (count < 2 && !takesRest) return [item];
  if (Array.isArray(item)) return item;
  if (!isFuture(item)) {
    throw new RepriseError(
      "INPUT_INVALID",
      `map of func "${id}": it takes several arguments, so each item must be an array of them, not ${item === null ? "null" : typeof item}.`,
    );
  }
  if (takesRest) {
    throw new RepriseError(
      "FUTURE_MISUSE",
      `map of func "${id}": it takes any number of arguments, so an item cannot be a future, whose length is not known. Give an array with futures in it.`,
    );
  }
  const tuple = item as Pending<readonly unknown[]>;
  return Array.from({ length: count }, (_, at) => tuple.$get(at));
}
