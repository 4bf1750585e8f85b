import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";
import { isFinished, type RunCanceledError } from "@reprise/core";
import { describe, expect, test } from "vitest";
import { context, type RunContext } from "./context.ts";
import { func } from "./func.ts";
import { LocalRunner } from "./local-runner.ts";
import { homeOf, temporaryFolder } from "./testing/temporary-home.ts";
import { verifyHome } from "./testing/verify-home.ts";

/** Promises that bodies of a test settle, made anew for each test. */
let began = Promise.withResolvers<RunContext>();
let left = Promise.withResolvers<unknown>();
function expectBodies(): void {
  began = Promise.withResolvers();
  left = Promise.withResolvers();
}

const waits = func("waits", async () => {
  began.resolve(context());
  const { signal } = context();
  try {
    await pause(60_000, undefined, { signal });
  } finally {
    await pause(20);
    left.resolve(signal.reason);
  }
});
const ignores = func("ignores", async () => {
  began.resolve(context());
  await pause(600);
  return "late";
});
const work = func("work", async () => {
  const made = waits();
  await made.$value();
});
const small = func("small", (value: number) => value + 1);

async function states(path: string) {
  const home = await homeOf(path);
  const { runs } = await verifyHome(home);
  const pipelines = await home.backend.listPipelineRuns();
  return {
    pipelines: pipelines.map(({ state }) => state),
    reason: runs.get(pipelines[0]?.id ?? "")?.reason,
    open: [...runs.values()].filter(({ state }) => !isFinished(state)),
  };
}

describe("cancellation", () => {
  test("by the handle tells the bodies, waits for them a moment, and is recorded when it resolves", async () => {
    expectBodies();
    const home = temporaryFolder();
    const handle = await new LocalRunner({ home }).submit(work());
    await began.promise;
    expect(await handle.cancel("no longer needed")).toBe(true);
    expect(await states(home)).toEqual({ pipelines: ["CANCELED"], reason: "no longer needed", open: [] });
    expect((await left.promise) as RunCanceledError).toMatchObject({ name: "RunCanceledError" });
    await expect(handle.result()).rejects.toMatchObject({ name: "PipelineRunError", state: "CANCELED" });
    expect(await handle.cancel()).toBe(false);
  });

  test("by a signal gives its reason, also when it was aborted before", async () => {
    expectBodies();
    const home = temporaryFolder();
    const controller = new AbortController();
    const runner = new LocalRunner({ home, signal: controller.signal });
    const running = runner.run(work());
    await began.promise;
    controller.abort(new Error("closing time"));
    await expect(running).rejects.toMatchObject({ state: "CANCELED" });
    expect(await states(home)).toMatchObject({ reason: "closing time", open: [] });
    await expect(runner.run(work())).rejects.toThrow("closing time");
    expect(await states(home)).toMatchObject({ pipelines: ["CANCELED", "CANCELED"], open: [] });
  });

  test("by a signal that was aborted before keeps even a short body from running", async () => {
    const home = temporaryFolder();
    let ran = false;
    const short = func("short", () => {
      ran = true;
    });
    const runner = new LocalRunner({ home, signal: AbortSignal.abort(new Error("never mind")) });
    await expect(runner.run(short())).rejects.toMatchObject({ state: "CANCELED" });
    expect(ran).toBe(false);
    expect(await states(home)).toEqual({ pipelines: ["CANCELED"], reason: "never mind", open: [] });
  });

  test("at the moment when a map begins leaves it without elements", async () => {
    const home = temporaryFolder();
    let elements = 0;
    const element = func("element", (size: number) => {
      elements += 1;
      return size;
    });
    const items = func("items to map", () => Array.from({ length: 3 }, (_, size) => size));
    const controller = new AbortController();
    const runner = new LocalRunner({
      home,
      signal: controller.signal,
      onEvent: (event) => {
        if (event.type === "run" && event.kind === "map" && event.state === "RUNNING") controller.abort("too much");
      },
    });
    await expect(runner.run(func("mapping", () => element.map(items()))())).rejects.toMatchObject({
      state: "CANCELED",
    });
    await turn();
    expect(elements).toBe(0);
    expect(await states(home)).toEqual({ pipelines: ["CANCELED"], reason: "too much", open: [] });
  });

  test("by disposal of the handle ends the pipeline run", async () => {
    expectBodies();
    const home = temporaryFolder();
    {
      await using handle = await new LocalRunner({ home }).submit(work());
      await began.promise;
      expect(handle.id).toMatch(/^[0-9a-f-]{36}$/);
    }
    expect(await states(home)).toEqual({ pipelines: ["CANCELED"], reason: "the handle was disposed", open: [] });
  });

  test("does not wait for a body that ignores it", async () => {
    expectBodies();
    const home = temporaryFolder();
    const handle = await new LocalRunner({ home }).submit(ignores());
    const body = await began.promise;
    await handle.cancel();
    expect(body.signal.aborted).toBe(true);
    expect(await states(home)).toMatchObject({ pipelines: ["CANCELED"], open: [] });
  });
});

