import { getEventListeners } from "node:events";
import { PipelineRunError, type RetryOptions, RunCanceledError, RunFailedError, TimeoutError } from "@reprise/core";
import { describe, expect, it } from "vitest";
import { context, func, type Future, SilentRunner } from "./index.ts";

const run = <T>(future: Future<T>): Promise<T> => new SilentRunner().run(future);

/** The chain of errors of a pipeline run that failed: its own, the run's where it began, the user's. */
async function chainOf(future: Future<unknown>): Promise<[PipelineRunError, RunFailedError, unknown]> {
  const error: unknown = await run(future).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof PipelineRunError)) throw new Error("the pipeline run did not fail", { cause: error });
  const cause = error.cause as RunFailedError;
  return [error, cause, cause.cause];
}

class DiskError extends Error {
  override readonly name = "DiskError";
  readonly code = "EDISK";
}
const disk = new DiskError("disk full", { cause: new Error("ENOSPC") });
const bad = func("bad", (): number => {
  throw disk;
});
const one = func("one", () => 1);
const add = func("add", (a: number, b: number) => a + b);

describe("a failure", () => {
  it("reaches the caller: the pipeline run's error, the run's, and the user's own", async () => {
    const root = func("direct", () => bad())();
    const [pipeline, failed, own] = await chainOf(root);
    expect(pipeline).toMatchObject({ code: "PIPELINE_RUN_FAILED", state: "FAILED", runId: root.$id, funcId: "direct" });
    expect(failed).toMatchObject({ code: "RUN_FAILED", funcId: "bad" });
    expect(own).toBe(disk);
    expect(pipeline.message).toMatch(
      /^Pipeline run .* of func "direct" failed: Run .* of func "bad" failed: disk full$/,
    );
  });

  it("of the root itself is told once", async () => {
    const [pipeline] = await chainOf(bad());
    expect(pipeline.message).toMatch(/^Pipeline run \S+ of func "bad" failed: disk full$/);
  });

  it("names the run where it began, however deep", async () => {
    const middle = func("middle", (n: number) => add(n, bad()));
    const [, failed] = await chainOf(func("deep", () => [one(), { x: middle(1) }])());
    expect(failed.funcId).toBe("bad");
  });

  it("may be any value", async () => {
    for (const thrown of ["a text", undefined, null, 404, { status: 500 }]) {
      const throwing = func(`throwing ${JSON.stringify(thrown)}`, () => {
        // oxlint-disable-next-line typescript/only-throw-error -- what others throw is what is tested
        throw thrown;
      });
      const [pipeline] = await chainOf(throwing());
      expect(pipeline.message).toContain(`of func "throwing ${JSON.stringify(thrown)}" failed`);
    }
  });

  it("may be a future, which is no error: that is said", async () => {
    const child = func("child of a thrower", () => 1);
    const throws = func("throws a future", async () => {
      await Promise.resolve();
      // oxlint-disable-next-line typescript/only-throw-error -- the mistake that is tested
      throw child();
    });
    const [pipeline] = await chainOf(throws());
    expect(pipeline.message).toContain('of func "throws a future" failed: ');
    expect(pipeline.message).toContain("The future of child of a thrower");
  });

  it("is one also when a body rejects", async () => {
    const [, , own] = await chainOf(func("rejecting", () => Promise.reject(disk))());
    expect(own).toBe(disk);
  });

  it("leaves independent branches alone only as long as the parent lives", async () => {
    const executed: string[] = [];
    const gate = Promise.withResolvers<void>();
    const slow = func("slow", async () => {
      executed.push("slow begins");
      await gate.promise;
      executed.push("slow ends");
      return context().signal.aborted;
    });
    const after = func("after", (aborted: boolean) => executed.push(`after ${aborted}`));
    const pipeline = func("branches", async () => {
      after(slow());
      await bad()
        .$value()
        .catch(() => undefined);
      gate.resolve();
      return "went on";
    });
    expect(await run(pipeline())).toBe("went on");
    expect(executed).toEqual(["slow begins", "slow ends", "after false"]);
  });

  it("keeps what needs the value from running", async () => {
    let executed = 0;
    const count = func("count", (n: number) => (executed += n));
    await expect(run(func("needing", () => count(add(bad(), 1)))())).rejects.toThrow("disk full");
    expect(executed).toBe(0);
  });
});

