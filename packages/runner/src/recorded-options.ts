import type { Call } from "./call.ts";
import type { ParsedOptions } from "./call-options.ts";
import type { MapPlan } from "./map.ts";

/** Stands in a record for a function, which cannot be recorded. */
const functionMark = "[function]";

/** What `map` was told besides the items, as it is recorded; null: no limit. */
interface RecordedMap {
  readonly concurrency: number | null;
  readonly tolerate: number | null;
  readonly each: ParsedOptions | null;
}

/** What was changed for one call, as it is recorded with its run; null if nothing was. */
export function recordedOptions({ changes, map, tolerate }: Call): Readonly<Record<string, unknown>> | null {
  if (changes === undefined && map === undefined) return null;
  const told = changes === undefined ? {} : { ...withoutFunctions(changes) };
  return map === undefined ? told : { ...told, map: recordedMap(map, tolerate) };
}

function recordedMap({ concurrency, each }: MapPlan, tolerate: number): RecordedMap {
  return {
    concurrency: Number.isFinite(concurrency) ? concurrency : null,
    tolerate: Number.isFinite(tolerate) ? tolerate : null,
    each: each === undefined ? null : withoutFunctions(each),
  };
}

function withoutFunctions(options: ParsedOptions): ParsedOptions {
  return JSON.parse(
    JSON.stringify(options, (_, value: unknown) => (typeof value === "function" ? functionMark : value)),
  ) as ParsedOptions;
}

/**
 * What was changed for a call, of its record. An option that held a function is left out: the func's own counts then.
 */
export function restoreOptions(recorded: Readonly<Record<string, unknown>> | null): ParsedOptions | undefined {
  if (recorded === null) return undefined;
  const entries = Object.entries(recorded).filter(([field, value]) => field !== "map" && !holdsFunction(value));
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** What `map` was told besides the items, of its record. */
export function restoreMap(
  recorded: Readonly<Record<string, unknown>> | null,
): Pick<MapPlan, "concurrency" | "each"> & { readonly tolerate: number } {
  const { concurrency, tolerate, each } = (recorded?.["map"] ?? {}) as Partial<RecordedMap>;
  return {
    concurrency: concurrency ?? Number.POSITIVE_INFINITY,
    tolerate: tolerate ?? Number.POSITIVE_INFINITY,
    each: restoreOptions((each ?? null) as Readonly<Record<string, unknown>> | null),
  };
}

function holdsFunction(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.values(value).includes(functionMark);
}
