import { type PipelineRunError, RepriseError, type RunFailedError } from "@reprise/core";
import { describe, expect, it } from "vitest";
import { func, type Future, Runner, type RunHandle, SilentRunner, type SilentRunnerOptions } from "./index.ts";

const one = func("one", () => 1);
const add = func("add", (a: number, b: number) => a + b);

describe("SilentRunner", () => {
  it("runs many futures, one after the other and at once", async () => {
    const runner = new SilentRunner();
    expect(await runner.run(add(1, 2))).toBe(3);
    expect(await Promise.all([runner.run(add(1, 1)), runner.run(add(2, 2))])).toEqual([2, 4]);
  });

  it("hands values on as they are", async () => {
    const socket = { send: () => "sent" };
    const make = func("make", () => socket);
    const use = func("use", (it: typeof socket) => it === socket && it.send());
    expect(await new SilentRunner().run(func("share", () => use(make()))())).toBe("sent");
  });

  it.each<[unknown, RegExp]>([
    [{ concurrency: 0 }, /concurrency must be a whole number above 0, not 0/],
    [{ concurrency: -1 }, /concurrency must be a whole number above 0/],
    [{ concurrency: 1.5 }, /concurrency/],
    [{ concurrency: "4" }, /concurrency/],
    [{ paralellism: 4 }, /SilentRunner: unknown option "paralellism"; known: concurrency, signal/],
  ])("refuses the options %j", (options, message) => {
    expect(() => new SilentRunner(options as SilentRunnerOptions)).toThrow(message);
  });

  it("executes as many bodies at once as its concurrency says", async () => {
    let executing = 0;
    let most = 0;
    const work = func("work", async () => {
      executing += 1;
      most = Math.max(most, executing);
      await new Promise((resolve) => setImmediate(resolve));
      executing -= 1;
    });
    const pipeline = func("many", () => Array.from({ length: 12 }, () => work()));
    await new SilentRunner({ concurrency: 3 }).run(pipeline());
    expect(most).toBe(3);
    most = 0;
    await new SilentRunner().run(pipeline());
    expect(most).toBe(12);
  });

  it("never starves bodies that wait within bodies, even with one slot", async () => {
    const depth: (n: number) => Future<number> = func("depth", async (n: number): Promise<number> => {
      if (n === 0) return 0;
      const [left, right] = await Promise.all([depth(n - 1).$value(), depth(n - 1).$value()]);
      return left + right + 1;
    });
    expect(await new SilentRunner({ concurrency: 1 }).run(depth(6))).toBe(63);
  });

  it("lets a body go on with the first of several values", async () => {
    const gate = Promise.withResolvers<string>();
    const slow = func("slow", () => gate.promise);
    const fast = func("fast", () => "fast");
    const race = func("race", async () => {
      const winner = await Promise.race([slow().$value(), fast().$value()]);
      gate.resolve("slow");
      return winner;
    });
    expect(await new SilentRunner({ concurrency: 2 }).run(race())).toBe("fast");
  });
});

describe("a long-running pipeline", () => {
  it("lets timers and signals be heard between bodies that block the thread", async () => {
    let executed = 0;
    const block = func("block", () => {
      const end = performance.now() + 12;
      while (performance.now() < end);
      executed += 1;
    });
    let heard = -1;
    setImmediate(() => (heard = executed));
    await new SilentRunner().run(func("blocking", () => Array.from({ length: 20 }, () => block()))());
    expect(executed).toBe(20);
    expect(heard).toBeLessThan(5);
  });

  it("lets them be heard also when work goes on by microtasks alone", async () => {
    const heard = new AbortController();
    let loops = 0;
    const loop = func("loop", async () => {
      setImmediate(() => heard.abort());
      while (!heard.signal.aborted && loops < 200_000) loops += await one().$value();
      return heard.signal.aborted;
    });
    expect(await new SilentRunner().run(loop())).toBe(true);
    expect(loops).toBeGreaterThan(0);
  });
});

