import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { context } from "../context.ts";
import { func } from "../func.ts";
import type { Future } from "../future-types.ts";
import { LocalRunner } from "../local-runner.ts";
import { SilentRunner } from "../silent-runner.ts";
import { homeOf, temporaryFolder } from "../testing/temporary-home.ts";
import { FileArtifact } from "../values/file-artifact.ts";
import { ActorEnvironment } from "./actor-environment.ts";
import { disposeCaches, userCodeReloads } from "./replica-caches.ts";

const actor = new ActorEnvironment({ name: "cache life" });

/** A promise that a test settles when it likes. */
function gate<T = void>() {
  return Promise.withResolvers<T>();
}

test("calls for one key that come together load once, and all get the value", async () => {
  const opened = gate<{ name: string }>();
  let loads = 0;
  const load = actor.cache((_name: string) => ((loads += 1), opened.promise), { name: "once" });
  const calls = Array.from({ length: 8 }, () => load("a"));
  opened.resolve({ name: "a" });
  const values = await Promise.all(calls);
  expect(new Set(values).size).toBe(1);
  expect(loads).toBe(1);
  expect(load.statistics()).toMatchObject({ name: "once", entries: 1, hits: 7, misses: 1, failures: 0 });
});

test("different keys load side by side: a slow one does not hold up others", async () => {
  const slow = gate();
  const load = actor.cache(async (name: string) => {
    if (name === "slow") await slow.promise;
    return { name };
  });
  const first = load("slow");
  expect(await load("quick")).toEqual({ name: "quick" });
  slow.resolve();
  expect(await first).toEqual({ name: "slow" });
});

test("a load that fails is not kept: all who wait get the error, and the next call tries again", async () => {
  const outcomes = [gate<string>(), gate<string>()];
  let loads = 0;
  const load = actor.cache((_name: string) => (outcomes[loads++] as { promise: Promise<string> }).promise);
  const calls = [load("a"), load("a")];
  const error = new Error("no network");
  outcomes[0]?.reject(error);
  const settled = await Promise.allSettled(calls);
  expect(settled.map((one) => (one.status === "rejected" ? (one.reason as unknown) : one.value))).toEqual([
    error,
    error,
  ]);
  expect(load.statistics()).toMatchObject({ entries: 0, failures: 1, misses: 1 });
  outcomes[1]?.resolve("there");
  expect([await load("a"), await load("a")]).toEqual(["there", "there"]);
  expect(loads).toBe(2);
});

test("one that waits and calls again when it hears of the failure loads anew", async () => {
  let loads = 0;
  const load = actor.cache(async (name: string) => {
    loads += 1;
    await pause(1);
    if (loads === 1) throw new Error("not yet");
    return name;
  });
  expect(await load("a").catch(() => load("a"))).toBe("a");
});

test("a synchronous load that throws is not kept either", () => {
  let loads = 0;
  const load = actor.cache((name: string) => {
    loads += 1;
    if (loads === 1) throw new Error("broken");
    return { name };
  });
  expect(() => load("a")).toThrow("broken");
  expect(load("a")).toBe(load("a"));
  expect(load.statistics()).toMatchObject({ entries: 1, hits: 1, misses: 2, failures: 1 });
});

test("maxEntries evicts what was not asked for for the longest time, and disposes of it once", () => {
  const gone: string[] = [];
  const load = actor.cache((name: string) => ({ name }), { maxEntries: 2, dispose: ({ name }) => gone.push(name) });
  load("a");
  load("b");
  load("a");
  load("c");
  expect(gone).toEqual(["b"]);
  const before = load.statistics();
  expect(before).toMatchObject({ entries: 2, evictions: 1 });
  expect(load("a")).toBe(load("a"));
  expect(load.statistics().misses).toBe(before.misses);
  load("b");
  expect(gone).toEqual(["b", "c"]);
});

test("maxBytes evicts by the sizes of values; what was loaded last stays, however large", () => {
  const gone: number[] = [];
  const load = actor.cache((size: number) => ({ size }), {
    maxBytes: 100,
    sizeOf: ({ size }) => size,
    dispose: ({ size }) => gone.push(size),
  });
  for (const size of [40, 50, 10]) load(size);
  expect(gone).toEqual([]);
  load(60);
  expect(gone).toEqual([40, 50]);
  load(500);
  expect(gone).toEqual([40, 50, 10, 60]);
  expect(load.statistics().entries).toBe(1);
});

