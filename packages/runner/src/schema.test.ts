import type { RepriseError, RunFailedError } from "@reprise/core";
import { type } from "arktype";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { func, type Future, SilentRunner } from "./index.ts";

const run = <T>(future: Future<T>): Promise<T> => new SilentRunner().run(future);

/** The error of the run where a pipeline run failed. */
async function failureOf(future: Future<unknown>): Promise<RepriseError> {
  const error = (await run(future).then(
    () => ({}),
    (thrown: unknown) => thrown,
  )) as { cause?: RunFailedError };
  return error.cause?.cause as RepriseError;
}

/** One schema in three libraries: a count of at least 1, by default 3, and a list of names. */
const libraries = {
  zod: z.object({ count: z.number().min(1).default(3), names: z.array(z.object({ first: z.string() })).default([]) }),
  valibot: v.object({
    count: v.optional(v.pipe(v.number(), v.minValue(1)), 3),
    names: v.optional(v.array(v.object({ first: v.string() })), []),
  }),
  arktype: type({
    count: "number >= 1 = 3",
    names: type({ first: "string" })
      .array()
      .default(() => []),
  }),
};

describe.each(Object.entries(libraries))("an input schema of %s", (library, schema) => {
  const take = func({ id: `take with ${library}`, input: schema as typeof libraries.zod, run: (input) => input });

  it("gives the body what it makes of the input, defaults included", async () => {
    expect(await run(take({}))).toEqual({ count: 3, names: [] });
    expect(await run(take({ count: 5, names: [{ first: "Ada" }] }))).toEqual({ count: 5, names: [{ first: "Ada" }] });
  });

  it("checks before the body runs, and names func, path and reason", async () => {
    const error = await failureOf(take({ count: 0, names: [{ first: "Ada" }, { first: 5 as unknown as string }] }));
    expect(error.code).toBe("INPUT_INVALID");
    expect(error.message).toMatch(
      new RegExp(`^The input of func "take with ${library}", run .* does not match its schema:`),
    );
    expect(error.message).toMatch(/ {2}input\.count: .*1/);
    expect(error.message).toMatch(/ {2}input\.names\[1\]\.first: .*string/i);
  });

  it("checks values that came from futures", async () => {
    const number = func(`number for ${library}`, (n: number) => n);
    const pipeline = func(`pipeline with ${library}`, (n: number) => take({ count: number(n) }));
    expect(await run(pipeline(7))).toEqual({ count: 7, names: [] });
    expect((await failureOf(pipeline(0))).code).toBe("INPUT_INVALID");
  });

  it("refuses a second argument, which would be lost", () => {
    expect(() => (take as (...args: unknown[]) => unknown)({}, {})).toThrow(
      /takes one input, .* called with 2 arguments/,
    );
  });
});

