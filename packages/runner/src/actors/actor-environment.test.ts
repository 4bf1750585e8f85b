import { expect, test } from "vitest";
import { definitionOf } from "../func-definition.ts";
import { func } from "../func.ts";
import { SilentRunner } from "../silent-runner.ts";
import { ActorEnvironment } from "./actor-environment.ts";
import { declaredActors } from "./actor-registry.ts";
import { runWarmups } from "./replica-caches.ts";

let count = 0;
const fresh = (): string => `environment-${(count += 1)}`;

test("an environment has defaults", () => {
  const name = fresh();
  const environment = new ActorEnvironment({ name });
  expect(environment.name).toBe(name);
  expect(environment.definition).toEqual({
    name,
    replicas: { min: 0, max: 1 },
    ttl: 90_000,
    concurrency: 1,
    resources: undefined,
    env: {},
    isolation: "shared",
  });
  expect(declaredActors().get(name)?.definition).toBe(environment.definition);
});

test("options are taken over, and later changes of them change nothing", () => {
  const env = { MODELS: "/models" };
  const { definition } = new ActorEnvironment({
    name: fresh(),
    replicas: { min: 1, max: 4 },
    ttl: "5m",
    concurrency: 8,
    resources: { memory: "2Gi", gpu: 1 },
    env,
  });
  env.MODELS = "/elsewhere";
  expect(definition).toMatchObject({
    replicas: { min: 1, max: 4 },
    ttl: 300_000,
    concurrency: 8,
    resources: { memory: "2Gi", gpu: 1 },
    env: { MODELS: "/models" },
  });
  expect(Object.isFrozen(definition)).toBe(true);
  expect(new ActorEnvironment({ name: fresh(), replicas: 3 }).definition.replicas).toEqual({ min: 0, max: 3 });
  expect(new ActorEnvironment({ name: fresh(), replicas: { max: 3 } }).definition.replicas).toEqual({ min: 0, max: 3 });
  expect(new ActorEnvironment({ name: fresh(), isolation: "clean" }).definition.isolation).toBe("clean");
});

test.for<[options: Record<string, unknown> | undefined, message: RegExp]>([
  [undefined, /options must be an object/],
  [{}, /name must be a text of 1 to 100 characters/],
  [{ name: " " }, /name must be/],
  [{ name: "a\nb" }, /name must be/],
  [{ name: "x".repeat(101) }, /name must be/],
  [{ name: "e", gpu: 1 }, /"e" at .*: unknown option "gpu"; known: name, replicas, ttl/],
  [{ name: "e", replicas: 0 }, /replicas must be a whole number above 0 or \{ min, max \}, not 0/],
  [{ name: "e", replicas: 1.5 }, /replicas must be/],
  [{ name: "e", replicas: "2" }, /replicas must be/],
  [{ name: "e", replicas: { min: 1 } }, /replicas\.max must be/],
  [{ name: "e", replicas: { min: -1, max: 2 } }, /replicas\.min must be/],
  [{ name: "e", replicas: { min: 3, max: 2 } }, /replicas\.min is 3, more than replicas\.max, which is 2/],
  [{ name: "e", replicas: { max: 2, step: 1 } }, /unknown field "step"/],
  [{ name: "e", ttl: 0 }, /ttl of ActorEnvironment "e".*not a length of time/],
  [{ name: "e", ttl: "soon" }, /ttl of/],
  [{ name: "e", concurrency: 0 }, /concurrency must be/],
  [{ name: "e", concurrency: "8" }, /concurrency must be/],
  [{ name: "e", resources: { cores: 2 } }, /resources of ActorEnvironment "e".*unknown field "cores"/],
  [{ name: "e", env: ["A=1"] }, /env must be an object/],
  [{ name: "e", env: { "A=B": "1" } }, /env: "A=B" is no name/],
  [{ name: "e", env: { PORT: 80 } }, /env\.PORT must be a text, not number/],
  [{ name: "e", isolation: "none" }, /isolation must be "shared" or "clean"/],
  [{ name: "e", isolation: "clean", concurrency: 2 }, /isolation: "clean" needs concurrency: 1/],
])("refuses %j", ([options, message]) => {
  const make = () => new ActorEnvironment(options as never);
  expect(make).toThrow(message);
  expect(make).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
  expect(declaredActors().has("e")).toBe(false);
});

test("an error does not show the value of a variable", () => {
  expect(() => new ActorEnvironment({ name: fresh(), env: { TOKEN: "s3cret\0" } })).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining("s3cret") as string }),
  );
});

