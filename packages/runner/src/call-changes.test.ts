import { RepriseError } from "@reprise/core";
import { describe, expect, it } from "vitest";
import { type CallOptions, context, func, type Future, order, SilentRunner } from "./index.ts";

const run = <T>(future: Future<T>): Promise<T> => new SilentRunner().run(future);

const one = func("one", () => 1);
const identity = func("identity", (value: unknown) => value);

async function errorIn(body: () => unknown): Promise<RepriseError> {
  const pipeline = func(`pipeline ${Math.random()}`, body);
  const error = (await run(pipeline() as Future<unknown>).catch((thrown: unknown) => thrown)) as Error;
  const cause = (error.cause as Error | undefined)?.cause;
  if (!RepriseError.is(cause)) throw new Error("no error of reprise", { cause: error });
  return cause;
}

describe("$set", () => {
  it("changes this one call and no other", async () => {
    let executed = 0;
    const flaky = func("flaky", () => {
      executed += 1;
      if (executed < 3) throw new Error("not yet");
      return executed;
    });
    const pipeline = func("set", () => flaky().$set({ retry: { retries: 2 } }));
    expect(await run(pipeline())).toBe(3);
    executed = 0;
    await expect(run(func("unset", () => flaky())())).rejects.toThrow("not yet");
    expect(executed).toBe(1);
  });

  it("gives the same future, so that calls chain; what is given later wins", async () => {
    const pipeline = func("chained", () => {
      const future = one();
      expect(
        future
          .$set({ name: "a" })
          .$set({ tags: ["x"] })
          .$set({ name: "b", timeout: "1h" }),
      ).toBe(future);
      return future;
    });
    expect(await run(pipeline())).toBe(1);
  });

  it("works on a root", async () => {
    let executed = 0;
    const flaky = func("flaky root", () => {
      executed += 1;
      if (executed === 1) throw new Error("not yet");
      return "done";
    });
    expect(await run(flaky().$set({ retry: { retries: 1 } }))).toBe("done");
  });

  it("sets a timeout that counts", async () => {
    const hang = func("hang", () => new Promise<void>(() => undefined));
    await expect(run(hang().$set({ timeout: 20 }))).rejects.toThrow(
      /hang#.* did not finish within its timeout of 20 ms/,
    );
  });

  it.each<[string, unknown, RegExp]>([
    ["an unknown field", { nmae: "x" }, /unknown option "nmae"; known: name, tags, cache,/],
    ["an empty name", { name: " " }, /name must be a text/],
    ["tags that are no array", { tags: "x" }, /tags must be an array of texts/],
    ["a cache that is none", { cache: 3 }, /cache of \$set of func "one": must be true, false or an object/],
    ["standalone that is no boolean", { standalone: 1 }, /standalone must be true or false/],
    ["a timeout that is none", { timeout: "soon" }, /timeout of \$set of func "one": "soon" is not/],
    ["a retry without retries", { retry: {} }, /retry of \$set of func "one": retries/],
    ["resources that are none", { resources: { cpu: -1 } }, /resources of \$set of func "one": cpu/],
    ["the body", { run: () => 1 }, /unknown option "run"/],
    ["nothing", null, /options must be an object/],
  ])("refuses %s at once", async (_, options, message) => {
    const error = await errorIn(() => one().$set(options as CallOptions));
    expect(error.code).toBe("INVALID_OPTION");
    expect(error.message).toMatch(message);
  });

  it("refuses parts", async () => {
    const error = await errorIn(() => func("parted", () => ({ a: 1 }))().a.$set({ name: "x" }));
    expect(error.message).toMatch(
      /\$set works on the future of a call, not on a part of it \(the future of parted\.a\)/,
    );
  });

  it("refuses to come too late", async () => {
    const error = await errorIn(async () => {
      const future = one();
      await Promise.resolve();
      await Promise.resolve();
      future.$set({ name: "late" });
    });
    expect(error.message).toMatch(/\$set came too late for func "one", run .*: it has been handed to the runner/);
  });
});

