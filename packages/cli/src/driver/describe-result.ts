import type { RunSettings } from "../run/messages.ts";

/** A result as the command shows it. What renders it is loaded here, because most of the time goes into starting. */
export async function describeResult(
  value: unknown,
  { width, colored, everyEvent }: Pick<RunSettings, "width" | "colored" | "everyEvent">,
): Promise<{ readonly lines: readonly string[]; readonly value?: unknown }> {
  if (everyEvent) {
    const { toJson } = await import("../values/to-json.ts");
    return { lines: [], value: toJson(value) };
  }
  if (value === undefined) return { lines: [] };
  const [{ renderValue }, { painter }] = await Promise.all([
    import("../values/render-value.ts"),
    import("../terminal/paint.ts"),
  ]);
  return { lines: renderValue(value, { width, colored, paint: painter(colored) }) };
}
