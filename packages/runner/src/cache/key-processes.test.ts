import { execFile } from "node:child_process";
import { realpathSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { writeProgram } from "../code-digest/testing/programs.ts";
import { temporaryFolder } from "../testing/temporary-home.ts";

const child = fileURLToPath(new URL("testing/key-child.ts", import.meta.url));
const from = (name: string): string => JSON.stringify(import.meta.resolve(name));

// One func for each kind of value and schema whose key might depend on where and when it is made.
const pipeline = `import { func } from "reprise";
import { z } from ${from("zod")};
import * as v from ${from("valibot")};
import { scope, type } from ${from("arktype")};
const cache = { version: "v1" };
const { part } = scope({ part: { name: "string", "parts?": "part[]", of: "whole", at: "Date" }, whole: { "first?": "part" } }).export();
const tree: z.ZodType = z.object({ name: z.string(), get kids() { return z.array(tree); }, get o() { return owner; } });
const owner = z.object({ get trees() { return z.array(tree); } });
export const values = func({ id: "values", cache, run: (...all: unknown[]) => all });
export const auto = func({ id: "auto", cache: {}, run: ({ b, a }: Record<string, number>) => Intl.DateTimeFormat().format(a! + b!) });
export const zod = func({ id: "zod", cache, input: z.object({ t: tree, d: z.date(), r: z.string().transform((s) => s.length) }), run: () => 1 });
export const trees = func({ id: "trees", cache, input: tree, output: z.number().default(() => Math.random()), run: () => 1 });
export const valibot = func({ id: "valibot", cache, input: v.object({ a: v.pipe(v.string(), v.minLength(2)), b: v.lazy(() => v.date()) }), run: () => 1 });
export const ark = func({ id: "ark", cache, input: part, output: type({ n: "number", d: type("string").narrow((s) => s > "a") }), run: () => ({ n: 1, d: "b" }) });
const shuffled = (names: string[]) => names.map((name) => [Math.random(), name] as const).sort().map(([, name]) => name);
const names = ["a", "é", "10", "9", "Z", "ä", "I", "ı"];
const object = Object.fromEntries(shuffled(names).map((name) => [name, name.length]));
export const calls = {
  auto: [{ a: 1, b: 2 }],
  values: [
    object, new Map(Object.entries(object)), new Set(shuffled(names)),
    new Date("2020-07-01T12:00:00Z"), NaN, -0, 10n ** 30n, "\\ud800", /a/giu, new Error("x"), Float64Array.of(1.5, NaN), undefined,
    new URL("https://ä.example/ö"), (1234.5).toString(),
  ],
};
`;

it("a key is the same in every process, time zone and locale, and with every seed", { timeout: 120_000 }, async () => {
  const folder = realpathSync(temporaryFolder());
  writeProgram(folder, { "pipeline.ts": pipeline });
  const surroundings: [flags: readonly string[], env: Record<string, string>][] = [
    [[], {}],
    [["--random-seed=1", "--hash-seed=7"], { TZ: "Pacific/Kiritimati", LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" }],
    [["--random-seed=2", "--icu-data-dir=/nowhere"], { TZ: "America/St_Johns", LANG: "C", LC_ALL: "C" }],
  ];
  const reports = await Promise.all(
    surroundings.map(async ([flags, env]) => {
      const options = { env: { ...process.env, NODE_OPTIONS: "", ...env }, cwd: folder };
      const entry = join(folder, "pipeline.ts");
      const { stdout } = await promisify(execFile)(process.execPath, [...flags, child, entry], options);
      return JSON.parse(stdout.slice(stdout.lastIndexOf("\n") + 1)) as Record<string, { key?: string }>;
    }),
  );
  const [first = {}, ...others] = reports;
  expect(Object.keys(first)).toHaveLength(6);
  for (const [id, made] of Object.entries(first))
    expect([id, made.key]).toEqual([id, expect.stringMatching(/^[0-9a-f]{64}$/)]);
  for (const other of others) expect(other).toEqual(first);
});
