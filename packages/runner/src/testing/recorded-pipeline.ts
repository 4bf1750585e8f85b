// A pipeline with one of each thing that is recorded. Arguments: --home PATH, and whatever else.
import { setTimeout as pause } from "node:timers/promises";
import { context, func, LocalRunner } from "../index.ts";

const home = process.argv[process.argv.indexOf("--home") + 1] ?? "";

/**
 * Doubles a number.
 *
 * Twice is enough.
 */
const double = func("double", (value: number): number => value * 2);

/** Not this: the description of the options counts. */
const described = func({
  id: "described",
  name: "Described",
  description: "In words of its own.",
  tags: ["slow", "gpu"],
  run: () => "described",
});

function body(value: readonly number[]) {
  return value.length;
}
const shared = func("shared", body);

const record = func("record", () => ({ name: "n", list: [10, 20] }));
const literals = func("literals", (text: string, list: number[]) => text.length + list.length);
const whole = func("whole", (value: number) => value);
const part = func("part", (value: number) => value);
const nested = func("nested", (value: unknown) => JSON.stringify(value));
const afterwards = func("afterwards", () => "afterwards");
const element = func("element", (item: number) => item);
const plain = func("plain", () => 1);
const inner = func("inner", () => 1);
const outer = func("outer", () => inner());

const flaky = func({
  id: "flaky",
  retry: { retries: 2 },
  run: async () => {
    const { attempt } = context();
    context().progress(attempt);
    await pause(2);
    if (attempt < 3) throw Object.assign(new RangeError(`attempt ${attempt}`), { code: "E_FLAKY" });
    return attempt;
  },
});

const reports = func("reports", () => {
  context().metric("loss", 0.5);
  context().metric("rows", 10, "count");
  context().metric("rows", 5, "count");
  for (let done = 0; done < 7; done += 1) context().progress(done, 20);
  context().progress(7, 20, "seventh");
});

const all = func("all", () => {
  const eight = double(4);
  const made = record();
  return [
    described(),
    shared([1]),
    literals("text", [1, 2]),
    whole(eight),
    part(made.list[1] as never),
    nested({ items: [eight, { deep: made.name }], own: 1 }),
    afterwards().$after(eight),
    element.map([5, eight]),
    plain().$set({ name: "renamed", tags: ["mine"], timeout: "1m", retry: { retries: 1 } }),
    outer(),
    flaky(),
    reports(),
  ];
});

await new LocalRunner({ home, onEvent: () => undefined }).run(all());
