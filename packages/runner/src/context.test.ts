import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { NotInFuncError } from "@reprise/core";
import { describe, expect, it } from "vitest";
import { context, func, type Future, type RunContext, SilentRunner } from "./index.ts";

const run = <T>(future: Future<T>): Promise<T> => new SilentRunner().run(future);

describe("context()", () => {
  it("throws outside a body", () => {
    expect(() => context()).toThrow(NotInFuncError);
    expect(() => context()).toThrow(/^context\(\) works only inside the body of a func\. Call it inside a body/);
  });

  it("is what the body is given as its last parameter", async () => {
    const same = func("same", (given: RunContext) => given === context());
    expect(await run(func("same context", (ctx: RunContext) => ctx === context())())).toBe(true);
    expect(await run((same as unknown as () => Future<boolean>)())).toBe(false);
  });

  it("can be taken apart", async () => {
    const work = func("taken apart", () => {
      const { metric, progress, log } = context();
      metric("loss", 0.5);
      progress(1, 2, "half");
      log.info("done");
      return "well";
    });
    expect(await run(work())).toBe("well");
    const bad = func("taken apart badly", ({ progress }: { progress?: number }, context: RunContext) => {
      const { progress: say } = context;
      say(progress ?? -1);
    });
    await expect(run(bad({}))).rejects.toThrow(
      /progress in func "taken apart badly", run .*: done must be a number from 0/,
    );
  });

  it("tells run, root, func and attempt", async () => {
    const seen: Record<string, unknown>[] = [];
    const note = (): void => {
      const { runId, rootId, funcId, attempt } = context();
      seen.push({ runId, rootId, funcId, attempt });
    };
    const child = func({
      id: "child",
      retry: { retries: 1 },
      run: () => {
        note();
        if (context().attempt === 1) throw new Error("again");
      },
    });
    let childId = "";
    const parent = func("parent", () => {
      note();
      const future = child();
      childId = future.$id;
      return future;
    });
    const root = parent();
    await run(root);
    expect(seen).toEqual([
      { runId: root.$id, rootId: root.$id, funcId: "parent", attempt: 1 },
      { runId: childId, rootId: root.$id, funcId: "child", attempt: 1 },
      { runId: childId, rootId: root.$id, funcId: "child", attempt: 2 },
    ]);
  });

  it("follows await, timers, promises and callbacks, for bodies that run at once", async () => {
    const whereabouts = func("whereabouts", async (name: string) => {
      await turn();
      const ids = [context().runId];
      await Promise.resolve().then(() => ids.push(context().runId));
      await new Promise<void>((resolve) => setTimeout(() => resolve(void ids.push(context().runId)), 1));
      return new Set(ids).size === 1 ? `${name} ${ids[0]}` : "lost";
    });
    const pipeline = func("at once", () => {
      const futures = ["a", "b", "c"].map((name) => whereabouts(name));
      return futures.map((future) => ({ id: future.$id, said: future }));
    });
    const results = (await run(pipeline())) as unknown as { id: string; said: string }[];
    expect(results.map(({ id, said }) => said.endsWith(id))).toEqual([true, true, true]);
  });

  it("is the child's inside a child, and the parent's again afterwards", async () => {
    const child = func("inner", () => context().funcId);
    const parent = func("outer", async () => [context().funcId, await child().$value(), context().funcId]);
    expect(await run(parent())).toEqual(["outer", "inner", "outer"]);
  });

  it("gives a fresh working directory to each attempt, removed afterwards", async () => {
    const folders: string[] = [];
    const work = func({
      id: "work",
      retry: { retries: 1 },
      run: () => {
        const { workdir, attempt } = context();
        expect(context().workdir).toBe(workdir);
        expect(statSync(workdir).isDirectory()).toBe(true);
        folders.push(workdir);
        writeFileSync(join(workdir, "file.txt"), "x");
        if (attempt === 1) throw new Error("again");
      },
    });
    await run(work());
    expect(new Set(folders).size).toBe(2);
    expect(folders.map((folder) => existsSync(folder))).toEqual([false, false]);
  });

  it("takes what a runner without a record has no use for", async () => {
    const chatty = func("chatty", () => {
      const { log } = context();
      log.debug("a");
      log.info("b", { n: 1 });
      log.warn("c");
      log.error("d");
      context().metric("loss", 0.5);
      context().metric("mails", 3, "count");
      context().progress(1, 10, "reading");
      context().progress(2);
      return "done";
    });
    expect(await run(chatty())).toBe("done");
  });

  it.each<[string, () => void, RegExp]>([
    [
      "a metric without a name",
      () => context().metric("", 1),
      /context\(\)\.metric in func .*: the name must be a text/,
    ],
    [
      "a metric that is no number",
      () => context().metric("loss", Number.NaN),
      /the value of "loss" must be a finite number, not NaN/,
    ],
    [
      "a metric of another kind",
      () => context().metric("loss", 1, "sum" as "count"),
      /the type must be "gauge" or "count"/,
    ],
    [
      "progress below 0",
      () => context().progress(-1),
      /context\(\)\.progress in func .*: done must be a number from 0, not -1/,
    ],
    [
      "progress without an end",
      () => context().progress(1, Number.POSITIVE_INFINITY),
      /total must be a number from 0, not Infinity/,
    ],
  ])("refuses %s", async (title, act, message) => {
    await expect(run(func(title, act)())).rejects.toThrow(message);
  });
});

