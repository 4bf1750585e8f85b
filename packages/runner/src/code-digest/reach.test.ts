import { describe, expect, it } from "vitest";
import { digestPrograms, type Files, type Report } from "./testing/programs.ts";

const base: Files = {
  "pipeline.ts": `import { func } from "reprise";
import { clean, Model } from "./lib/index.ts";
import * as tools from "./tools.ts";
import limits from "./limits.json" with { type: "json" };
import legacy from "./legacy.cjs";
import { table, count, register } from "./table.ts";
import "./entries.ts";

export const child = func("child", (n: number) => tools.twice(n));
export const parent = func("parent", (n: number) => child(n));
export const viaBarrel = func("viaBarrel", (text: string) => clean(text));
export const viaClass = func("viaClass", () => new Model().size());
export const viaJson = func("viaJson", () => limits.max);
export const viaCommonJs = func("viaCommonJs", () => legacy.name());
export const viaTable = func("viaTable", (key: string) => table.get(key));
export const viaImport = func("viaImport", async () => (await import("./late.ts")).late());
export const viaSpace = func("viaSpace", (name: "twice" | "thrice") => tools[name](1));
export const even = func("even", (n: number): unknown => (n === 0 ? true : odd(n - 1)));
export const odd = func("odd", (n: number): unknown => (n === 0 ? false : even(n - 1)));
export const named = func("named", tools.thrice);
export const all = [child, register, count];
`,
  "lib/index.ts": `export * from "./text.ts";
export { Base as Model } from "./model.ts";
`,
  "lib/text.ts": `import { trimmed } from "./model.ts";
export function clean(text: string) { return trimmed(text).toLowerCase(); }
export function shout(text: string) { return text.toUpperCase(); }
`,
  "lib/model.ts": `import { shout } from "./text.ts";
export const trimmed = (text: string) => text.trim();
class Parent { unit = 2; }
export class Base extends Parent {
  static count = 1;
  declare extra?: number;
  size() { return this.unit * Base.count; }
}
(Base.prototype as any).added = () => shout("a");
`,
  "tools.ts": `export const twice = (n: number) => n * 2;
export function thrice(n: number) { return n * 3; }
`,
  "limits.json": `{ "max": 3, "min": 1 }`,
  "legacy.cjs": `const part = require("./part.cjs");\nmodule.exports = { name: () => part.name };\n`,
  "part.cjs": `exports.name = "part";\n`,
  "table.ts": `export const table = new Map<string, number>();
export let count = 0;
export function register(key: string, value: number) { table.set(key, value); }
`,
  "entries.ts": `import { register, table } from "./table.ts";
const one = 1;
register("one", one);
table.set("two", 2);
console.log("two entries");
`,
  "late.ts": `export const late = () => "late";\n`,
};
const everything = [
  "child",
  "parent",
  "viaBarrel",
  "viaClass",
  "viaJson",
  "viaCommonJs",
  "viaTable",
  "viaImport",
].concat(["viaSpace", "even", "odd", "named"]);

function edit(file: string, from: string, to: string): Files {
  const text = base[file] as string;
  if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
  return { ...base, [file]: text.replace(from, () => to) };
}

function changed(before: Report, after: Report): string[] {
  return everything.filter((id) => {
    if (after[id]?.digest === undefined) throw new Error(`${id}: ${after[id]?.reason ?? "no report"}`);
    return after[id].digest !== before[id]?.digest;
  });
}

describe("what a func reaches", () => {
  const edits: Record<string, readonly [Files, readonly string[]]> = {
    "a helper changes its users and their parents": [
      edit("tools.ts", "n * 2", "n + n"),
      ["child", "parent", "viaSpace"],
    ],
    "a member of a namespace changes no one else": [edit("tools.ts", "n * 3", "n + 1"), ["viaSpace", "named"]],
    "a child func changes its parent": [
      edit("pipeline.ts", "tools.twice(n)", "tools.twice(n + 1)"),
      ["child", "parent"],
    ],
    "a parent changes itself": [edit("pipeline.ts", "=> child(n)", "=> child(n - 1)"), ["parent"]],
    "a helper of a helper behind a barrel": [edit("lib/model.ts", "text.trim()", "text.trimEnd()"), ["viaBarrel"]],
    "a function beside it, used by a statement that changes the class": [
      edit("lib/text.ts", "toUpperCase", "toLowerCase"),
      ["viaClass"],
    ],
    "a method": [edit("lib/model.ts", "this.unit *", "this.unit +"), ["viaClass"]],
    "a base class": [edit("lib/model.ts", "unit = 2", "unit = 3"), ["viaClass"]],
    "a static field": [edit("lib/model.ts", "static count = 1", "static count = 2"), ["viaClass"]],
    "a field that is only declared": [edit("lib/model.ts", "extra?: number", "other?: number"), []],
    "a prototype that is added to": [edit("lib/model.ts", ".added", ".more"), ["viaClass"]],
    data: [edit("limits.json", "3", "4"), ["viaJson"]],
    "the layout of data": [edit("limits.json", " ", "\n  "), []],
    "a CommonJS module behind another": [edit("part.cjs", `"part"`, `"whole"`), ["viaCommonJs"]],
    "an entry in another module": [edit("entries.ts", `"two", 2`, `"two", 3`), ["viaTable"]],
    "an entry made by way of a function": [edit("entries.ts", "one = 1", "one = 2"), ["viaTable"]],
    "the order of entries": [
      {
        ...base,
        "entries.ts": `import { register, table } from "./table.ts";\nconst one = 1;\ntable.set("two", 2);\nregister("one", one);\n`,
      },
      ["viaTable"],
    ],
    "a log line among the entries": [edit("entries.ts", "two entries", "done"), []],
    "a module that is imported late": [edit("late.ts", `"late"`, `"later"`), ["viaImport"]],
    "a func of a circle": [edit("pipeline.ts", "? true", "? 1"), ["even", "odd"]],
    "a name that leads elsewhere, both being used": [
      {
        ...base,
        "pipeline.ts": (base["pipeline.ts"] as string)
          .replace("tools.twice(n)", "tools.thrice(n)")
          .replace(`func("named", tools.thrice)`, `func("named", tools.twice)`),
      },
      ["child", "parent", "named"],
    ],
    "a file that moves": [
      {
        ...base,
        "deep/tools.ts": base["tools.ts"] as string,
        "pipeline.ts": (base["pipeline.ts"] as string).replace("./tools.ts", "./deep/tools.ts"),
      },
      [],
    ],
  };

  it("changes exactly the funcs that use it", async () => {
    const programs = Object.fromEntries(Object.entries(edits).map(([name, [files]]) => [name, files]));
    const { before, ...after } = await digestPrograms({ before: base, ...programs });
    for (const [name, report] of Object.entries(after)) {
      expect([name, ...changed(before as Report, report)]).toEqual([name, ...(edits[name]?.[1] ?? [])]);
    }
  });

  it("is listed with names and sources, the func first", async () => {
    const { base: report } = await digestPrograms({ base });
    const named = (id: string): string[] => (report?.[id]?.closure ?? []).map(({ file, name }) => `${file} ${name}`);
    expect(named("parent")).toEqual(["pipeline.ts parent", "pipeline.ts child", "tools.ts twice"]);
    expect(named("viaTable")).toEqual([
      "pipeline.ts viaTable",
      "table.ts table",
      `entries.ts register("one", one);`,
      "table.ts register",
      "entries.ts one",
      `entries.ts table.set("two", 2);`,
    ]);
    expect(report?.["parent"]?.closure[2]?.source).toBe("twice = (n: number) => n * 2");
  });
});