describe("a failure that a body waits for", () => {
  it("rejects $value with the run's error, whose cause is the original", async () => {
    const pipeline = func("catching", async () => {
      const future = bad();
      const error: unknown = await future.$value().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(RunFailedError);
      expect(error).toMatchObject({ runId: future.$id, funcId: "bad", cause: disk });
      return "handled";
    });
    expect(await run(pipeline())).toBe("handled");
  });

  it("is handled by catching, and the body may use another value", async () => {
    const pipeline = func("fallback", async () => {
      try {
        return await bad().$value();
      } catch {
        return one();
      }
    });
    expect(await run(pipeline())).toBe(1);
  });

  it("is handled also through a run that needed it, and through the map that needed it", async () => {
    const pipeline = func("through", async () => {
      const viaCall = await add(bad(), 1)
        .$value()
        .catch((error: Error) => error.message);
      const viaMap = await add
        .map([[1, bad()]])
        .$value()
        .catch((error: Error) => error.message);
      return [viaCall, viaMap];
    });
    const messages = (await run(pipeline())) as string[];
    for (const message of messages)
      expect(message).toMatch(/of func "add".* because run .* of func "bad" failed: disk full$/);
  });

  it("is no failure of the parent's own when it passes it on", async () => {
    let executed = 0;
    const pipeline = func({
      id: "passing on",
      retry: { retries: 3 },
      run: async () => {
        executed += 1;
        return (await bad().$value()) + 1;
      },
    });
    const [, failed, own] = await chainOf(pipeline());
    expect(failed.funcId).toBe("bad");
    expect(own).toBe(disk);
    expect(executed).toBe(1);
  });

  it("is the parent's own when it throws another error because of it", async () => {
    let executed = 0;
    const pipeline = func({
      id: "wrapping",
      retry: { retries: 1 },
      run: async () => {
        executed += 1;
        await bad()
          .$value()
          .catch((cause: unknown) => {
            throw new Error("cannot go on", { cause });
          });
      },
    });
    const [, failed, own] = await chainOf(pipeline());
    expect(failed.funcId).toBe("wrapping");
    expect(own).toMatchObject({ message: "cannot go on", cause: { name: "RunFailedError", cause: disk } });
    expect(executed).toBe(2);
  });

  it("is not handled when the result holds the future all the same", async () => {
    const pipeline = func("holding", async () => {
      const future = bad();
      await future.$value().catch(() => undefined);
      return { future };
    });
    const [, failed] = await chainOf(pipeline());
    expect(failed.funcId).toBe("bad");
  });

  it("does not handle the failure of another", async () => {
    const worse = func("worse", () => {
      throw new Error("worse");
    });
    const pipeline = func("half", async () => {
      worse();
      await bad()
        .$value()
        .catch(() => undefined);
      return 1;
    });
    const [, failed] = await chainOf(pipeline());
    expect(failed.funcId).toBe("worse");
  });

  it("comes once per wait, for all who wait", async () => {
    const pipeline = func("all", async () => {
      const future = bad();
      const settled = await Promise.allSettled([future.$value(), future.$value(), one().$value()]);
      return settled.map(({ status }) => status);
    });
    expect(await run(pipeline())).toEqual(["rejected", "rejected", "fulfilled"]);
  });
});