test("a size that is no number fails the load, and what it made is disposed of", async () => {
  const gone: string[] = [];
  const load = actor.cache(async (name: string) => ({ name }), {
    name: "unsized",
    maxBytes: 100,
    sizeOf: () => Number.NaN,
    dispose: ({ name }) => gone.push(name),
  });
  await expect(load("a")).rejects.toThrow(
    /sizeOf of cached function "unsized".* must give a number of bytes from 0, not NaN/,
  );
  expect(gone).toEqual(["a"]);
  expect(load.statistics()).toMatchObject({ entries: 0, failures: 1 });
});

test("a value that is older than ttl is loaded anew, and disposed of also when nobody asks", async () => {
  vi.useFakeTimers({ toFake: ["performance", "setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const gone: string[] = [];
  const load = actor.cache((name: string) => ({ name }), { ttl: "1m", dispose: ({ name }) => gone.push(name) });
  const first = load("a");
  vi.advanceTimersByTime(40_000);
  load("b");
  expect(load("a")).toBe(first);
  vi.setSystemTime(Date.now() + 60_000);
  vi.advanceTimersByTime(30_000);
  expect(gone).toEqual(["a"]);
  expect(load("a")).not.toBe(first);
  expect(load.statistics()).toMatchObject({ evictions: 1, misses: 3 });
  vi.advanceTimersByTime(200_000);
  expect(gone).toEqual(["a", "b", "a"]);
  expect(load.statistics().entries).toBe(0);
});

test("a value that is older than ttl is never used, whether or not somebody has looked for old ones", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const load = actor.cache((name: string) => ({ name }), { ttl: 1_000 });
  const first = load("a");
  vi.advanceTimersByTime(999);
  expect(load("a")).toBe(first);
  vi.advanceTimersByTime(1);
  expect(load("a")).not.toBe(first);
});

test("clear forgets one key or all, and disposes", async () => {
  const gone: string[] = [];
  const load = actor.cache(async (name: string, precision = 16) => ({ name: `${name}${precision}` }), {
    dispose: ({ name }) => gone.push(name),
  });
  const first = await load("a");
  await load("b");
  load.clear("a", 16);
  expect(gone).toEqual(["a16"]);
  expect(await load("a")).not.toBe(first);
  load.clear("c");
  load.clear();
  expect(gone.toSorted()).toEqual(["a16", "a16", "b16"]);
  expect(load.statistics()).toMatchObject({ entries: 0, evictions: 0 });
});

test("what is cleared while it is loaded goes to those who wait, and is not kept", async () => {
  const opened = gate();
  const gone: unknown[] = [];
  let loads = 0;
  const load = actor.cache(
    async (name: string) => {
      loads += 1;
      await opened.promise;
      return { name };
    },
    { dispose: (value) => gone.push(value) },
  );
  const waiting = load("a");
  load.clear("a");
  const later = load("a");
  opened.resolve();
  const value = await waiting;
  expect(value).toEqual({ name: "a" });
  expect(gone).toEqual([value]);
  expect(await later).not.toBe(value);
  expect(loads).toBe(2);
});

test("a body holds what it got: nothing of it is disposed of before the body is over", async () => {
  const gone: string[] = [];
  const load = actor.cache((name: string) => ({ name }), { maxEntries: 1, dispose: ({ name }) => gone.push(name) });
  const [used, cleared] = [gate(), gate()];
  const one = actor.func("life.holds", async () => {
    const value = load("a");
    used.resolve();
    await cleared.promise;
    expect(gone).not.toContain("a");
    expect(load("a")).toBe(value);
    return gone.length;
  });
  const other = actor.func("life.evicts", async () => {
    await used.promise;
    load("b");
    load("c");
    cleared.resolve();
  });
  const root = func("life.root", () => [one(), other()]);
  await new SilentRunner().run(root());
  // Three values and room for one: those that bodies held went when the bodies did.
  expect(gone.toSorted()).toHaveLength(2);
  expect(load.statistics()).toMatchObject({ entries: 1, evictions: 2 });
});

test("what is cleared or too old while a body uses it is disposed of when the body is over, also if it fails", async () => {
  const gone: string[] = [];
  const load = actor.cache(async (name: string) => ({ name }), { dispose: ({ name }) => gone.push(name) });
  const body = actor.func("life.clears", async () => {
    await load("a");
    load.clear();
    await pause(1);
    expect(gone).toEqual([]);
    await load("a");
    load.clear();
    expect(gone).toEqual([]);
    throw new Error("on purpose");
  });
  await expect(new SilentRunner().run(body())).rejects.toThrow("on purpose");
  expect(gone).toEqual(["a", "a"]);
});

test("a body holds what others have loaded, too, however often it asks", async () => {
  const gone: string[] = [];
  const load = actor.cache((name: string) => ({ name }), { dispose: ({ name }) => gone.push(name) });
  load("a");
  const body = actor.func("life.hits", async () => {
    load("a");
    load("a");
    load.clear();
    await pause(1);
    return [...gone];
  });
  expect(await new SilentRunner().run(body())).toEqual([]);
  expect(gone).toEqual(["a"]);
});

test("a body that is over holds nothing, though its code may go on", async () => {
  const gone: string[] = [];
  const load = actor.cache((name: string) => ({ name }), { dispose: ({ name }) => gone.push(name) });
  const ended = gate();
  let late: Promise<void> | undefined;
  const body = actor.func("life.late", () => {
    late = ended.promise.then(() => void load("a"));
  });
  await new SilentRunner().run(body());
  ended.resolve();
  await late;
  load.clear();
  expect(gone).toEqual(["a"]);
});

test("what a load got of another cache stays as long as the value it made", async () => {
  const gone: string[] = [];
  const loadModel = actor.cache(async (name: string) => ({ name }), {
    maxEntries: 1,
    dispose: ({ name }) => gone.push(`model ${name}`),
  });
  const loadIndex = actor.cache(
    async (name: string) => {
      await pause(1);
      return { model: await loadModel(name) };
    },
    { dispose: ({ model }) => gone.push(`index ${model.name}`) },
  );
  await loadIndex("a");
  await loadModel("b");
  await loadModel("c");
  expect(gone).toEqual(["model b"]);
  loadIndex.clear();
  await vi.waitFor(() => expect(gone).toEqual(["model b", "index a", "model a"]));
});

test("a value that two keys gave is disposed of when both are gone", () => {
  const shared = { name: "shared" };
  const gone: unknown[] = [];
  const load = actor.cache((_name: string) => shared, { dispose: (value) => gone.push(value) });
  load("a");
  load("b");
  load.clear("a");
  expect(gone).toEqual([]);
  load.clear("b");
  expect(gone).toEqual([shared]);
});

test("at the end everything is disposed of, the latest first, also if it is in use, and a dispose that throws is a warning", async () => {
  const gone: string[] = [];
  const warnings: string[] = [];
  const warn = (warning: Error): void => void warnings.push(warning.message);
  process.on("warning", warn);
  onTestFinished(() => void process.off("warning", warn));
  const first = actor.cache((name: string) => ({ name }), { dispose: ({ name }) => gone.push(`first ${name}`) });
  const second = actor.cache(async (name: string) => ({ name }), {
    name: "second",
    dispose: async ({ name }) => {
      await pause(1);
      gone.push(`second ${name}`);
      if (name === "b") throw new Error("already closed");
    },
  });
  const opened = gate();
  const slow = actor.cache(
    async () => {
      await opened.promise;
      return {};
    },
    { dispose: () => gone.push("slow") },
  );
  const loading = slow();
  first("a");
  await second("a");
  await second("b");
  first("z");
  const body = actor.func("life.end", async () => {
    first("a");
    const disposed = disposeCaches();
    opened.resolve();
    await disposed;
    return [...gone];
  });
  expect(await new SilentRunner().run(body())).toEqual(["slow", "first z", "second b", "second a", "first a"]);
  await loading;
  expect(gone).toHaveLength(5);
  await vi.waitFor(() =>
    expect(warnings).toContainEqual('dispose of cached function "second" of actor "cache life" threw: already closed'),
  );
  expect(first("a")).toEqual({ name: "a" });
});

test("what is being disposed of is not disposed of once more", async () => {
  const closed = gate();
  const gone: string[] = [];
  const load = actor.cache((name: string) => name, {
    dispose: (name) => {
      gone.push(name);
      return closed.promise;
    },
  });
  load("a");
  load.clear();
  const all = [disposeCaches(), disposeCaches()];
  closed.resolve();
  await Promise.all(all);
  expect(gone).toEqual(["a"]);
});

test("the values of a declaration are found again by the same one when user code is loaded anew", () => {
  let loads = 0;
  const declare = () =>
    ["x", "y"].map((part) =>
      new ActorEnvironment({ name: "anew" }).cache((name: string) => ((loads += 1), part + name)),
    );
  const [x, y] = declare();
  expect([x?.("a"), y?.("a"), x?.("a")]).toEqual(["xa", "ya", "xa"]);
  expect(loads).toBe(2);
  userCodeReloads();
  const [again, other] = declare();
  expect([again?.("a"), other?.("a")]).toEqual(["xa", "ya"]);
  expect(loads).toBe(2);
  const [further] = declare();
  expect(further?.("a")).toBe("xa");
  expect(loads).toBe(3);
});

test("files are keys by their content, wherever they come from", async () => {
  const home = await homeOf(temporaryFolder());
  let loads = 0;
  const load = actor.cache(async (file: FileArtifact) => ((loads += 1), { text: await file.text() }), {
    name: "load file",
  });
  const make = func("life.make", (text: string) => FileArtifact.of(text));
  const use = func("life.use", async (file: FileArtifact) => (await load(file)).text);
  const root = func("life.files", () => [use(make("34")), use(make("34")), use(make("35"))]);
  expect(await recorded(root(), home.path)).toEqual(["34", "34", "35"]);
  expect(loads).toBe(2);
});

test("files that a load fetches stay as long as its value, not as long as the body that happened to ask first", async () => {
  const home = await homeOf(temporaryFolder());
  const load = actor.cache(async (file: FileArtifact) => ({ path: await file.download() }));
  const use = func("life.download", async (file: FileArtifact) => {
    const { path } = await load(file);
    return { path, own: await file.download(), isThere: existsSync(path) };
  });
  const root = func("life.downloads", async () => {
    const file = await FileArtifact.of("content");
    return [use(file), use(file)];
  });
  const results = await recorded(root(), home.path);
  const [first, second] = results;
  expect(first?.path).toBe(second?.path);
  expect(results.map(({ isThere }) => isThere)).toEqual([true, true]);
  expect(results.map(({ own }) => existsSync(own))).toEqual([false, false]);
  expect(existsSync(first?.path ?? "")).toBe(true);
  load.clear();
  expect(existsSync(first?.path ?? "")).toBe(false);
});

test("what a load prints belongs to the body that asked first, and context() is that body's", async () => {
  const load = actor.cache(async () => {
    await pause(1);
    return { asked: context().funcId };
  });
  const body = actor.func("life.context", async () => (await load()).asked);
  expect(await new SilentRunner().run(body())).toBe("life.context");
});

test("a live value cannot be an output or an argument: the error names the cached function; plain data can", async () => {
  const home = await homeOf(temporaryFolder());
  class Model {
    readonly size = 3;
  }
  const loadModel = actor.cache(async (name: string) => ({ name, model: new Model() }));
  const embedder = actor.cache((name: string) => (text: string) => name + text);
  const plain = actor.cache((name: string) => ({ name }));
  const takes = func("life.takes", (value: unknown) => value);
  const bodies = {
    whole: func("life.whole", () => loadModel("a")),
    part: func("life.part", async () => ({ result: [1, { model: (await loadModel("a")).model }] })),
    callable: func("life.callable", () => ({ embed: embedder("a") })),
    argument: func("life.argument", async () => takes((await loadModel("a")).model)),
    own: func("life.own", () => new Model()),
    data: func("life.data", () => plain("a")),
    // More than fit into the arguments of one function call.
    many: func("life.many", async () => [...Array(150_000).keys(), (await loadModel("a")).model]),
    beside: func("life.beside", () => [plain("a"), new Model()]),
  };
  const failure = async (body: () => Future<unknown>): Promise<string> => {
    return recorded(body(), home.path).then(
      (value) => JSON.stringify(value),
      (thrown: Error) => thrown.message,
    );
  };
  const hint = (name: string): string =>
    `It came from the cached function "${name}" of actor "cache life", whose values stay in the memory of the replica: call that function in every body`;
  expect(await failure(bodies.whole)).toContain(hint("loadModel"));
  expect(await failure(bodies.callable)).toContain(hint("embedder"));
  expect(await failure(bodies.whole)).toContain('output of func "life.whole".model: instance of Model has no codec');
  const own = await failure(bodies.own);
  expect(own).toContain("instance of Model has no codec");
  expect(own).not.toContain("cached function");
  expect(await failure(bodies.beside)).not.toContain("cached function");
  expect(await failure(bodies.data)).toBe('{"name":"a"}');
  expect(await failure(bodies.part)).toContain(hint("loadModel"));
  expect(await failure(bodies.many)).toContain(hint("loadModel"));
  expect(await failure(bodies.argument)).toContain(hint("loadModel"));
});

/** Runs a graph recorded. */
async function recorded<T>(future: Future<T>, home: string): Promise<T> {
  return new LocalRunner({ home }).run(future);
}