describe("$after and order", () => {
  const log: string[] = [];
  const step = func("step", async (name: string) => {
    log.push(`${name} begins`);
    await Promise.resolve();
    log.push(`${name} ends`);
    return name;
  });

  it("start a call only when the others have succeeded", async () => {
    log.length = 0;
    const pipeline = func("after", () => {
      const c = step("c");
      const [a, b] = [step("a"), step("b")];
      c.$after(a, b);
      return [a, b, c];
    });
    expect(await run(pipeline())).toEqual(["a", "b", "c"]);
    expect(log.slice(0, 4).toSorted()).toEqual(["a begins", "a ends", "b begins", "b ends"]);
    expect(log.slice(4)).toEqual(["c begins", "c ends"]);
  });

  it("order a list, and maps, and parts", async () => {
    log.length = 0;
    const pipeline = func("ordered", () => {
      const last = step("last");
      const middle = step.map(["m"]);
      order(step("first"), middle[0] === undefined ? middle : middle, last);
      return last;
    });
    await run(pipeline());
    expect(log).toEqual(["first begins", "first ends", "m begins", "m ends", "last begins", "last ends"]);
  });

  it("wait for the whole call when given a part", async () => {
    log.length = 0;
    const object = func("object", async (name: string) => ({ name: await step(name).$value() }));
    const pipeline = func("after part", () => step("second").$after(object("first").name));
    await run(pipeline());
    expect(log).toEqual(["first begins", "first ends", "second begins", "second ends"]);
  });

  it("keep a call from running if one before it fails", async () => {
    log.length = 0;
    const bad = func("bad", () => {
      throw new Error("broken");
    });
    const pipeline = func("after bad", async () => {
      const before = bad();
      const later = step("later").$after(before);
      const error = await later.$value().catch((thrown: unknown) => thrown);
      return (error as Error).message;
    });
    expect(await run(pipeline())).toMatch(/of func "step" failed, because run .* of func "bad" failed: broken$/);
    expect(log).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    [
      "itself",
      () => {
        const a = one();
        return a.$after(a);
      },
    ],
    [
      "two of each other",
      () => {
        const [a, b] = [one(), one()];
        a.$after(b);
        return b.$after(a);
      },
    ],
    [
      "three in a ring",
      () => {
        const [a, b, c] = [one(), one(), one()];
        return order(a, b, c, a);
      },
    ],
    [
      "against its data",
      () => {
        const a = one();
        return a.$after(identity(a));
      },
    ],
    [
      "against its data, deep",
      () => {
        const a = one();
        return a.$after(identity({ x: [identity(new Map([[1, a]]))] }));
      },
    ],
    [
      "against its data, through a map",
      () => {
        const a = one();
        return a.$after(identity.map([1, a]));
      },
    ],
    [
      "against its data and an order",
      () => {
        const [a, b] = [one(), one()];
        b.$after(a);
        return a.$after(identity(b));
      },
    ],
  ])("refuse a cycle when it is made: %s", async (_, body) => {
    const error = await errorIn(body);
    expect(error.code).toBe("CYCLE");
    expect(error.message).toMatch(/^func "one", run .* cannot start after .*: it would never start\.$/);
  });

  it("allow what looks like a cycle and is none", async () => {
    const pipeline = func("diamond", () => {
      const [a, b, c, d] = [one(), one(), one(), one()];
      order(a, b, d);
      order(a, c, d);
      d.$after(a, identity([a, b]));
      return d;
    });
    expect(await run(pipeline())).toBe(1);
  });

  it("stay cheap for long orders", async () => {
    const pipeline = func("long", () => {
      const all = Array.from({ length: 5_000 }, () => one());
      order(...all);
      return all.length;
    });
    expect(await run(pipeline())).toBe(5_000);
  });

  it.each<[string, () => unknown, RegExp]>([
    ["a func", () => one().$after(identity as never), /\$after takes futures, .* not a function: call it first/],
    [
      "a plain function",
      () => one().$after((() => 1) as never),
      /\$after takes futures, .* not a function: call it first/,
    ],
    ["a value", () => order(one(), 3 as never), /order takes futures, the results of calling funcs, not number/],
    ["a value in front", () => order("x" as never, one()), /\$after takes futures, .* not string/],
    [
      "a part to be ordered",
      () => func("obj", () => ({ a: 1 }))().a.$after(one()),
      /\$after works on the future of a call/,
    ],
  ])("refuse %s", async (_, body, message) => {
    const error = await errorIn(body);
    expect(error.code).toBe("FUTURE_MISUSE");
    expect(error.message).toMatch(message);
  });

  it("refuse to come too late", async () => {
    const error = await errorIn(async () => {
      const future = one();
      await future.$value();
      future.$after(one());
    });
    expect(error.message).toMatch(/\$after came too late for func "one"/);
  });

  it("refuse futures of another body, and of no body", async () => {
    const outside = one();
    expect((await errorIn(() => one().$after(outside))).message).toMatch(
      /takes futures that were made in the same body/,
    );
    expect(() => one().$after(outside)).toThrow(/was called outside a body, where nothing can be ordered/);
    expect(() => order(one(), one())).toThrow(/was called outside a body/);
  });

  it("leave the calls of a body that does not use them as they are", async () => {
    const attempt = func("attempt", () => context().attempt);
    expect(await run(func("plain", () => attempt())())).toBe(1);
  });
});