describe("retries", () => {
  it("execute N + 1 times, each with its own children and attempt number", async () => {
    const attempts: number[] = [];
    const children: number[] = [];
    const child = func("child", (n: number) => void children.push(n));
    const flaky = func({
      id: "flaky",
      retry: { retries: 3 },
      run: async () => {
        const { attempt } = context();
        attempts.push(attempt);
        await child(attempt).$value();
        if (attempt < 4) throw new Error("not yet");
        return attempt;
      },
    });
    expect(await run(flaky())).toBe(4);
    expect(attempts).toEqual([1, 2, 3, 4]);
    expect(children).toEqual([1, 2, 3, 4]);
    const broken = func({ id: "broken", retry: { retries: 2 }, run: () => (attempts.push(0), bad()) });
    await expect(run(broken())).rejects.toThrow("disk full");
    expect(attempts.filter((attempt) => attempt === 0)).toEqual([0]);
  });

  it("give each attempt its own copy of nothing but the same arguments", async () => {
    const seen: unknown[] = [];
    const flaky = func({
      id: "arguments",
      retry: { retries: 1 },
      run: (a: number, b: { c: number }) => {
        seen.push([a, b]);
        if (seen.length === 1) throw new Error("again");
        return a + b.c;
      },
    });
    expect(await run(func("with futures", () => flaky(one(), { c: one() }))())).toBe(2);
    expect(seen).toEqual([
      [1, { c: 1 }],
      [1, { c: 1 }],
    ]);
  });

  it("match classes and their ancestors, by name", async () => {
    class HttpError extends Error {}
    class RateLimitError extends HttpError {}
    const executions = async (thrown: Error, exceptions: RetryOptions["exceptions"]): Promise<number> => {
      let executed = 0;
      const flaky = func(`matching ${Math.random()}`, () => {
        executed += 1;
        throw thrown;
      });
      await run(flaky().$set({ retry: { retries: 1, exceptions } })).catch(() => undefined);
      return executed;
    };
    expect(await executions(new RateLimitError("x"), [HttpError])).toBe(2);
    expect(await executions(new RateLimitError("x"), ["RateLimitError"])).toBe(2);
    expect(await executions(new HttpError("x"), [RateLimitError])).toBe(1);
    expect(await executions(new TypeError("x"), [HttpError, "TypeError"])).toBe(2);
    expect(await executions(new TypeError("x"), [])).toBe(1);
  });

  it("survive a policy that throws: the run fails with its own error", async () => {
    const flaky = func({
      id: "bad policy",
      retry: {
        retries: 1,
        when: () => {
          throw new TypeError("the policy is broken");
        },
      },
      run: async () => {
        await Promise.resolve();
        throw disk;
      },
    });
    const [, failed, own] = await chainOf(flaky());
    expect(failed.funcId).toBe("bad policy");
    expect(own).toBe(disk);
  });

  it("wait for their delay", async () => {
    const times: number[] = [];
    const flaky = func({
      id: "delayed",
      retry: { retries: 2, delay: 40, factor: 2 },
      run: () => {
        times.push(performance.now());
        if (times.length < 3) throw new Error("again");
      },
    });
    await run(flaky());
    const waits = times.slice(1).map((time, at) => time - (times[at] ?? 0));
    // Timers of Node may fire up to a millisecond early.
    expect(waits[0]).toBeGreaterThanOrEqual(39);
    expect(waits[1]).toBeGreaterThanOrEqual(79);
  });
});