describe("context().signal", () => {
  it("is not aborted while all is well", async () => {
    expect(await run(func("well", () => context().signal.aborted)())).toBe(false);
  });

  it("is aborted when the run is canceled, and says why", async () => {
    const started = Promise.withResolvers<void>();
    const reason = Promise.withResolvers<unknown>();
    const wait = func("wait", () => {
      const { signal } = context();
      signal.addEventListener("abort", () => reason.resolve(signal.reason));
      started.resolve();
      return new Promise<void>(() => undefined);
    });
    const handle = await new SilentRunner().submit(func("waiting", () => wait())());
    await started.promise;
    await handle.cancel("enough of it");
    expect(String(await reason.promise)).toMatch(
      /^RunCanceledError: Run .* of func "wait" was canceled: its ancestor waiting#.* was canceled: enough of it$/,
    );
    await expect(handle.result()).rejects.toMatchObject({ name: "PipelineRunError", state: "CANCELED" });
  });

  it("is aborted when the time is up, and says whose", async () => {
    let reason: unknown;
    const slow = func({
      id: "slow",
      timeout: 20,
      run: () => {
        const { signal } = context();
        return new Promise<void>((_, reject) => {
          signal.addEventListener("abort", () => reject((reason = signal.reason) as Error));
        });
      },
    });
    await expect(run(slow())).rejects.toThrow(/slow#.* did not finish within its timeout of 20 ms/);
    expect(String(reason)).toMatch(/slow#.* did not finish within its timeout of 20 ms/);
  });

  it("is aborted when a sibling's failure ends the parent", async () => {
    const stopped = Promise.withResolvers<string>();
    const started = Promise.withResolvers<void>();
    const wait = func("wait for sibling", () => {
      const { signal } = context();
      signal.addEventListener("abort", () => stopped.resolve(String(signal.reason)));
      started.resolve();
      return new Promise<void>(() => undefined);
    });
    const bad = func("bad", async () => {
      await started.promise;
      throw new Error("broken");
    });
    await expect(run(func("family", () => [wait(), bad()])())).rejects.toThrow("broken");
    expect(await stopped.promise).toMatch(/was canceled: bad#.* failed$/);
  });

  it("is aborted already when it is asked for too late", async () => {
    const late = Promise.withResolvers<boolean>();
    const wait = func("late", async () => {
      const mine = context();
      await new Promise<void>((resolve) => setTimeout(resolve, 30));
      late.resolve(mine.signal.aborted);
    });
    await expect(run(wait().$set({ timeout: 5 }))).rejects.toThrow(/timeout/);
    expect(await late.promise).toBe(true);
  });

  it("ends the waits of a body that is stopped", async () => {
    const ended = Promise.withResolvers<unknown>();
    const never = func("never", () => new Promise<void>(() => undefined));
    const parent = func("stopped parent", async () => {
      await never()
        .$value()
        .catch((error: unknown) => ended.resolve(error));
    });
    await expect(run(parent().$set({ timeout: 10 }))).rejects.toThrow(/timeout/);
    expect(String(await ended.promise)).toMatch(/RunCanceledError/);
  });

  it("of a body that left without listening crashes nothing", async () => {
    const never = func("never at all", () => new Promise<void>(() => undefined));
    const bad = func("bad at once", () => {
      throw new Error("broken");
    });
    const parent = func("abandoning", async () => {
      const [first, second] = [bad().$value(), never().$value()];
      await first;
      await second;
    });
    const unhandled: unknown[] = [];
    const listen = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", listen);
    await expect(run(parent())).rejects.toThrow("broken");
    await turn();
    process.removeListener("unhandledRejection", listen);
    expect(unhandled).toEqual([]);
  });
});