test("a name is for one place: the same declaration may come again, another one may not", () => {
  const name = fresh();
  const declare = () => new ActorEnvironment({ name });
  declare();
  const again = declare();
  expect(declaredActors().get(name)?.definition).toBe(again.definition);
  expect(() => new ActorEnvironment({ name })).toThrow(
    /the name "environment-\d+" is taken by the one at .*actor-environment\.test\.ts:\d+/,
  );
});

test("func declares funcs in both forms, tied to the environment", async () => {
  const environment = new ActorEnvironment({ name: fresh() });
  const twice = environment.func("actor.twice", (n: number) => n * 2);
  const thrice = environment.func({
    id: "actor.thrice",
    retry: { retries: 1 },
    affinity: (n) => `key ${n}`,
    run: (n: number) => n * 3,
  });
  expect(definitionOf(twice)).toMatchObject({ id: "actor.twice", actor: { affinity: undefined } });
  expect(definitionOf(twice)?.actor?.environment).toBe(environment.definition);
  expect(definitionOf(thrice)?.actor?.affinity?.(...([2] as never[]))).toBe("key 2");
  expect(definitionOf(twice)?.place?.file).toMatch(/actor-environment\.test\.ts$/);
  expect(definitionOf(func("actor.none", () => 1))?.actor).toBeUndefined();
  expect(await new SilentRunner().run(twice(21))).toBe(42);
  expect(await new SilentRunner().run(thrice(7))).toBe(21);
});

test("what the environment says cannot be said of a func, a call or the elements of a map", async () => {
  const environment = new ActorEnvironment({ name: "gpu" });
  const refused = (options: Record<string, unknown>) => () =>
    environment.func({ id: "actor.refused", run: () => 1, ...options });
  const standalone = /standalone is not for funcs of an actor, which execute on the replicas of "gpu"/;
  const resources = /resources are those of the replicas: new ActorEnvironment\(\{ name: "gpu", resources/;
  expect(refused({ standalone: true })).toThrow(standalone);
  expect(refused({ standalone: false })).toThrow(standalone);
  expect(refused({ resources: { cpu: 1 } })).toThrow(resources);
  expect(refused({ affinity: "key" })).toThrow(/affinity must be a function that gives a key .* not string/);
  expect(refused({ concurrency: 1 })).toThrow(/unknown option "concurrency"; known: .*affinity/);
  expect(() => func({ id: "actor.refused", run: () => 1, affinity: () => 1 } as never)).toThrow(
    /unknown option "affinity".* It is for funcs of an ActorEnvironment/,
  );
  const one = environment.func("actor.one", (n: number) => n);
  const root = func("actor.changes", () => {
    expect(() => one(1).$set({ standalone: true })).toThrow(/\$set of func "actor\.one": standalone is not/);
    expect(() => one(1).$set({ resources: { cpu: 1 } })).toThrow(resources);
    expect(() => one.map([1], { each: { resources: { cpu: 1 } } })).toThrow(
      /each of map of func "actor\.one": resources/,
    );
    return one.map([1, 2], { each: { tags: ["a"] } });
  });
  expect(await new SilentRunner().run(root())).toEqual([1, 2]);
});

test("warm-ups run one after the other, and those of a declaration that comes again replace the old ones", async () => {
  const name = fresh();
  const steps: string[] = [];
  const load = async (text: string): Promise<void> => {
    steps.push(`${text} begins`);
    await new Promise((resolve) => setImmediate(resolve));
    steps.push(`${text} ends`);
  };
  const declare = (text: string): void => {
    const environment = new ActorEnvironment({ name });
    environment.warmup(load, `${text} 1`);
    environment.warmup(() => load(`${text} 2`));
  };
  declare("old");
  declare("new");
  await runWarmups(name);
  expect(steps).toEqual(["new 1 begins", "new 1 ends", "new 2 begins", "new 2 ends"]);
});

test("a warm-up that fails is an error with its place and cause", async () => {
  const environment = new ActorEnvironment({ name: fresh() });
  const cause = new Error("no such model");
  environment.warmup(() => Promise.reject(cause));
  await expect(runWarmups(environment.name)).rejects.toMatchObject({
    code: "ACTOR_FAILED",
    message: expect.stringMatching(/warm-up of actor ".*" at .*test\.ts:\d+:\d+ failed: no such model/) as string,
    cause,
  });
  await expect(runWarmups("nowhere")).rejects.toMatchObject({ code: "ACTOR_FAILED" });
  expect(() => environment.warmup("load" as never)).toThrow(/it takes a plain function/);
  expect(() => environment.warmup(func("actor.warm", () => 1))).toThrow(/not a func, whose calls are runs/);
});
