import { describe, expect, it } from "vitest";
import { context, func } from "./index.ts";
import { Engine } from "./engine.ts";
import { futureOf } from "./future.ts";
import type { Tracker } from "./tracker.ts";
import { sharedValues } from "./values.ts";

/** A tracker that hears what happens, and breaks where a test says so. */
function trackerThat(breaks: (what: string) => boolean, heard: string[]): Tracker {
  const nothing = (): void => undefined;
  return {
    created: nothing,
    input: nothing,
    output: nothing,
    retry: nothing,
    late: nothing,
    awaited: nothing,
    waits: nothing,
    resumes: nothing,
    waitsFor: nothing,
    placed: nothing,
    gather: nothing,
    hurry: nothing,
    cache: nothing,
    cacheChanged: nothing,
    warn: nothing,
    log: nothing,
    metric: nothing,
    progress: nothing,
    onDrain: nothing,
    changed: (call) => {
      const what = `${call.definition.id} ${call.state}`;
      heard.push(what);
      if (breaks(what)) throw new Error("the tracker broke");
    },
    durable: () => undefined,
    overloaded: false,
  };
}

describe("an engine that breaks", () => {
  it("says so, stops all bodies and tells how every run ended", async () => {
    const stopped = Promise.withResolvers<unknown>();
    const begun = Promise.withResolvers<void>();
    const waiting = func("waiting", () => {
      begun.resolve();
      const { signal } = context();
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          stopped.resolve(signal.reason);
          reject(signal.reason as Error);
        });
      });
    });
    const small = func("small", async () => {
      await begun.promise;
    });
    const parent = func("parent", async () => {
      waiting();
      await small().$value();
    });
    const root = futureOf(parent())!.call;
    const heard: string[] = [];
    const engine = new Engine(root, {
      concurrency: 64,
      values: sharedValues,
      tracker: trackerThat((what) => what === "small RESOLVED", heard),
      stepDurability: false,
      makeWorkdir: () => "",
    });
    engine.start();
    await expect(engine.ended).rejects.toThrow("the tracker broke");
    expect(await stopped.promise).toMatchObject({ code: "RUN_CANCELED" });
    expect(heard.slice(-2)).toEqual(["waiting CANCELED", "parent CANCELED"]);
    await engine.cleanUp();
  });
});