describe("what a runner is given", () => {
  const misuse = (given: unknown): Promise<unknown> =>
    new SilentRunner().run(given as Future<unknown>).then(
      () => undefined,
      (error: unknown) => error,
    );

  it.each<[string, () => unknown, RegExp]>([
    ["a func that was not called", () => one, /not a function: call it first, as in run\(pipeline\(input\)\)/],
    ["a value", () => 3, /A runner takes the future that calling a func gives, not a value of type number/],
    ["nothing", () => undefined, /not undefined/],
    ["a promise", () => Promise.resolve(1), /not a value of type object/],
    [
      "a part",
      () => func("parts", () => ({ a: 1 }))().a,
      /takes the future of a whole call of func "parts", not a part/,
    ],
    ["a root with a future as input", () => add(one(), 1), /All arguments of a root must be plain values/],
    [
      "a root with a future deep inside",
      () => func("deep", (x: unknown) => x)({ a: [one()] }),
      /of a root must be plain/,
    ],
    ["a map with a future as item", () => func("each", (x: unknown) => x).map([one()]), /of a root must be plain/],
  ])("must not be %s", async (_, make, message) => {
    const error = await misuse(make());
    expect(RepriseError.is(error, "FUTURE_MISUSE")).toBe(true);
    expect((error as Error).message).toMatch(message);
  });

  it("is refused as often as it is given", async () => {
    const root = add(one(), 1);
    for (const _ of [1, 2]) expect(RepriseError.is(await misuse(root), "FUTURE_MISUSE")).toBe(true);
  });

  it("can be given once", async () => {
    const root = one();
    await new SilentRunner().run(root);
    expect(((await misuse(root)) as Error).message).toMatch(/was given to a runner before\. Call the func again/);
  });

  it("must not be inside a body", async () => {
    const nested = func("nested", () => new SilentRunner().run(one()));
    const error = (await misuse(nested())) as PipelineRunError & { cause: RunFailedError };
    expect((error.cause.cause as Error).message).toMatch(
      /^A runner was used inside the body of func "nested", run .*\. Inside a body, call the func and return its future/,
    );
  });

  it("must not have been made inside a body", async () => {
    let leaked: Future<number> | undefined;
    await new SilentRunner().run(func("leaking", () => void (leaked = one()))());
    expect(((await misuse(leaked)) as Error).message).toMatch(/was made inside a body: only futures made outside/);
  });

  it("may be a map", async () => {
    expect(
      await new SilentRunner().run(
        add.map([
          [1, 2],
          [3, 4],
        ]),
      ),
    ).toEqual([3, 7]);
  });
});

describe("Runner", () => {
  it("is the base of runners of one's own", async () => {
    class Twice extends Runner {
      readonly #inner = new SilentRunner();
      override submit<T>(future: Future<T>): Promise<RunHandle<T>> {
        return this.#inner.submit(future);
      }
    }
    expect(await new Twice().run(one())).toBe(1);
  });
});

describe("a handle", () => {
  it("has the id of the run, and the result as often as it is asked for", async () => {
    const root = one();
    const handle = await new SilentRunner().submit(root);
    expect(handle.id).toBe(root.$id);
    expect([await handle.result(), await handle.result()]).toEqual([1, 1]);
    expect(await handle.cancel()).toBe(false);
  });

  it("cancels what has not finished when it is disposed", async () => {
    let reason: unknown;
    const started = Promise.withResolvers<void>();
    const wait = func("wait", (context: { signal: AbortSignal }) => {
      context.signal.addEventListener("abort", () => (reason = context.signal.reason as unknown));
      started.resolve();
      return new Promise<void>(() => undefined);
    }) as unknown as () => Future<void>;
    let result: Promise<void>;
    {
      await using handle = await new SilentRunner().submit(wait());
      result = handle.result();
      await started.promise;
    }
    await expect(result).rejects.toMatchObject({ state: "CANCELED" });
    expect(String(reason)).toMatch(/RunCanceledError: .*the handle was disposed/);
  });

  it("does not crash the process when nobody asks for the failure", async () => {
    const handle = await new SilentRunner().submit(
      func("unheard", () => {
        throw new Error("nobody listens");
      })(),
    );
    await new Promise((resolve) => setImmediate(resolve));
    await expect(handle.result()).rejects.toThrow("nobody listens");
  });
});
