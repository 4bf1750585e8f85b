import { RepriseError } from "@reprise/core";
import type { Call } from "../call.ts";
import type { ParsedOptions } from "../call-options.ts";
import type { Body } from "../context.ts";
import { chain, chainAll, type MaybePromise } from "../maybe-promise.ts";
import { recordedOptions } from "../recorded-options.ts";
import type { WireCall, WireComposite } from "./protocol.ts";
import type { TaskValues } from "./task-values.ts";

/** A call as the driver is told of it, once what its arguments hold is on disk. */
export function wireCall(call: Call, values: TaskValues): MaybePromise<WireCall> {
  const { id, definition, map, after } = call;
  const elements: MaybePromise<WireComposite[][]> | null =
    map?.calls === undefined ? null : chainAll(map.calls, (element) => values.composites(element.args));
  return chain(values.composites(call.args), (args) =>
    chain(elements, (told) => ({
      run: id,
      func: definition.id,
      args,
      options: recordedOptions(call),
      after: after?.map((before) => before.id) ?? [],
      isMap: map !== undefined,
      elements: told,
    })),
  );
}

/**
 * Refuses options with a function in them: it cannot leave the process of the body that calls.
 *
 * @throws RepriseError `INVALID_OPTION` naming the option.
 */
export function refuseFunctions(options: ParsedOptions | undefined, what: string, { call }: Body): void {
  for (const [field, value] of Object.entries(options ?? {})) {
    const inner = Object.entries(Object(value) as object).find(([, part]) => typeof part === "function");
    if (inner === undefined) continue;
    throw new RepriseError(
      "INVALID_OPTION",
      `${what}: ${field}.${inner[0]} is a function, which cannot leave the process in which the body of ${call.place} ` +
        `executes. Give it where the func is defined.`,
    );
  }
}
