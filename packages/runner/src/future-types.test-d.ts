// What the compiler knows of calls and futures, without schemas.
import { expectTypeOf } from "vitest";
import { type Func, func, type Future, type Lift, order, type Pending, type RunContext } from "./index.ts";

interface Dataset {
  rows: number;
  path: string;
}
class Model {
  #weight = 1;
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
  predict(x: number): number {
    return x * this.#weight;
  }
}

const add = func("add", (a: number, b: number) => a + b);
const load = func("load", async (input: { path: string; limit?: number }): Promise<Dataset> => ({
  rows: 1,
  path: input.path,
}));
const train = func("train", async ({ data, epochs }: { data: Dataset; epochs: number }) => ({
  model: new Model("m"),
  loss: data.rows / epochs,
}));
const evaluate = func("evaluate", ({ model, rows }: { model: Model; rows: number }) => model.predict(rows));
const list = func("list", (ns: readonly number[]) => ns.map((n) => add(n, 1)));
const sum = func("sum", (ns: readonly number[]) => ns.reduce((a, b) => a + b, 0));
const pair = func("pair", (): [number, string] => [1, "a"]);

// A call takes values or futures and gives a future.
expectTypeOf(add(1, 2)).toEqualTypeOf<Pending<number>>();
expectTypeOf(add(add(1, 2), 3)).toEqualTypeOf<Pending<number>>();
expectTypeOf(add.id).toEqualTypeOf<string>();

// Parts of futures are futures.
const data = load({ path: "x" });
expectTypeOf(data).toEqualTypeOf<Pending<Dataset>>();
expectTypeOf(data.rows).toEqualTypeOf<Pending<number>>();
const { model, loss } = train({ data: { rows: data.rows, path: "y" }, epochs: add(1, 2) });
expectTypeOf(model).toEqualTypeOf<Pending<Model>>();
expectTypeOf(loss).toEqualTypeOf<Pending<number>>();
expectTypeOf(evaluate({ model, rows: data.rows })).toEqualTypeOf<Pending<number>>();
expectTypeOf(data.$get("rows")).toEqualTypeOf<Pending<number>>();
expectTypeOf(data.$id).toEqualTypeOf<string>();

// Tuples unpack, with each part's type.
const [first, second] = pair();
expectTypeOf(first).toEqualTypeOf<Pending<number>>();
expectTypeOf(second).toEqualTypeOf<Pending<string>>();
add(first, pair()[0]);
const triple = func("triple", () => [1, "x", { k: true }] as const);
const [, , { k }] = triple();
expectTypeOf(k).toEqualTypeOf<Pending<true>>();
const take = func("take", (p: readonly [number, string]) => p[0]);
take(pair());
take([first, second]);
take([1, second]);
// @ts-expect-error the future of an array has no methods
pair().map(String);
// @ts-expect-error nor can the future of an array of unknown length be spread
export const spread = [...list([1])];

// A result may hold futures: the caller sees the values.
const pipeline = func("pipeline", async (input: { path: string }) => {
  const data = load({ path: input.path });
  const { model, loss } = train({ data, epochs: 2 });
  return { model, loss, score: evaluate({ model, rows: data.rows }) };
});
expectTypeOf(pipeline({ path: "p" })).toEqualTypeOf<Pending<{ model: Model; loss: number; score: number }>>();
const tail = func("tail", async (n: number) => (n > 3 ? add(n, 1) : n));
expectTypeOf(tail(1)).toEqualTypeOf<Pending<number>>();
expectTypeOf(list([1, 2])).toEqualTypeOf<Pending<number[]>>();
expectTypeOf(sum([1, add(1, 2), 3])).toEqualTypeOf<Pending<number>>();
expectTypeOf(sum(list([1]))).toEqualTypeOf<Pending<number>>();
const many = func("many", async (n: number) => Promise.all(Array.from({ length: n }, async (_, i) => add(i, i))));
expectTypeOf(many(2)).toEqualTypeOf<Pending<number[]>>();

// Maps and Sets of futures, as arguments and as results.
const total = func("total", (m: ReadonlyMap<string, number>, s: ReadonlySet<number>) => m.size + s.size);
expectTypeOf(total(new Map([["a", add(1, 2)]]), new Set([add(1, 2)]))).toEqualTypeOf<Pending<number>>();
total(new Map([["a", 1]]), new Set([1]));
const byName = func("byName", () => new Map([["a", add(1, 2)]]));
expectTypeOf(byName()).toEqualTypeOf<Pending<Map<string, number>>>();
const distinct = func("distinct", () => new Set([add(1, 2), add(3, 4)]));
expectTypeOf(distinct()).toEqualTypeOf<Pending<Set<number>>>();
const deep = func("deep", () => ({ a: [{ b: new Map([["c", new Set([add(1, 2)])]]) }] }));
expectTypeOf(deep()).toEqualTypeOf<Pending<{ a: { b: Map<string, Set<number>> }[] }>>();
// @ts-expect-error the value of the Map has the wrong type
total(new Map([["a", pair()[1]]]), new Set([1]));