describe("the body alone", () => {
  it("changes with the body, not with what it uses", async () => {
    const { before, helper, body, given } = await digestPrograms({
      before: base,
      helper: edit("tools.ts", "n * 2", "n + n"),
      body: edit("pipeline.ts", "tools.twice(n)", "tools.twice(n + 1)"),
      given: edit("tools.ts", "n * 3", "n + 1"),
    });
    expect(before?.["child"]?.body).toMatch(/^[0-9a-f]{64}$/);
    expect(helper?.["child"]?.body).toBe(before?.["child"]?.body);
    expect(body?.["child"]?.body).not.toBe(before?.["child"]?.body);
    expect(given?.["child"]?.body).toBe(before?.["child"]?.body);
    // A body that is given by name is the function of that name.
    expect(given?.["named"]?.body).not.toBe(before?.["named"]?.body);
  });
});

const actors: Files = {
  "pipeline.ts": `import { func } from "reprise";
import { gpu as environment } from "./actors.ts";
import { load } from "./load.ts";

export const viaImport = environment.func({ id: "viaImport", cache: true, run: (n: number) => load("a").size * n });
export const alone = environment.func("alone", (n: number) => n + 1);
export const plain = func("plain", (n: number) => n + 1);
`,
  "actors.ts": `import * as reprise from "reprise";
const gpu = new reprise.ActorEnvironment({ name: import.meta.dirname.slice(-50), replicas: 2, env: { A: "1" } });
export { gpu };
gpu.warmup(() => 1);
`,
  "load.ts": `import { gpu } from "./actors.ts";
import { sizeOf } from "./size.ts";
export const load = gpu.cache((name: string) => ({ size: sizeOf(name) }), { maxEntries: 2, key: (name) => name });
`,
  "size.ts": `export const sizeOf = (name: string) => name.length;\n`,
};

it("reads funcs of actors as funcs, and of cached functions what they give", async () => {
  const edit = (file: string, from: string, to: string): Files => {
    const text = actors[file] ?? "";
    expect(text).toContain(from);
    return { ...actors, [file]: text.replace(from, to) };
  };
  const reports = await digestPrograms({
    base: actors,
    pool: edit("actors.ts", "replicas: 2", "replicas: 4"),
    warmup: edit("actors.ts", "() => 1", "() => 2"),
    bounds: edit("load.ts", "maxEntries: 2", "maxEntries: 8"),
    key: edit("load.ts", "(name) => name }", "(name) => name.trim() }"),
    helper: edit("size.ts", "name.length", "name.length + 1"),
  });
  const digests = (id: string) =>
    Object.fromEntries(Object.entries(reports).map(([name, report]) => [name, report[id]?.digest]));
  const viaImport = digests("viaImport");
  expect(viaImport["base"]).toMatch(/^[0-9a-f]{64}$/);
  expect(viaImport["pool"]).toBe(viaImport["base"]);
  expect(viaImport["warmup"]).toBe(viaImport["base"]);
  expect(viaImport["bounds"]).toBe(viaImport["base"]);
  expect(viaImport["key"]).not.toBe(viaImport["base"]);
  expect(viaImport["helper"]).not.toBe(viaImport["base"]);
  expect(new Set(Object.values(digests("alone"))).size).toBe(1);
  expect(reports["base"]?.["alone"]?.digest).toBe(reports["base"]?.["plain"]?.digest);
  expect(reports["base"]?.["viaImport"]?.closure.map(({ name }) => name)).toEqual(
    expect.arrayContaining(["load", "sizeOf"]),
  );
});