describe("a runner", () => {
  test("waits for its pipeline runs before it closes the store, and may be used again", async () => {
    const home = temporaryFolder();
    const runner = new LocalRunner({ home });
    const slow = func("slow", async () => {
      await pause(30);
      return "done";
    });
    const handle = await runner.submit(slow());
    await runner[Symbol.asyncDispose]();
    expect(await handle.result()).toBe("done");
    expect(await runner.run(small(1))).toBe(2);
    expect(await states(home)).toMatchObject({ pipelines: ["COMPLETE", "COMPLETE"] });
  });

  test("records funcs in the store at hand when several are in use", async () => {
    const [one, two] = [temporaryFolder(), temporaryFolder()];
    const other = func("other", () => 1);
    await new LocalRunner({ home: one }).run(other());
    await new LocalRunner({ home: one }).run(small(1));
    await new LocalRunner({ home: two }).run(small(2));
    const { backend } = await homeOf(two);
    const [pipeline] = await backend.listPipelineRuns();
    expect(await backend.listRuns(pipeline!.id)).toMatchObject([{ func: { id: "small" } }]);
    expect(await backend.check()).toEqual([]);
  });

  test("takes a future once, also when it is given twice at the same time", async () => {
    await using runner = new LocalRunner({ home: temporaryFolder() });
    const future = small(1);
    const [first, second] = await Promise.allSettled([runner.run(future), runner.run(future)]);
    expect(first).toEqual({ status: "fulfilled", value: 2 });
    expect(second).toMatchObject({ status: "rejected", reason: { code: "FUTURE_MISUSE" } });
  });

  test("runs many pipelines at once", async () => {
    const home = temporaryFolder();
    const runner = new LocalRunner({ home });
    const results = await Promise.all(Array.from({ length: 40 }, (_, number) => runner.run(small(number))));
    expect(results).toEqual(Array.from({ length: 40 }, (_, number) => number + 1));
    expect((await states(home)).pipelines).toHaveLength(40);
    expect(process.listenerCount("SIGINT") + process.listenerCount("exit")).toBeLessThan(20);
  });

  test("tells what happens in order", async () => {
    const told: string[] = [];
    const twice = func("twice", async (value: number) => {
      const one = await small(value).$value();
      return small(one);
    });
    await new LocalRunner({
      home: temporaryFolder(),
      onEvent: (event) => {
        if (event.type === "pipeline") told.push(event.state);
        else if (event.type === "run") told.push(`${event.name} ${event.state}`);
      },
    }).run(twice(1));
    expect(told[0]).toBe("RUNNING");
    expect(told.at(-1)).toBe("COMPLETE");
    expect(told.at(-2)).toBe("twice RESOLVED");
    expect(told.filter((line) => line === "small RESOLVED")).toHaveLength(2);
  });

  test.for([
    { delay: 0, waits: "" },
    { delay: 5, waits: ", waits for a retry in 5 ms" },
  ])("tells why an attempt failed that is tried again after $delay ms", async ({ delay, waits }) => {
    const told: string[] = [];
    const flaky = func({
      id: `flaky ${delay}`,
      retry: { retries: 1, delay, jitter: 0 },
      run: () => {
        if (context().attempt === 1) throw new RangeError("not yet");
        return "now";
      },
    });
    await new LocalRunner({
      home: temporaryFolder(),
      onEvent: (event) => {
        if (event.type !== "run") return;
        const failure = event.failure === undefined ? "" : `: ${event.failure.name}: ${event.failure.message}`;
        const waitsFor = event.waitsFor === undefined ? "" : `, waits for ${event.waitsFor}`;
        told.push(`${event.attempt} ${event.state}${failure}${waitsFor}`);
      },
    }).run(flaky());
    expect(told.filter((line) => line.includes("RETRYING"))).toEqual([`1 RETRYING: RangeError: not yet${waits}`]);
    expect(told.slice(-2)).toEqual(["2 RUNNING", "2 RESOLVED"]);
  });

  test.for([
    { durability: "never" },
    { concurrency: 0 },
    { maxParallelism: 0 },
    { maxParallelism: -1 },
    { infrastructureRetries: -1 },
    { hom: "/tmp" },
  ])("refuses %j", (options) => {
    expect(() => new LocalRunner(options as never)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }) as Error,
    );
  });
});

