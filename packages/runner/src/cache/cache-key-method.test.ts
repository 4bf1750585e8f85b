import { cacheKey, registerClass } from "@reprise/core";
import { expect, it } from "vitest";
import { func } from "../func.ts";
import { keyOf, plain, problemOf } from "./testing/keys.ts";

const f = func({ id: "of instances", cache: { version: "v1" }, run: (value: unknown) => value });

class Model {
  readonly path: string;
  readonly session: number;

  constructor(path: string, session: number) {
    this.path = path;
    this.session = session;
  }

  [cacheKey](): unknown {
    return this.path;
  }
}
class Large extends Model {}
class Named {
  readonly id = 1;
}

registerClass(Model, {
  name: "test/Model",
  encode: ({ path, session }) => [path, session],
  decode: ([path, session]: [string, number]) => new Model(path, session),
});
registerClass(Named, { name: "test/Named" });

it("instances count by their [cacheKey](), even where digests of their artifacts are known", () => {
  const one = { digest: "1".repeat(64), value: () => ({ model: new Model("a", 1) }) };
  const other = { digest: "2".repeat(64), value: () => ({ model: new Model("a", 2) }) };
  const third = { digest: "1".repeat(64), value: () => ({ model: new Model("b", 1) }) };
  const [a, b, c] = [one, other, third].map((argument) => keyOf(f, [argument.value()]));
  expect(a).toBe(b);
  expect(a).not.toBe(c);
  expect(problemOf(f, [one])).toBe(`there is a key: ${a}`);
  expect(problemOf(f, [other])).toBe(`there is a key: ${a}`);
  expect(problemOf(f, [third])).toBe(`there is a key: ${c}`);
  expect(a).not.toBe(keyOf(f, [{ model: "a" }]));
});

it("a subclass is not its base, and needs a name of its own", () => {
  expect(problemOf(f, [plain(new Large("a", 1))])).toMatch(
    /instance of Large has a \[cacheKey\]\(\) but no stable name/,
  );
  registerClass(Large, { name: "test/Large" });
  expect(keyOf(f, [new Large("a", 1)])).not.toBe(keyOf(f, [new Model("a", 1)]));
  expect(keyOf(f, [new Large("a", 1)])).toBe(keyOf(f, [new Large("a", 2)]));
});

it("an instance of a class that is only registered has no key", () => {
  expect(problemOf(f, [plain([new Named()])])).toMatch(/value\[0\]: instance of test\/Named has no \[cacheKey\]\(\)/);
});