describe("timeouts", () => {
  const hang = func("hang", () => new Promise<number>(() => undefined));

  it("fail the run that did not end in time, and tell whose time it was", async () => {
    const [, failed, own] = await chainOf(func("timed", () => hang().$set({ timeout: 20, name: "wait for ever" }))());
    expect(failed.funcId).toBe("hang");
    expect(own).toBeInstanceOf(TimeoutError);
    expect((own as Error).message).toMatch(/^wait for ever#\w{8} did not finish within its timeout of 20 ms\./);
  });

  it("are charged to the tightest ancestor", async () => {
    const inner = func({ id: "inner", timeout: "1h", run: () => hang() });
    const middle = func({ id: "tight", timeout: 25, run: async () => inner().$value() });
    const [, failed, own] = await chainOf(func({ id: "outer", timeout: "2h", run: () => middle() })());
    expect(failed.funcId).toBe("tight");
    expect((own as Error).message).toMatch(/^tight#/);
  });

  it("of equal length in parent and child are charged to the parent, once", async () => {
    const child = func({ id: "equal child", timeout: 30, run: () => hang() });
    const [, failed] = await chainOf(func({ id: "equal parent", timeout: 30, run: () => child() })());
    expect(["equal parent", "equal child"]).toContain(failed.funcId);
  });

  it("start again with each attempt", async () => {
    const attempts: number[] = [];
    const slowOnce = func({
      id: "slow once",
      timeout: 100,
      retry: { retries: 1, exceptions: [TimeoutError] },
      run: () => {
        attempts.push(context().attempt);
        return attempts.length === 1 ? new Promise<string>(() => undefined) : "in time";
      },
    });
    expect(await run(slowOnce())).toBe("in time");
    expect(attempts).toEqual([1, 2]);
  });

  it("can be handled by the parent", async () => {
    const pipeline = func("handling", async () =>
      hang()
        .$set({ timeout: 10 })
        .$value()
        .catch((error: RunFailedError) => (error.cause as Error).name),
    );
    expect(await run(pipeline())).toBe("TimeoutError");
  });

  it("drop the late result of the body", async () => {
    const gate = Promise.withResolvers<number>();
    const late = func("late", () => gate.promise);
    const result = run(late().$set({ timeout: 10 }));
    await expect(result).rejects.toThrow(/did not finish within its timeout/);
    gate.resolve(1);
    await new Promise((resolve) => setImmediate(resolve));
    await expect(result).rejects.toThrow(/did not finish within its timeout/);
  });
});

describe("cancel", () => {
  async function started(): Promise<{ future: Future<void>; began: Promise<void>; reason: () => unknown }> {
    const began = Promise.withResolvers<void>();
    let reason: unknown;
    const wait = func(`wait ${Math.random()}`, () => {
      const { signal } = context();
      signal.addEventListener("abort", () => (reason = signal.reason as unknown));
      began.resolve();
      return new Promise<void>(() => undefined);
    });
    return { future: func(`pipeline ${Math.random()}`, () => wait())(), began: began.promise, reason: () => reason };
  }

  it("ends the pipeline run at once, though bodies do not listen", async () => {
    const { future, began, reason } = await started();
    const handle = await new SilentRunner().submit(future);
    await began;
    expect(await handle.cancel("no longer needed")).toBe(true);
    await expect(handle.result()).rejects.toMatchObject({
      name: "PipelineRunError",
      state: "CANCELED",
      message: expect.stringMatching(/^Pipeline run .* was canceled: no longer needed$/) as string,
    });
    expect(reason()).toBeInstanceOf(RunCanceledError);
    expect(await handle.cancel()).toBe(false);
  });

  it("comes by an AbortSignal, before, while and after it runs", async () => {
    const abort = new AbortController();
    const { future, began } = await started();
    const result = new SilentRunner({ signal: abort.signal }).run(future);
    await began;
    abort.abort(new Error("time to go"));
    await expect(result).rejects.toMatchObject({
      state: "CANCELED",
      message: expect.stringContaining("time to go") as string,
    });
    await expect(new SilentRunner({ signal: abort.signal }).run(one())).rejects.toMatchObject({ state: "CANCELED" });
    const late = new AbortController();
    expect(await new SilentRunner({ signal: late.signal }).run(one())).toBe(1);
    late.abort();
  });

  it("leaves no listener on a signal that outlives the run", async () => {
    const abort = new AbortController();
    await new SilentRunner({ signal: abort.signal }).run(one());
    expect(getEventListeners(abort.signal, "abort")).toEqual([]);
  });

  it("refuses what the bodies still ask for", async () => {
    const outcome = Promise.withResolvers<unknown[]>();
    const began = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const zombie = func("zombie", async () => {
      began.resolve();
      await gate.promise;
      const called = (() => {
        try {
          return one();
        } catch (error) {
          return error;
        }
      })();
      outcome.resolve([called]);
    });
    const handle = await new SilentRunner().submit(zombie());
    await began.promise;
    await handle.cancel("stop");
    gate.resolve();
    const [called] = await outcome.promise;
    expect(called).toBeInstanceOf(RunCanceledError);
  });
});