describe("the working directory of a body", () => {
  test("is fresh and private for each attempt, and gone after success and failure", async () => {
    const home = temporaryFolder();
    const paths: string[] = [];
    const uses = func({
      id: "uses a folder",
      retry: { retries: 1 },
      run: async () => {
        const { workdir } = context();
        paths.push(workdir);
        expect(context().workdir).toBe(workdir);
        expect(readdirSync(workdir)).toEqual([]);
        expect(statSync(workdir).mode & 0o777).toBe(0o700);
        writeFileSync(`${workdir}/file`, "content");
        await turn();
        expect(existsSync(`${workdir}/file`)).toBe(true);
        throw new Error("after use");
      },
    });
    await expect(new LocalRunner({ home }).run(uses())).rejects.toThrow("after use");
    expect(new Set(paths).size).toBe(2);
    const once = func("uses a folder once", () => context().workdir);
    const path = await new LocalRunner({ home }).run(once());
    expect([...paths, path].filter((made) => existsSync(made))).toEqual([]);
  });

  test("is gone after a cancellation, also that of a body which goes on using it", async () => {
    expectBodies();
    const home = temporaryFolder();
    const keeps = func("keeps a folder", async () => {
      writeFileSync(`${context().workdir}/file`, "content");
      began.resolve(context());
      await pause(60_000, undefined, { ref: false });
    });
    const handle = await new LocalRunner({ home }).submit(keeps());
    const { workdir } = await began.promise;
    await handle.cancel();
    expect(existsSync(workdir)).toBe(false);
  });

  test("is gone when its body has ended, not only with the pipeline run", async () => {
    const short = func("uses a folder for a while", () => context().workdir);
    const long = func("goes on", async () => {
      const path = await short().$value();
      await expect.poll(() => existsSync(path)).toBe(false);
      return "seen";
    });
    expect(await new LocalRunner({ home: temporaryFolder() }).run(long())).toBe("seen");
  });

  test("that cannot be removed fails nothing", async () => {
    const home = temporaryFolder();
    const gone = func("removes its folder itself", async () => {
      const { workdir } = context();
      const { rm, writeFile } = await import("node:fs/promises");
      await rm(workdir, { recursive: true });
      await writeFile(workdir, "a file in its place");
      return "fine";
    });
    expect(await new LocalRunner({ home }).run(gone())).toBe("fine");
    expect(readdirSync(`${home}/tmp`)).toEqual([]);
  });
});

describe("the context of a body", () => {
  test("follows it through all that is asynchronous", async () => {
    const seen: (string | undefined)[] = [];
    const follows = func("follows", async () => {
      const { runId } = context();
      await pause(1);
      seen.push(context().runId);
      await new Promise<void>((resolve) => setTimeout(() => seen.push(context().runId) && resolve(), 1));
      await Promise.all([1, 2].map(async () => turn().then(() => seen.push(context().runId))));
      await small(1).$value();
      seen.push(context().runId);
      return runId;
    });
    const several = func("several", () => [follows(), follows()]);
    const ids = await new LocalRunner({ home: temporaryFolder() }).run(several());
    expect(seen).toHaveLength(10);
    for (const id of ids) expect(seen.filter((one) => one === id)).toHaveLength(5);
  });

  test("refuses metrics and progress that mean nothing, naming the run", async () => {
    const messages: string[] = [];
    const wrong = func("wrong", () => {
      const { metric, progress } = {
        metric: context().metric.bind(context()),
        progress: context().progress.bind(context()),
      };
      const calls = [
        () => metric("", 1),
        () => metric("loss", Number.NaN),
        () => metric("loss", 1, "sum" as never),
        () => progress(-1),
        () => progress(1, Number.POSITIVE_INFINITY),
      ];
      for (const call of calls) {
        try {
          call();
        } catch (error) {
          messages.push((error as Error).message.replace(/run [0-9a-f-]{36}/, "run …"));
        }
      }
    });
    await new LocalRunner({ home: temporaryFolder() }).run(wrong());
    const place = 'in func "wrong", run …';
    expect(messages).toEqual([
      `context().metric ${place}: the name must be a text that is not empty.`,
      `context().metric ${place}: the value of "loss" must be a finite number, not NaN.`,
      `context().metric ${place}: the type must be "gauge" or "count".`,
      `context().progress ${place}: done must be a number from 0, not -1.`,
      `context().progress ${place}: total must be a number from 0, not Infinity.`,
    ]);
  });

  test("of an attempt that is over no longer tells progress", async () => {
    const home = temporaryFolder();
    let first: RunContext | undefined;
    const retried = func({
      id: "retried",
      retry: { retries: 1 },
      run: () => {
        if (context().attempt === 1) {
          first = context();
          throw new Error("again");
        }
        context().progress(2, 10);
        first?.progress(9, 10);
      },
    });
    await new LocalRunner({ home }).run(retried());
    const { backend } = await homeOf(home);
    const [pipeline] = await backend.listPipelineRuns();
    expect((await backend.getRun(pipeline!.id))?.progress).toEqual({ done: 2, total: 10, note: null });
  });
});

test("a pipeline run ends with its root, however long its program takes to be kept", async () => {
  const kept = Promise.withResolvers<null>();
  class SlowRunner extends LocalRunner {
    protected override keepCode(): Promise<null> {
      return kept.promise;
    }
  }
  const home = temporaryFolder();
  let ended = 0;
  const runner = new SlowRunner({
    home,
    onEvent: (event) => {
      if (event.type === "pipeline" && event.state === "COMPLETE") ended = event.time;
      // Long enough to be told apart from the root's end.
      if (event.type === "run" && event.state === "RESOLVED") setTimeout(() => kept.resolve(null), 500);
    },
  });
  await runner.run(small(1));
  const { backend } = await homeOf(home);
  const [pipeline] = await backend.listPipelineRuns();
  const root = await backend.getRun(pipeline!.id);
  expect(pipeline!.finishedAt).toBe(ended);
  expect(ended - root!.finishedAt!).toBeLessThan(400);
});
