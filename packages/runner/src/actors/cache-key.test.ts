import { cacheKey, registerClass } from "@reprise/core";
import { expect, test } from "vitest";
import { ActorEnvironment } from "./actor-environment.ts";

const actor = new ActorEnvironment({ name: "cached keys" });

/** A cached function that counts its loads. */
function counted<A extends unknown[]>(load: (...args: A) => unknown = (...args) => ({ args })) {
  let loads = 0;
  const cached = actor.cache((...args: A): unknown => {
    loads += 1;
    return load(...args);
  });
  return Object.assign((...args: A) => cached(...args), { loads: () => loads, cached });
}

/** Whether two calls have one key. */
function isHit(first: readonly unknown[], second: readonly unknown[]): boolean {
  const load = counted<unknown[]>();
  const value = load(...first);
  const same = load(...second) === value;
  expect(load.loads()).toBe(same ? 1 : 2);
  expect(load(...first)).toBe(value);
  return same;
}

class Keyed {
  readonly path: string;
  readonly session = Symbol("not part of the key");
  constructor(path: string) {
    this.path = path;
  }
  [cacheKey](): unknown {
    return { path: this.path };
  }
}

class OtherKeyed extends Keyed {}

class Hashed {
  state: unknown;
  readonly #hash: unknown;
  constructor(state: unknown, hash: unknown = 1) {
    this.state = state;
    this.#hash = hash;
  }
  hash(): unknown {
    return this.#hash;
  }
  equals(other: { readonly state: unknown }): boolean {
    return Object.is(this.state, other.state);
  }
}

/** As the objects of the original's example: all its content can be seen. */
class Plain {
  value: number;
  inner: { list: number[] };
  constructor(value: number) {
    this.value = value;
    this.inner = { list: [value] };
  }
  hash(): number {
    return 7;
  }
  equals(other: Plain): boolean {
    return this.value === other.value && this.inner.list[0] === other.inner.list[0];
  }
}

class Point {
  readonly x: number;
  constructor(x: number) {
    this.x = x;
  }
}
registerClass(Point, { name: "test/CachePoint", encode: ({ x }) => x, decode: (x) => new Point(x) });

test.for<[name: string, first: unknown[], second: unknown[]]>([
  ["nothing", [], []],
  ["a text", ["a"], ["a"]],
  ["NaN", [Number.NaN], [Number.NaN]],
  ["NaN inside", [{ a: Number.NaN }], [{ a: Number.NaN }]],
  ["bigint", [10n ** 30n], [10n ** 30n]],
  ["what was left out and undefined", ["a"], ["a", undefined]],
  ["several", ["a", 1, null, true], ["a", 1, null, true]],
  ["objects whatever the order", [{ a: 1, b: [2] }], [{ b: [2], a: 1 }]],
  ["sets whatever the order", [new Set([1, 2])], [new Set([2, 1])]],
  ["dates", [new Date(5)], [new Date(5)]],
  ["bytes", [Buffer.from("abc")], [Buffer.from("zabc").subarray(1)]],
  ["objects with [cacheKey]", [new Keyed("a")], [new Keyed("a")]],
  ["objects with [cacheKey] inside", [{ at: [new Keyed("a")] }], [{ at: [new Keyed("a")] }]],
  ["objects with hash and equals", [new Hashed("a")], [new Hashed("a")]],
  ["such objects inside", [1, [new Hashed("a"), new Hashed("b")]], [1, [new Hashed("a"), new Hashed("b")]]],
  ["NaN as the hash", [new Hashed("a", Number.NaN)], [new Hashed("a", Number.NaN)]],
  ["an object as the hash", [new Hashed("a", { h: 1 })], [new Hashed("a", { h: 1 })]],
  [
    "sets of such objects",
    [new Set([new Hashed("a", 1), new Hashed("b", 2)])],
    [new Set([new Hashed("b", 2), new Hashed("a", 1)])],
  ],
  ["registered classes", [new Point(1)], [new Point(1)]],
])("one key: %s", ([, first, second]) => {
  expect(isHit(first, second)).toBe(true);
});

