// What the compiler knows of funcs and cached functions of actors.
import { expectTypeOf } from "vitest";
import { z } from "zod";
import { ActorEnvironment, func, order, type Pending, type RunContext } from "../index.ts";

class Model {
  embed(texts: readonly string[]): number[][] {
    return texts.map(({ length }) => [length]);
  }
  close(): void {}
}

const gpu = new ActorEnvironment({ name: "gpu", replicas: { max: 2 }, ttl: "5m", isolation: "shared" });
// @ts-expect-error a number with a unit that does not exist
void new ActorEnvironment({ name: "gpu", ttl: "5 weeks" });
// @ts-expect-error no name
void new ActorEnvironment({});

// Funcs: as `func` itself.
const add = gpu.func("add", (a: number, b: number, context: RunContext) => a + b + context.attempt);
expectTypeOf(add(1, add(2, 3))).toEqualTypeOf<Pending<number>>();
// @ts-expect-error a text
add(1, "2");

const embed = gpu.func({
  id: "embed",
  input: z.object({ texts: z.array(z.string()), model: z.string().default("small") }),
  output: z.array(z.array(z.number())),
  cache: true,
  affinity: (input) => {
    expectTypeOf(input).toEqualTypeOf<{ texts: string[]; model: string }>();
    return input.model;
  },
  run: async ({ texts, model }, context) => {
    expectTypeOf(context).toEqualTypeOf<RunContext>();
    return (await load(model)).embed(texts);
  },
});
expectTypeOf(embed({ texts: ["a"] })).toEqualTypeOf<Pending<number[][]>>();
// @ts-expect-error an actor says where its funcs execute
gpu.func({ id: "a", standalone: true, run: () => 1 });
// @ts-expect-error resources are those of the environment
gpu.func({ id: "b", resources: { cpu: 1 }, run: () => 1 });
// @ts-expect-error for funcs of actors only
func({ id: "c", affinity: () => 1, run: () => 1 });

// Cached functions have the type of the function.
const load = gpu.cache(async (_name: string, _precision: number = 16): Promise<Model> => new Model(), {
  key: (name, precision) => {
    expectTypeOf(name).toEqualTypeOf<string>();
    expectTypeOf(precision).toEqualTypeOf<number | undefined>();
    return name;
  },
  dispose: (model) => {
    expectTypeOf(model).toEqualTypeOf<Model>();
    return model.close();
  },
  maxBytes: 1_000,
  sizeOf: (model) => model.embed([]).length,
});
expectTypeOf(load("small")).toEqualTypeOf<Promise<Model>>();
expectTypeOf(load("small", 8)).toEqualTypeOf<Promise<Model>>();
// @ts-expect-error a number
void load(1);
load.clear();
load.clear("small");
// @ts-expect-error a number
load.clear(1);
expectTypeOf(load.statistics().hits).toEqualTypeOf<number>();

const table = gpu.cache((size: number) => new Float64Array(size), {
  hash: (size) => size,
  equals: ([a], [b]) => a === b,
});
expectTypeOf(table(3)).toEqualTypeOf<Float64Array<ArrayBuffer>>();

// Generic functions stay generic.
const first = gpu.cache(<T>(items: readonly T[]): T | undefined => items[0]);
expectTypeOf(first(["a"])).toEqualTypeOf<string | undefined>();

// Methods need their object.
class Store {
  readonly url = "";
  readonly get = gpu.cache(function (this: Store, key: string): string {
    return this.url + key;
  });
}
expectTypeOf(new Store().get("a")).toEqualTypeOf<string>();

gpu.warmup(load, "small");
gpu.warmup(() => load("small"));
// @ts-expect-error a number
gpu.warmup(load, 1);

// The mistake of the original example: a cached function is no task.
// @ts-expect-error not a future
order(load, add(1, 2));
