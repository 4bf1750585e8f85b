import { DuplicateFuncError, RepriseError } from "@reprise/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { definitionOf, func, isFuture, SilentRunner } from "./index.ts";

const run = <T>(future: Parameters<SilentRunner["run"]>[0]): Promise<T> => new SilentRunner().run(future) as Promise<T>;

function errorOf(act: () => unknown): RepriseError {
  try {
    act();
  } catch (error) {
    if (RepriseError.is(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("func", () => {
  it("in its short form takes an id and a body", async () => {
    const add = func("short", (a: number, b: number) => a + b);
    expect(add.id).toBe("short");
    expect((add as unknown as { name: string }).name).toBe("short");
    expect(await run(add(1, 2))).toBe(3);
  });

  it("in its full form takes everything", async () => {
    const train = func({
      id: "full",
      name: "Train the model",
      description: "Trains.",
      input: z.object({ epochs: z.number().default(3), verbose: z.boolean().optional() }),
      output: z.object({ loss: z.number() }),
      cache: { version: "v1", ignore: ["verbose"], maxAge: "30d", serialize: false, verify: 0.01, scope: "pipeline" },
      standalone: false,
      retry: { retries: 2, exceptions: [TypeError, "RateLimitError"], delay: "1s" },
      timeout: "30m",
      tags: ["nightly", "nightly", "gpu"],
      resources: { cpu: 2, memory: "4Gi", gpu: 1, kubernetes: { labels: { team: "ml" } } },
      run: async ({ epochs }) => ({ loss: 1 / epochs }),
    });
    const definition = definitionOf(train);
    expect(definition).toMatchObject({ id: "full", name: "Train the model", description: "Trains.", kind: "func" });
    expect(definition?.options).toMatchObject({ timeout: 1_800_000, tags: ["nightly", "gpu"], standalone: false });
    expect(definition?.options.retry).toMatchObject({ retries: 2, exceptions: ["TypeError", "RateLimitError"] });
    expect(await run(train({}))).toEqual({ loss: 1 / 3 });
  });

  it("runs nothing when it is called: it gives a future", () => {
    let executed = 0;
    const count = func("count", () => (executed += 1));
    expect(isFuture(count())).toBe(true);
    expect(executed).toBe(0);
  });

  it("normalises its id, so that two spellings of one text are one id", () => {
    func("caf\u00e9", () => 1);
    expect(() => func("cafe\u0301", () => 1)).toThrow(DuplicateFuncError);
  });

  it("knows where it was defined", () => {
    const here = func("here", () => 1);
    const place = definitionOf(here)?.place;
    expect(place?.file).toBe(import.meta.filename);
    expect(place?.line).toBeGreaterThan(60);
  });

  it("is no func of anything else", () => {
    for (const other of [undefined, null, 1, "f", {}, () => 1, Map]) expect(definitionOf(other)).toBeUndefined();
  });
});

describe("a body", () => {
  it.each<[string, unknown, RegExp]>([
    ["that is missing", undefined, /the body must be a function, not undefined/],
    ["that is null", null, /the body must be a function, not null/],
    [
      "that is an object",
      { run: 1 },
      /the body must be a function, not object\. With options, give one object: func\(\{ id,/,
    ],
    ["that is a generator", function* body() {}, /a body cannot be a generator\. Return an array/],
    ["that is an async generator", async function* body() {}, /a body cannot be a generator/],
    ["that is a class", RepriseError, /a body cannot be a class\. Give a function/],
  ])("%s is refused", (title, body, message) => {
    const error = errorOf(() => func(`body ${title}`, body as () => number));
    expect(error.code).toBe("FUNC_DEFINITION");
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(new RegExp(`^func "body ${title}" at .*func\\.test\\.ts:\\d+:\\d+: `));
  });

  it("is followed by nothing: options behind it would count for nothing", () => {
    const withOptions = func as unknown as (...args: unknown[]) => unknown;
    const error = errorOf(() => withOptions("with options", () => 1, { cache: true }));
    expect(error.code).toBe("FUNC_DEFINITION");
    expect(error.message).toMatch(/^func "with options" at .*func\.test\.ts:\d+:\d+: it takes an id and a body\. With/);
  });

  it("that is a func already is refused", () => {
    const inner = func("inner", () => 1);
    expect(errorOf(() => func("outer", inner as unknown as () => number)).message).toMatch(
      /the body is a func already\. Call it inside the body/,
    );
  });

  it("may be a method, a bound function or an async arrow", async () => {
    const holder = {
      factor: 3,
      times(n: number): number {
        return n * this.factor;
      },
    };
    expect(await run(func("bound", holder.times.bind(holder))(2))).toBe(6);
    expect(await run(func("arrow", async (n: number) => n + 1)(2))).toBe(3);
  });
});

describe("an id that is taken", () => {
  it("is refused, and both places are named", () => {
    func("taken", () => 1);
    const error = errorOf(() => func("taken", () => 2));
    expect(error).toBeInstanceOf(DuplicateFuncError);
    expect(error.code).toBe("DUPLICATE_FUNC");
    const places = error.message.match(/func\.test\.ts:\d+:\d+/g) ?? [];
    expect(new Set(places).size).toBe(2);
  });

  it("is refused also across two copies of the library", async () => {
    // A query makes the module another one, as a second installed copy of the library is.
    const query = "./func.ts?copy";
    const copy = (await import(query)) as { func: typeof func };
    expect(copy.func).not.toBe(func);
    func("shared", () => 1);
    expect(() => copy.func("shared", () => 2)).toThrow(/Two funcs have the id "shared"/);
    const foreign = copy.func("foreign", () => 1);
    expect(definitionOf(foreign)?.id).toBe("foreign");
    expect(() => func("foreign", () => 2)).toThrow(DuplicateFuncError);
  });

  it("is free again when the definition before it was refused", () => {
    expect(() => func({ id: "second try", timeout: -1, run: () => 1 })).toThrow(RepriseError);
    expect(func({ id: "second try", run: () => 1 }).id).toBe("second try");
  });
});

describe("an option", () => {
  const body = (): number => 1;
  const cases: [title: string, options: Record<string, unknown>, message: RegExp, code?: string][] = [
    ["id missing", { id: undefined }, /^func without an id at .*: give it an id/, "FUNC_DEFINITION"],
    ["id empty", { id: "  " }, /give it an id, a text of 1 to 200 characters/, "FUNC_DEFINITION"],
    ["id too long", { id: "x".repeat(201) }, /give it an id/, "FUNC_DEFINITION"],
    ["id with a line break", { id: "a\nb" }, /give it an id/, "FUNC_DEFINITION"],
    ["unknown", { retires: 3 }, /unknown option "retires"; known: id, name,/],
    ["name empty", { name: "" }, /name must be a text that is not empty/],
    ["name a number", { name: 3 }, /name must be a text/],
    ["description a number", { description: 3 }, /description must be a text/],
    ["input no schema", { input: { type: "object" } }, /input must be a Standard Schema/, "FUNC_DEFINITION"],
    ["input null", { input: null }, /input must be a Standard Schema/, "FUNC_DEFINITION"],
    ["output no schema", { output: () => true }, /output must be a Standard Schema/, "FUNC_DEFINITION"],
    ["cache a text", { cache: "yes" }, /^cache of func .*: must be true, false or an object/],
    ["cache unknown field", { cache: { ttl: 3 } }, /^cache of func .*: unknown field "ttl"; known: version,/],
    ["cache version empty", { cache: { version: "" } }, /a cached func needs a version .*, not an empty text; leave/],
    ["cache version blank", { cache: { version: " " } }, /a cached func needs a version .*, not an empty text/],
    ["cache version undefined", { cache: { version: undefined } }, /a cached func needs a version .*, not undefined/],
    ["cache version null", { cache: { version: null } }, /a cached func needs a version .*, not null/],
    ["cache version a number", { cache: { version: 3 } }, /a cached func needs a version .*, not number/],
    ["cache key and ignore", { cache: { key: () => 1, ignore: [] } }, /key and ignore exclude each other/],
    ["cache ignore", { cache: { ignore: "verbose" } }, /ignore must be an array of argument names/],
    ["cache key", { cache: { key: "day" } }, /key must be a function/],
    ["cache maxAge", { cache: { maxAge: "old" } }, /cache\.maxAge of func .* is not a length of time/],
    ["cache serialize", { cache: { serialize: 1 } }, /serialize must be true or false/],
    ["cache verify", { cache: { verify: 2 } }, /verify must be from 0 to 1/],
    ["cache verify no number", { cache: { verify: "0.5" } }, /verify must be from 0 to 1/],
    ["cache scope", { cache: { scope: "world" } }, /scope must be "namespace" or "pipeline"/],
    ["standalone", { standalone: "yes" }, /standalone must be true or false/],
    ["timeout 0", { timeout: 0 }, /^timeout of func .*: 0 is not a length of time/],
    ["timeout without unit", { timeout: "90" }, /^timeout of func .*: "90" is not a length of time/],
    ["retry a number", { retry: 3 }, /^retry of func .*: give an object such as \{ retries: 3 \}/],
    ["retry unknown field", { retry: { retries: 1, times: 3 } }, /^retry of func .*: unknown field "times"/],
    ["retry without retries", { retry: {} }, /retries must be a whole number from 0/],
    ["tags a text", { tags: "nightly" }, /tags must be an array of texts/],
    ["tags empty", { tags: [""] }, /tags must be an array of texts that are not empty/],
    ["resources null", { resources: null }, /^resources of func .*: must be an object/],
    ["resources unknown", { resources: { ram: 1 } }, /unknown field "ram"; known: cpu, memory, gpu, kubernetes/],
    ["resources cpu", { resources: { cpu: 0 } }, /cpu must be a number of cores above 0/],
    ["resources gpu", { resources: { gpu: 0.5 } }, /gpu must be a whole number from 0/],
    ["resources memory", { resources: { memory: "4 gigs" } }, /memory must be an amount such as "512Mi"/],
    ["resources kubernetes", { resources: { kubernetes: true } }, /kubernetes must be an object/],
    ["kubernetes unknown", { resources: { kubernetes: { nodes: {} } } }, /, kubernetes: unknown field "nodes"/],
  ];

  it.each(cases)("with a mistake is refused by name: %s", (title, options, message, code = "INVALID_OPTION") => {
    const id = `option ${title}`;
    const error = errorOf(() => func({ id, run: body, ...options }));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.message).toContain("id" in options ? "func.test.ts:" : `func "${id}" at `);
  });

  it("is refused also when the whole is no object and no id", () => {
    for (const first of [undefined, null, 3, true]) {
      expect(errorOf(() => func(first as unknown as string, body)).code).toBe("FUNC_DEFINITION");
    }
  });
});