test.for<[name: string, first: unknown[], second: unknown[]]>([
  ["0 and -0", [0], [-0]],
  ["0 and -0 among others", [0, "a"], [-0, "a"]],
  ["1 and its text", [1], ["1"]],
  ["1 and true", [1], [true]],
  ["1 and 1n", [1], [1n]],
  ["nothing and null", [], [null]],
  ["null and its text", [null], ["null"]],
  ["NaN and its text", [Number.NaN], ["NaN"]],
  ["undefined and its text, among others", [undefined, 1], ["undefined", 1]],
  ["texts that are one when joined", ["ab", "c"], ["a", "bc"]],
  ["texts with the marks of keys", ["\u0000s1:a\u0000s1:b"], ["a", "b"]],
  ["a text that is the key of another", ["\u0000()"], []],
  ["a list and its elements", [[1, 2]], [1, 2]],
  ["an instance and a plain object", [new Point(1)], [{ x: 1 }]],
  ["[cacheKey] of a subclass", [new Keyed("a")], [new OtherKeyed("a")]],
  ["[cacheKey] and what it gives", [new Keyed("a")], [{ path: "a" }]],
  ["equal hash, unequal", [new Hashed("a")], [new Hashed("b")]],
  ["equal objects, unequal hash", [new Hashed("a", 1)], [new Hashed("a", 2)]],
  ["the same two, swapped", [[new Hashed("a"), new Hashed("b")]], [[new Hashed("b"), new Hashed("a")]]],
  ["hash -0", [new Hashed("a", 0)], [new Hashed("a", -0)]],
  ["lone surrogates", ["\uD800"], ["\uD801"]],
  ["É in two forms", ["\u00C9"], ["E\u0301"]],
])("two keys: %s", ([, first, second]) => {
  expect(isHit(first, second)).toBe(false);
});

test("values are live: the same one each time, whatever it is", async () => {
  const open = actor.cache((name: string) => () => name);
  expect(open("a")).toBe(open("a"));
  expect(open("a")()).toBe("a");
  const connect = actor.cache(async (name: string) => new WeakMap([[{}, name]]));
  expect(connect("a")).toBeInstanceOf(Promise);
  expect(await connect("a")).toBe(await connect("a"));
});

