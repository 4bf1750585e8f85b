import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../testing/temporary-home.ts";
import { computeCodeDigests } from "./bundle-plugin.ts";
import { CodeDigests } from "./code-digests.ts";
import { digestFolder, digestPrograms, type Files, writeProgram } from "./testing/programs.ts";

/** What is said of the func `f` of a program, which is read and not run. */
async function codeOf(files: Files | string) {
  const folder = temporaryFolder();
  for (const [path, text] of Object.entries(typeof files === "string" ? { "pipeline.ts": files } : files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const found = (await computeCodeDigests(join(folder, "pipeline.ts"))).get("f");
  if (found?.digest === undefined) throw new Error(found?.reason ?? "f is not found");
  const { digest, closure, warnings } = found;
  return { digest, closure: closure.map(({ name }) => name), warnings: warnings.map(({ message }) => message) };
}

const actors = `import { ActorEnvironment } from "reprise";\nexport const gpu = new ActorEnvironment({ name: "gpu" });\n`;
const body = `func("f", (n: number) => n + 1);`;
const plain = `import { func } from "reprise";\nexport const f = ${body}`;
const from = (line: string, name: string, files: Files = { "actors.ts": actors }): Files => ({
  ...files,
  "pipeline.ts": `${line}\nexport const f = ${name}.${body}`,
});

describe("the environment of a func", () => {
  it.each(
    Object.entries<Files | string>({
      "in the same module": `${actors}export const f = gpu.${body}`,
      "of a class by another name": `${actors.replace("ActorEnvironment }", "ActorEnvironment as Env }").replace("new ActorEnvironment", "new Env")}export const f = gpu.${body}`,
      "of a class in a namespace": `import * as r from "reprise";\nconst gpu = new r.ActorEnvironment({ name: "gpu" });\nexport const f = gpu.${body}`,
      "of a class behind a module": {
        "all.ts": `export { ActorEnvironment as Env } from "reprise";`,
        "pipeline.ts": `import { Env } from "./all.ts";\nconst gpu = new Env({ name: "gpu" });\nexport const f = gpu.${body}`,
      },
      "of a class behind modules that export all": {
        "all.ts": `export * from "./more.ts";`,
        "more.ts": `export * from "reprise";`,
        "pipeline.ts": `import { ActorEnvironment } from "./all.ts";\nconst gpu = new ActorEnvironment({ name: "gpu" });\nexport const f = gpu.${body}`,
      },
      "with a type": `${actors.replace("});", "}) satisfies ActorEnvironment;")}export const f = gpu.${body}`,
      "in a variable, as bundlers write it": `${actors.replace("const", "var")}export const f = gpu.${body}`,
      imported: from(`import { gpu } from "./actors.ts";`, "gpu"),
      "imported by another name": from(`import { gpu as env } from "./actors.ts";`, "env"),
      "in a namespace": from(`import * as all from "./actors.ts";`, "all.gpu"),
      "as default": from(`import gpu from "./actors.ts";`, "gpu", { "actors.ts": `${actors}export default gpu;` }),
      "as a default without a name": from(`import gpu from "./actors.ts";`, "gpu", {
        "actors.ts": `import { ActorEnvironment } from "reprise";\nexport default new ActorEnvironment({ name: "gpu" });`,
      }),
      "as a default that is imported": from(`import gpu from "./all.ts";`, "gpu", {
        "actors.ts": actors,
        "all.ts": `import { gpu } from "./actors.ts";\nexport default gpu;`,
      }),
      "exported again": from(`import { big } from "./all.ts";`, "big", {
        "actors.ts": actors,
        "all.ts": `export { gpu as big } from "./actors.ts";`,
      }),
      "exported again after an import": from(`import { gpu } from "./all.ts";`, "gpu", {
        "actors.ts": actors,
        "all.ts": `import { gpu } from "./actors.ts";\nexport { gpu };`,
      }),
      "exported with all": from(`import * as all from "./all.ts";`, "all.gpu", {
        "actors.ts": actors,
        "all.ts": `export * from "./actors.ts";`,
      }),
    }),
  )("is known %s, and is no part of the digest", async (_, files) => {
    expect(await codeOf(files)).toEqual(await codeOf(plain));
  });

  it("is not taken for one if it may be something else", async () => {
    const others = {
      "of another class": `class ActorEnvironment { func(id: string, run: unknown) { return run; } }\nconst gpu = new ActorEnvironment();`,
      "of a class of a package": `import { ActorEnvironment } from "somewhere";\nconst gpu = new ActorEnvironment();`,
      "assigned later": `${actors.replace("export const", "let")}if (process.argv[2]) gpu = other();\ndeclare function other(): ActorEnvironment;`,
      "made by a function":
        `${actors}const make = () => gpu;\n`.replace("gpu =", "made =").replace("=> gpu", "=> made") +
        "const gpu = make();",
    };
    for (const code of Object.values(others)) {
      await expect(codeOf(`${code}\nexport const f = gpu.${body}`)).rejects.toThrow("f is not found");
    }
  });

  it("is not taken for one where its name is that of a parameter", async () => {
    const code = (by: number) => `${actors}const use = (gpu) => gpu.func("g", { other: ${by} });
export const f = gpu.func("f", (n) => use(n));`;
    expect((await codeOf(code(1))).digest).not.toBe((await codeOf(code(2))).digest);
  });

  it("does not end in a circle of modules that export each other's defaults", async () => {
    const files = from(`import gpu from "./a.ts";`, "gpu", {
      "a.ts": `import x from "./b.ts";\nexport default x;`,
      "b.ts": `import y from "./a.ts";\nexport default y;`,
    });
    await expect(codeOf(files)).rejects.toThrow("f is not found");
  });
});

/** A func that uses a cached function; each text can be replaced by another. */
const cached = `import { ActorEnvironment } from "reprise";
const config = { dims: 3 };
const sized = (value: object) => Object.keys(value).length;
const embedder = new ActorEnvironment({ name: "e", replicas: { min: 0, max: 2 }, ttl: "30s", concurrency: 1, env: { A: "1" } });
const load = embedder.cache(async (name: string, options: object) => ({ name, options }), {
  name: "models", maxEntries: 2, maxBytes: 10, ttl: "1h", sizeOf: (model) => sized(model), dispose: (model) => void model,
  key: (name) => name,
});
embedder.warmup(load, "small", config);
export const f = embedder.func({ id: "f", cache: true, affinity: (n: number) => n, run: async (n: number) => (await load("small", config)).name.length + n });
`;
const edit = (text: string, to: string): string => {
  expect(cached).toContain(text);
  return cached.replace(text, () => to);
};

describe("a func that uses a cached function", () => {
  it("keeps its digest when what changes decides no result", async () => {
    const before = await codeOf(cached);
    expect(before).toMatchObject({ closure: ["f", "load", "config"], warnings: [] });
    const edits: Record<string, string> = {
      replicas: edit("max: 2", "max: 4"),
      "ttl of the environment": edit(`"30s"`, `"5m"`),
      concurrency: edit("concurrency: 1", "concurrency: 8"),
      env: edit(`A: "1"`, `A: process.env.A`),
      isolation: edit(`name: "e",`, `name: "e", isolation: "clean",`),
      resources: edit(`name: "e",`, `name: "e", resources: { memory: "1Gi" },`),
      name: edit(`name: "models", `, ""),
      maxEntries: edit("maxEntries: 2", "maxEntries: 3"),
      maxBytes: edit("maxBytes: 10", "maxBytes: 20"),
      "ttl of values": edit(`ttl: "1h"`, `ttl: "2h"`),
      sizeOf: edit("sized(model)", "sized(model) * 2"),
      "a helper of sizeOf": edit("Object.keys(value).length", "1"),
      dispose: edit("void model", "{}"),
      affinity: edit("=> n, run", "=> n % 2, run"),
      "arguments of a warm-up": edit(`warmup(load, "small"`, `warmup(load, "big"`),
      "a warm-up less": edit(`embedder.warmup(load, "small", config);\n`, ""),
      "another warm-up": edit("embedder.warmup", "embedder.warmup(() => { config.dims; });\nembedder.warmup"),
    };
    for (const [name, code] of Object.entries(edits))
      expect({ name, ...(await codeOf(code)) }).toEqual({ name, ...before });
  });

  it("has another digest when what it gets changes", async () => {
    const edits: Record<string, string> = {
      base: cached,
      "what is loaded": edit("({ name, options })", "({ name, options, more: 1 })"),
      "what it is loaded with": edit("dims: 3", "dims: 4"),
      key: edit("key: (name) => name", "key: (name) => name.trim()"),
      "no key": edit("  key: (name) => name,\n", ""),
      "hash and equals": edit("key: (name) => name", "hash: (name) => name, equals: (a, b) => a[0] === b[0]"),
      "another equals": edit("key: (name) => name", "hash: (name) => name, equals: (a, b) => a[0] == b[0]"),
      "the body": edit(".length + n", ".length - n"),
      // What is spread in may hold a key.
      "options that cannot be told": edit("  key: (name) => name,\n", "  ...config,\n"),
    };
    const seen = new Map<string, string>();
    for (const [name, code] of Object.entries(edits)) {
      const { digest } = await codeOf(code);
      expect([name, seen.get(digest)]).toEqual([name, undefined]);
      seen.set(digest, name);
    }
  });

  it("goes by the options of a cached function in whatever order they are written", async () => {
    const one = edit("key: (name) => name", "hash: (name) => name, equals: (a, b) => a[0] === b[0]");
    const other = edit("key: (name) => name", "equals: (a, b) => a[0] === b[0], hash: (name) => name");
    expect(await codeOf(one)).toEqual(await codeOf(other));
  });

  it("is not warned of what it keeps between runs", async () => {
    const { warnings } = await codeOf(`${actors}
let loads = 0;
const models = new Map<string, string>();
const load = gpu.cache((name: string) => { loads += 1; models.set(name, process.env.HOME ?? ""); return models; });
export const f = gpu.func("f", (name: string) => [load(name), loads]);`);
    expect(warnings).toEqual([]);
  });

  it("is warned if a warm-up assigns a variable that it uses, which then counts", async () => {
    const code = (value: number) => `${actors}let model = 0;
gpu.warmup(() => { model = ${value}; });
export const f = gpu.func("f", (n: number) => n + model);`;
    const before = await codeOf(code(1));
    expect(before.warnings).toEqual([expect.stringContaining(`assigns "model", which the func uses`)]);
    // The environment of the warm-up does not come with it.
    expect(before.closure).not.toContain("gpu");
    expect((await codeOf(code(2))).digest).not.toBe(before.digest);
  });

  it("does not depend on a cached function that it does not use, though that fills what it uses", async () => {
    const code = (value: number) => `${actors}const table = new Map<string, number>();
const load = gpu.cache((name: string) => { table.set(name, ${value}); return name; });
export const g = gpu.func("g", (name: string) => load(name));
export const f = gpu.func("f", (name: string) => table.get(name));`;
    expect(await codeOf(code(1))).toEqual(await codeOf(code(2)));
  });

  it("does not depend on who else is handed the cached function, as with other functions", async () => {
    const code = (handed: string) => `${actors}const load = gpu.cache((name: string) => ({ name }));
const register = (...all: unknown[]) => void all;
${handed}
export const f = gpu.func("f", (name: string) => load(name));`;
    expect(await codeOf(code("register(load);"))).toEqual(await codeOf(code("")));
  });
});

it("tells funcs of actors with computed ids apart by their place, also on one line", async () => {
  const folder = temporaryFolder();
  writeProgram(folder, {
    "pipeline.ts": `import { ActorEnvironment, func } from "reprise";
const gpu = new ActorEnvironment({ name: "gpu" });
const [a, b] = ["a", "b"];
export const one = gpu.func(a, () => 1), two = gpu
  .func(b, () => 2), plain = func("plain", () => 2);
export const three = gpu.func("c".toString(), () => 1), four = gpu.func("d".toString(), () => 2);
`,
  });
  const { a, b, c, d, plain: other } = await digestFolder(folder);
  expect([b?.digest, d?.digest]).toEqual([other?.digest, other?.digest]);
  expect([a?.digest, c?.digest]).not.toContain(other?.digest);
  expect(c?.digest).toBe(a?.digest);
});

it("digests the body alone as that of another func", async () => {
  const program = (by: number, head: string, name: string): Files => ({
    "pipeline.ts": `${head}\nconst by = ${by};\nexport const f = ${name}({ id: "f", cache: { version: "body" }, run: (n: number) => n * by });`,
  });
  const head = (ttl: string): string =>
    `import { ActorEnvironment } from "reprise";\nconst gpu = new ActorEnvironment({ name: import.meta.dirname.slice(-50), ttl: "${ttl}" });`;
  const { func, actor, other, edited } = await digestPrograms({
    func: program(2, `import { func } from "reprise";`, "func"),
    actor: program(2, head("1m"), "gpu.func"),
    other: program(3, head("2m"), "gpu.func"),
    edited: { "pipeline.ts": program(2, head("1m"), "gpu.func")["pipeline.ts"]?.replace("n * by", "n + by") ?? "" },
  });
  expect(actor?.["f"]?.body).toMatch(/^[0-9a-f]{64}$/);
  expect([actor?.["f"]?.body, other?.["f"]?.body]).toEqual([func?.["f"]?.body, func?.["f"]?.body]);
  expect(actor?.["f"]?.digest).toBe(func?.["f"]?.digest);
  expect(other?.["f"]?.digest).not.toBe(func?.["f"]?.digest);
  expect(edited?.["f"]?.body).not.toBe(func?.["f"]?.body);
});

it("says where a func of an actor has to be, if it is not found", async () => {
  const file = join(temporaryFolder(), "pipeline.ts");
  writeFileSync(
    file,
    `import { ActorEnvironment } from "reprise";\nconst make = () => new ActorEnvironment({ name: "a" });\nmake().${body}\n`,
  );
  const found = await new CodeDigests({ loadedAt: Infinity }).digestOf({
    id: "f",
    place: { file, line: 3, column: 8 },
  });
  expect(found).toMatchObject({
    digest: undefined,
    reason: expect.stringContaining(
      `write func("f", …) there, with func imported from "reprise", or env.func with an ActorEnvironment that is declared at the top of a module, or give a version`,
    ) as string,
  });
});

it("does not take funcs from a record of a reader that did not know those of actors", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "pipeline.ts");
  writeFileSync(file, `${actors}export const f = gpu.${body}\n`);
  const texts = new Map<string, string>();
  const cache = { get: (key: string) => texts.get(key), set: (key: string, text: string) => void texts.set(key, text) };
  const owner = { id: "f", place: { file, line: 3, column: 18 } };
  const { digest } = await new CodeDigests({ cache, loadedAt: Infinity }).digestOf(owner);
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
  for (const [key, text] of texts) {
    const { reader, ...record } = JSON.parse(text) as Record<string, unknown>;
    expect(reader).toBeTypeOf("number");
    texts.set(key, JSON.stringify({ ...record, parts: [], funcs: [] }));
  }
  expect((await new CodeDigests({ cache, loadedAt: Infinity }).digestOf(owner)).digest).toBe(digest);
});