describe("a schema", () => {
  it("may be asynchronous, in any library", async () => {
    const isFree = async (name: string): Promise<boolean> => {
      await Promise.resolve();
      return name !== "taken";
    };
    const byZod = func({
      id: "async zod",
      input: z.object({ name: z.string().refine(isFree, "not free") }),
      run: (i) => i.name,
    });
    const byValibot = func({
      id: "async valibot",
      input: v.objectAsync({ name: v.pipeAsync(v.string(), v.checkAsync(isFree, "not free")) }),
      run: (i) => i.name,
    });
    for (const claim of [byZod, byValibot]) {
      expect(await run(claim({ name: "new" }))).toBe("new");
      expect((await failureOf(claim({ name: "taken" }))).message).toMatch(/ {2}input\.name: not free$/);
    }
  });

  it("that is asynchronous leaves no failure behind unseen", async () => {
    // oxlint-disable-next-line unicorn/no-thenable -- the trouble that is tested
    const result = Object.defineProperty({}, "then", {
      get: () => {
        throw new Error("no promise, and not willing to say so");
      },
    });
    const input = z.number().refine(async () => Promise.resolve(true));
    const odd = func({ id: "odd result", input, run: () => result });
    expect((await failureOf(odd(1))).message).toBe("no promise, and not willing to say so");
  });

  it("may transform: the body gets what comes out", async () => {
    const at = func({
      id: "transform",
      input: z.object({ when: z.string().transform((text) => new Date(text)) }),
      run: ({ when }) => when.getUTCFullYear(),
    });
    expect(await run(at({ when: "2020-05-01" }))).toBe(2020);
  });

  it("of an input that may be missing lets it be missing", async () => {
    const optional = func({ id: "optional", input: z.object({ n: z.number() }).optional(), run: (i) => i?.n ?? 0 });
    expect(await run(optional())).toBe(0);
    expect(await run(optional({ n: 2 }))).toBe(2);
  });

  it("that throws fails the run with what it threw", async () => {
    const broken = func({
      id: "broken schema",
      input: z.object({ n: z.number() }).transform(() => {
        throw new TypeError("the schema is broken");
      }),
      run: () => 1,
    });
    expect(await failureOf(broken({ n: 1 }))).toMatchObject({ name: "TypeError", message: "the schema is broken" });
  });

  it("names at most ten reasons and counts the rest", async () => {
    const many = func({ id: "many", input: z.object({ ns: z.array(z.number()) }), run: () => 1 });
    const error = await failureOf(many({ ns: Array.from({ length: 25 }, () => "x") as unknown as number[] }));
    expect(error.message.match(/input\.ns\[\d+\]:/g)?.length).toBe(10);
    expect(error.message).toMatch(/\n {2}… and 15 more$/);
  });

  it("of a func that is mapped checks each item", async () => {
    const parse = func({ id: "parse", input: z.object({ n: z.number() }), run: ({ n }) => 2 * n });
    const pipeline = func("parse all", () => parse.map([{ n: 1 }, { n: "x" as unknown as number }], { tolerate: 1 }));
    const [first, second] = (await run(pipeline())) as [number, { failure: { code: string } }];
    expect(first).toBe(2);
    expect(second.failure.code).toBe("INPUT_INVALID");
  });
});

describe("an output schema", () => {
  it("gives callers what it makes of the result", async () => {
    const shaped = func({
      id: "shaped",
      output: z.object({ loss: z.number().default(1) }),
      run: () => ({ extra: true }) as { loss?: number },
    });
    expect(await run(shaped())).toEqual({ loss: 1 });
  });

  it("checks a result, and names func, path and reason", async () => {
    const wrong = func({
      id: "wrong",
      output: v.object({ loss: v.number() }),
      run: () => ({ loss: "low" as unknown as number }),
    });
    const error = await failureOf(wrong());
    expect(error.code).toBe("OUTPUT_INVALID");
    expect(error.message).toMatch(/^The output of func "wrong", run .* does not match its schema:\n {2}output\.loss: /);
  });

  it("checks a result that was put together from futures", async () => {
    const loss = func("loss", (value: unknown) => value as number);
    const assembled = func({
      id: "assembled",
      input: z.object({ value: z.unknown() }),
      output: z.object({ loss: z.number() }),
      run: ({ value }) => ({ loss: loss(value) }),
    });
    expect(await run(assembled({ value: 2 }))).toEqual({ loss: 2 });
    expect((await failureOf(assembled({ value: "low" }))).message).toMatch(/ {2}output\.loss: /);
    const passed = func({ id: "passed on", output: z.number().transform((n) => n + 1), run: () => loss(1) });
    expect(await run(passed())).toBe(2);
  });

  it("counts as the body's error: it is retried", async () => {
    let executed = 0;
    const flaky = func({
      id: "flaky output",
      output: z.number(),
      retry: { retries: 2 },
      run: () => {
        executed += 1;
        return executed < 3 ? ("no number" as unknown as number) : executed;
      },
    });
    expect(await run(flaky())).toBe(3);
    executed = -9;
    await expect(run(flaky())).rejects.toThrow(/does not match its schema/);
    expect(executed).toBe(-6);
  });

  it("can be left out of retries by the error's class", async () => {
    let executed = 0;
    const strict = func({
      id: "strict output",
      output: z.number(),
      retry: { retries: 5, exceptions: [TypeError] },
      run: () => {
        executed += 1;
        return "no number" as unknown as number;
      },
    });
    await expect(run(strict())).rejects.toThrow(/does not match its schema/);
    expect(executed).toBe(1);
  });

  it("may be asynchronous", async () => {
    const slow = func({
      id: "slow output",
      output: z.number().refine(async (n) => Promise.resolve(n > 0)),
      run: (n: number) => n,
    });
    expect(await run(slow(1))).toBe(1);
    expect((await failureOf(slow(-1))).code).toBe("OUTPUT_INVALID");
  });
});