test("values that are undefined, null or a promise of it are values", async () => {
  const load = counted((name: string) => (name === "later" ? Promise.resolve(undefined) : undefined));
  expect([load("a"), load("a"), await load("later"), await load("later")]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect(load.loads()).toBe(2);
});

test("two functions with equal arguments, and two of one place, have nothing in common", () => {
  const makers = ["a", "b"].map((name) => actor.cache((n: number) => `${name}${n}`));
  expect(makers.map((make) => make(1))).toEqual(["a1", "b1"]);
  expect(makers.map((make) => make(1))).toEqual(["a1", "b1"]);
});

test("defaults that are written as literals apply", () => {
  let loads = 0;
  const load = actor.cache((name: string, precision = 16, device = "cpu", deep = false, at: number | null = -1.5) => {
    loads += 1;
    return [name, precision, device, deep, at];
  });
  const value = load("a");
  expect(load("a", 16)).toBe(value);
  expect(load("a", undefined, "cpu")).toBe(value);
  expect(load("a", 16, "cpu", false, -1.5)).toBe(value);
  expect(loads).toBe(1);
  expect(load("a", 8)).not.toBe(value);
  expect(load("a", 16, "cpu", false, null)).not.toBe(value);
});

test("a default that has to be computed is that of an argument left out", () => {
  const now = (): number => 1;
  const load = actor.cache((name: string, time: number = now()) => ({ name, time }));
  expect(load("a")).toBe(load("a", undefined));
  expect(load("a", 1)).not.toBe(load("a"));
});

test("arguments that a function cannot see do not count", () => {
  const load = actor.cache((name: string) => ({ name }));
  const [first, second] = ["a", "a"].map(load);
  expect(first).toBe(second);
  const seesAll: (...given: unknown[]) => unknown[] = function () {
    return Array.from<unknown>(arguments);
  };
  const all = actor.cache(seesAll);
  expect(all(1, 2)).toEqual([1, 2]);
  expect(all(1, 3)).toEqual([1, 3]);
  const bound = actor.cache(
    function pair(this: string, b: string) {
      return { a: this, b };
    }.bind("a"),
  );
  expect(bound("b")).toEqual({ a: "a", b: "b" });
  expect(bound("c")).toEqual({ a: "a", b: "c" });
});

test("a method keys on its object, which must have a key", () => {
  class Shelf {
    readonly books: readonly string[];
    constructor(...books: string[]) {
      this.books = books;
    }
    [cacheKey](): unknown {
      return this.books;
    }
  }
  let loads = 0;
  const find = actor.cache(function find(this: Shelf, at: number) {
    loads += 1;
    return { book: this.books[at] };
  });
  const [shelf, equal, other] = [new Shelf("a", "b"), new Shelf("a", "b"), new Shelf("c", "d")];
  expect(find.call(shelf, 1)).toBe(find.call(equal, 1));
  expect(find.call(other, 1)).toEqual({ book: "d" });
  expect(find.call(shelf, 0)).toEqual({ book: "a" });
  expect(loads).toBe(3);
  expect(() => find.call({ books: ["x"], close: () => undefined } as never, 0)).toThrow(
    /^this of cached function "find" of actor "cached keys", which takes part in its keys because the function uses it,.*close: a function/,
  );
  const arrow = actor.cache((at: number) => ({ at }));
  const holder = { arrow, close: () => undefined };
  expect(holder.arrow(1)).toBe(arrow(1));
});

test("arguments that are changed afterwards do not change the table", () => {
  const load = counted<unknown[]>();
  const list = [1];
  const value = load(list);
  list.push(2);
  expect(load([1])).toBe(value);
  expect(load([1, 2])).not.toBe(value);
  expect(load.loads()).toBe(2);
});

test("objects with hash and equals that are changed afterwards do not change the table", () => {
  const load = counted((object: Plain) => ({ value: object.value, list: [...object.inner.list] }));
  const changed = new Plain(1);
  const value = load(changed);
  changed.value = 2;
  changed.inner.list[0] = 2;
  expect(load(new Plain(1))).toBe(value);
  expect(load(new Plain(2))).toEqual({ value: 2, list: [2] });
  expect(load(changed)).toBe(load(new Plain(2)));
  expect(load.loads()).toBe(2);
});

test("an object that cannot be copied is no longer the key when it has changed", () => {
  class Secret {
    #state: number;
    constructor(state: number) {
      this.#state = state;
    }
    set(state: number): void {
      this.#state = state;
    }
    hash(): number {
      return this.#state;
    }
    equals(other: Secret): boolean {
      return this.#state === other.#state;
    }
  }
  const load = counted((object: Secret) => ({ hash: object.hash() }));
  const changed = new Secret(1);
  const value = load(changed);
  expect(load(new Secret(1))).toBe(value);
  changed.set(2);
  expect(load(new Secret(1))).toEqual({ hash: 1 });
  expect(load(changed)).toEqual({ hash: 2 });
  expect(load.loads()).toBe(3);
});

test("classes are told apart without instanceof: those of a module that is loaded anew are the same", () => {
  const declare = (): { Key: new (state: string) => object; Compared: new (state: string) => object } => {
    class Key {
      readonly state: string;
      constructor(state: string) {
        this.state = state;
      }
      [cacheKey](): string {
        return this.state;
      }
    }
    class Compared {
      readonly #state: string;
      readonly shown: string;
      constructor(state: string) {
        this.#state = state;
        this.shown = state;
      }
      hash(): number {
        return this.#state.length;
      }
      equals(other: Compared): boolean {
        return this.shown === other.shown;
      }
    }
    return { Key, Compared };
  };
  const [before, after] = [declare(), declare()];
  expect(before.Key).not.toBe(after.Key);
  expect(isHit([new before.Key("a")], [new after.Key("a")])).toBe(true);
  expect(isHit([new before.Compared("a")], [new after.Compared("a")])).toBe(true);
  const namesake = class Key {
    [cacheKey](): string {
      return "a";
    }
  };
  expect(isHit([new before.Key("a")], [new namesake()])).toBe(false);
});

test("equals that looks into private fields of another load of its class finds nothing, and throws for others", () => {
  const declare = () =>
    class Compared {
      readonly #state: string;
      constructor(state: string) {
        this.#state = state;
      }
      hash(): number {
        return 1;
      }
      equals(other: Compared): boolean {
        return this.#state === other.#state;
      }
    };
  const [Before, After] = [declare(), declare()];
  expect(isHit([new Before("a")], [new After("a")])).toBe(false);
  class Broken {
    hash(): number {
      return 1;
    }
    equals(): boolean {
      throw new Error("no comparison");
    }
  }
  const load = counted<[Broken]>();
  load(new Broken());
  expect(() => load(new Broken())).toThrow("no comparison");
});

test("the options key, hash and equals say what the key is", () => {
  let loads = 0;
  const byKey = actor.cache(({ id }: { id: string; close: () => void }) => ((loads += 1), { id }), {
    key: ({ id }) => id,
  });
  expect(byKey({ id: "a", close: () => undefined })).toBe(byKey({ id: "a", close: () => undefined }));
  expect(byKey({ id: "b", close: () => undefined })).toEqual({ id: "b" });
  expect(loads).toBe(2);
  const loose = actor.cache((name: string, _log: () => void) => ({ name }), {
    hash: (name) => name.length,
    equals: ([a], [b]) => a.toLowerCase() === b.toLowerCase(),
  });
  const log = (): void => undefined;
  expect(loose("Abc", log)).toBe(loose("aBC", log));
  expect(loose("xyz", log)).toEqual({ name: "xyz" });
  expect(loose("Abc", log)).toEqual({ name: "Abc" });
});

test("of several keys of one hash each can be forgotten by itself", () => {
  const load = counted<[Hashed]>();
  const values = ["a", "b", "c"].map((state) => load(new Hashed(state)));
  load.cached.clear(new Hashed("c"));
  expect([load(new Hashed("a")), load(new Hashed("b"))]).toEqual(values.slice(0, 2));
  load.cached.clear(new Hashed("a"));
  expect(load(new Hashed("b"))).toBe(values[1]);
  expect(load.loads()).toBe(3);
  load(new Hashed("c"));
  load(new Hashed("a"));
  expect(load.loads()).toBe(5);
});

test("arguments told apart by the option equals that are changed afterwards do not change the table", () => {
  let loads = 0;
  const load = actor.cache((box: { n: number }) => ((loads += 1), { n: box.n }), {
    hash: () => 1,
    equals: ([a], [b]) => a.n === b.n,
  });
  const box = { n: 1 };
  const value = load(box);
  box.n = 2;
  expect(load({ n: 1 })).toBe(value);
  expect(load({ n: 2 })).toEqual({ n: 2 });
  expect(loads).toBe(2);
});

test("an argument without a key is an error that says what to do", () => {
  class Client {
    readonly url = "http://x";
  }
  const request = actor.cache((client: object, path: string) => ({ client, path }), { name: "request" });
  const hint = "give its class a method [cacheKey](), or hash() and equals(), or give the cache the option key.";
  expect(() => request(new Client(), "/")).toThrow(
    expect.objectContaining({
      code: "VALUE_NOT_STORABLE",
      message: `client of cached function "request" of actor "cached keys": instance of Client has no key: ${hint}`,
    }),
  );
  expect(() => request({ on: [() => 1] }, "/")).toThrow(
    /^client of .*\.on\[0\]: a function has no key; give the cache/,
  );
  expect(() => request({}, Symbol("s") as never)).toThrow(/^path of .*: a symbol has no key/);
  expect(() => request(Promise.resolve(1), "/")).toThrow(/^client of .*: a Promise/);
  const broken = { [cacheKey]: 1, hash: () => 1 };
  expect(() => request(broken, "/")).toThrow(/hash: a function/);
  const noKey = actor.cache((n: number) => n, { key: () => undefined, name: "no key" });
  expect(() => noKey(1)).toThrow(/key of cached function "no key" of actor "cached keys" gave undefined/);
  expect(request.statistics()).toMatchObject({ entries: 0, misses: 0 });
});
