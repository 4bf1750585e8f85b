// Mistakes that the compiler must see, each where it is made.
/* oxlint-disable eslint/no-unused-expressions, typescript/no-unsafe-call, typescript/await-thenable -- the mistakes are the point */
import { z } from "zod";
import { func } from "./index.ts";

interface Dataset {
  rows: number;
  path: string;
}
class Model {
  #weight = 1;
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
  model: new Model(),
  loss: data.rows / epochs,
}));
const name = func("name", (x: { a: string }) => x.a);
const list = func("list", () => [1, 2]);

// @ts-expect-error a value of the wrong type
add("1", 2);
// @ts-expect-error an argument is missing
add(1);
// @ts-expect-error one argument too many
add(1, 2, 3);
// @ts-expect-error a future of the wrong type
add(add(1, 2), name({ a: "x" }));
// @ts-expect-error a misspelt field
load({ paht: "x" });
// @ts-expect-error a future of the wrong type, deep inside
train({ data: load({ path: "x" }), epochs: name({ a: "b" }) });
// @ts-expect-error a field is missing
train({ data: load({ path: "x" }) });
// @ts-expect-error arithmetic on a future
add(1, 2) + 1;
// @ts-expect-error comparison of a future
export const greater = add(1, 2) > 3;
// @ts-expect-error a future is not its value
export const number: number = add(1, 2);
// @ts-expect-error no such part
load({ path: "x" }).row;
// @ts-expect-error methods belong to the value
train({ data: load({ path: "x" }), epochs: 1 }).model.predict(3);
// @ts-expect-error a future where a plain function wants a number
Math.max(add(1, 2), 3);
// @ts-expect-error a promise is no argument: await it first
add(1, Promise.resolve(2));
// @ts-expect-error the future of a number has no methods of numbers
load({ path: "x" }).rows.toFixed();

export async function awaited(): Promise<number> {
  const future = await add(1, 2);
  // @ts-expect-error await gives the future itself, $value() gives the value
  return future * 2;
}

export function loop(): void {
  // @ts-expect-error the future of an array of unknown length cannot be iterated
  for (const x of list()) void x;
}

// @ts-expect-error an option that does not exist
func({ id: "typo", cach: true, run: () => 1 });
// @ts-expect-error no body
func({ id: "missing" });
// @ts-expect-error a length of time without a unit
func({ id: "late", timeout: "90", run: () => 1 });
// @ts-expect-error retry needs a number of retries
func({ id: "again", retry: {}, run: () => 1 });
func({
  id: "wrongOutput",
  input: z.object({ path: z.string() }),
  output: z.object({ loss: z.number() }),
  // @ts-expect-error the body does not give what the schema promises
  run: async ({ path }) => ({ loss: path }),
});
