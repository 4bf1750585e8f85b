import { expect, test } from "vitest";
import { func } from "../func.ts";
import { order } from "../future.ts";
import { SilentRunner } from "../silent-runner.ts";
import { ActorEnvironment } from "./actor-environment.ts";
import { cacheStatistics } from "./replica-caches.ts";

const actor = new ActorEnvironment({ name: "cached" });

test("a future is no argument of a cached function", async () => {
  const load = actor.cache((name: string) => name, { name: "load" });
  const one = func("cached.one", () => "a");
  const root = func("cached.future", () => load(one() as never));
  await expect(new SilentRunner().run(root())).rejects.toMatchObject({
    cause: {
      cause: {
        code: "FUTURE_MISUSE",
        message: expect.stringMatching(/^name of cached function "load" of actor "cached" is a future/) as string,
      },
    },
  });
});

test("cached functions, and what they give, cannot be ordered: the error says to use the task call", async () => {
  const load = actor.cache((name: string) => ({ name }), { name: "load" });
  const run = actor.func("cached.run", () => load("a").name);
  const remedy = /Use the task call: order\(loadTask\(…\), run\(…\)\).*warmup\.$/;
  const root = func("cached.order", () => {
    const last = run();
    for (const wrong of [() => order(load as never, last), () => last.$after(load as never)]) {
      expect(wrong).toThrow(
        /takes futures, .*, not the cached function "load" of actor "cached", whose calls are no runs/,
      );
      expect(wrong).toThrow(remedy);
      expect(wrong).toThrow(expect.objectContaining({ code: "FUTURE_MISUSE" }));
    }
    expect(() => order(load("a") as never, last)).toThrow(/not a value of the cached function "load" of actor/);
    return last;
  });
  expect(await new SilentRunner().run(root())).toBe("a");
});

test.for<[fn: unknown, options: unknown, message: RegExp]>([
  [undefined, {}, /it takes a function, not undefined/],
  [ActorEnvironment, {}, /a class cannot be called/],
  [function* () {}, {}, /a generator can be read only once/],
  [async function* () {}, {}, /a generator can be read only once/],
  [func("cached.func", () => 1), {}, /func "cached\.func" is no function to be cached here: its calls are runs/],
  [actor.cache(() => 1, { name: "c" }), {}, /is the cached function "c" of actor "cached" already/],
  [() => 1, null, /options must be an object/],
  [() => 1, { size: 1 }, /unknown option "size"; known: name, key, hash/],
  [() => 1, { name: "" }, /name must be a text/],
  [() => 1, { key: "a" }, /key must be a function/],
  [() => 1, { hash: () => 1 }, /hash and equals belong together/],
  [() => 1, { equals: () => true }, /hash and equals belong together/],
  [() => 1, { key: () => 1, hash: () => 1, equals: () => true }, /key excludes hash and equals/],
  [() => 1, { maxEntries: 0 }, /maxEntries must be a whole number above 0/],
  [() => 1, { maxEntries: "1" }, /maxEntries must be/],
  [() => 1, { maxBytes: 1.5, sizeOf: () => 1 }, /maxBytes must be/],
  [() => 1, { maxBytes: 1 }, /maxBytes needs sizeOf/],
  [() => 1, { sizeOf: () => 1 }, /sizeOf is for maxBytes/],
  [() => 1, { ttl: "never" }, /ttl of cache of actor "cached".*not a length of time/],
  [() => 1, { dispose: true }, /dispose must be a function/],
])("cache(%o, %o) is refused", ([fn, options, message]) => {
  expect(() => actor.cache(fn as never, options as never)).toThrow(message);
});

test("a cached function is not declared in a body, where nothing would be found again", async () => {
  const root = func("cached.inside", () => actor.cache((n: number) => n)(1));
  await expect(new SilentRunner().run(root())).rejects.toMatchObject({
    cause: { message: expect.stringMatching(/called in the body of func "cached\.inside"/) as string },
  });
});

test("a function that calls itself with its own arguments is an error, not a stack overflow", () => {
  const fibonacci: (n: number) => number = actor.cache((n: number) =>
    n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2),
  );
  expect(fibonacci(70)).toBe(190_392_490_709_135);
  const endless: (n: number) => number = actor.cache((n: number) => endless(n), { name: "endless" });
  expect(() => endless(1)).toThrow(/cached function "endless" of actor "cached" calls itself with the arguments/);
});

test("a name is that of the option, the function, or what the declaration is assigned to", () => {
  const loadModel = actor.cache(async (name: string) => name);
  const named = actor.cache(function loadTokens(name: string) {
    return name;
  });
  const given = actor.cache((name: string) => name, { name: "by hand" });
  const holder = { open: actor.cache((name: string) => name) };
  expect(loadModel.statistics().name).toBe("loadModel");
  expect(named.statistics().name).toBe("loadTokens");
  expect(named.name).toBe("loadTokens");
  expect(named.length).toBe(1);
  expect(given.statistics().name).toBe("by hand");
  expect(holder.open.statistics().name).toBe("open");
  expect(cacheStatistics().map(({ name }) => name)).toContain("loadModel");
});