// A trailing context is no argument of the call.
const withContext = func("withContext", async (input: { a: number }, ctx: RunContext) => input.a + ctx.attempt);
expectTypeOf(withContext({ a: 1 })).toEqualTypeOf<Pending<number>>();
const onlyContext = func("onlyContext", (context: RunContext) => context.runId);
expectTypeOf(onlyContext()).toEqualTypeOf<Pending<string>>();

// Unions, optional values, null, void, unknown, any, recursive types, opaque objects.
const maybe = func("maybe", (x: { a?: number; b: string | null } | undefined) => x?.a);
expectTypeOf(maybe({ b: null })).toEqualTypeOf<Pending<number | undefined>>();
maybe(undefined);
maybe({ a: add(1, 2), b: "x" });
const nothing = func("nothing", () => {});
expectTypeOf(nothing()).toEqualTypeOf<Pending<void>>();
const throwing = func("throwing", () => {
  throw new Error("always");
});
expectTypeOf(throwing().$id).toEqualTypeOf<string>();
expectTypeOf(throwing().$set({ name: "x" }).$value()).toEqualTypeOf<Promise<never>>();
// oxlint-disable-next-line typescript/no-explicit-any, typescript/no-unsafe-return -- what any does is what is tested
const anything = func("anything", (x: any) => x);
anything(1);
anything(add(1, 2));
// oxlint-disable-next-line typescript/no-explicit-any -- as above
expectTypeOf(anything(1)).toEqualTypeOf<Pending<any>>();
const unknowing = func("unknowing", (x: unknown) => x);
unknowing(add(1, 2));
type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
const json = func("json", (x: Json): Json => x);
json({ a: [1, add(1, 2), { b: add(3, 4) }] });
interface Tree {
  value: number;
  children: Tree[];
}
const tree = func("tree", (x: Tree): Tree => x);
tree({ value: add(1, 2), children: [tree({ value: 1, children: [] })] });
expectTypeOf(tree({ value: 1, children: [] }).children[0]!.value).toEqualTypeOf<Pending<number>>();
type Shape = { kind: "circle"; r: number } | { kind: "square"; side: number };
const area = func("area", (s: Shape) => (s.kind === "circle" ? s.r : s.side));
area({ kind: "circle", r: add(1, 2) });
const bytes = func("bytes", (b: Uint8Array, m: Map<string, number>, at: Date) => b.length + m.size + at.getTime());
bytes(new Uint8Array(), new Map(), new Date());
type UserId = string & { readonly __brand: "UserId" };
const branded = func("branded", (x: UserId, b: boolean, m: "a" | "b") => ({ x, b, m }));
const brand = branded("x" as UserId, true, "a");
expectTypeOf(brand.b).toEqualTypeOf<Pending<boolean>>();
expectTypeOf(brand.m).toEqualTypeOf<Pending<"a" | "b">>();
const rest = func("rest", (...ns: number[]) => ns.length);
rest(1, add(1, 2), 3);
const generic = func("generic", <T>(x: T) => x);
expectTypeOf(generic(1)).toEqualTypeOf<Pending<unknown>>();

// Waiting gives the value; awaiting the future by mistake gives the future.
export async function waiting(): Promise<void> {
  expectTypeOf(await pipeline({ path: "p" }).$value()).toEqualTypeOf<{ model: Model; loss: number; score: number }>();
  expectTypeOf(await data.rows.$value({ signal: AbortSignal.timeout(1) })).toEqualTypeOf<number>();
  // oxlint-disable-next-line typescript/await-thenable -- the mistake is the point
  expectTypeOf(await add(1, 2)).toEqualTypeOf<Pending<number>>();
}

// The methods of a future.
expectTypeOf(add(1, 2).$set({ name: "n", timeout: "2h" })).toEqualTypeOf<Pending<number>>();
expectTypeOf(add(1, 2).$after(data, loss)).toEqualTypeOf<Pending<number>>();
expectTypeOf(order(data, loss, model)).toEqualTypeOf<void>();
// @ts-expect-error not an option of a call
add(1, 2).$set({ nmae: "x" });
// @ts-expect-error not a length of time
add(1, 2).$set({ timeout: "soon" });
// @ts-expect-error only futures can be ordered
order(data, 3);
// @ts-expect-error a func is not a future: call it
data.$after(add);
// @ts-expect-error no such part
data.$get("row");

// Helpers over futures infer.
declare function each<T, Out>(items: Lift<readonly T[]>, of: Func<[T], Out>): Pending<Out[]>;
const increment = func("increment", (n: number) => n + 1);
expectTypeOf(each(list([1, 2]), increment)).toEqualTypeOf<Pending<number[]>>();
declare function value<T>(f: Future<T>): Promise<T>;
expectTypeOf(value(add(1, 2))).toEqualTypeOf<Promise<number>>();
export const helper = (x: Lift<number>): Future<number> => withContext({ a: x });

// Assignability.
export const wide: Pending<{ rows: number }> = data;
export const some: Future<unknown>[] = [data, loss, first];
export const lifted: [Lift<boolean>, Lift<string | null>] = [brand.b, func("s", () => "x")()];
