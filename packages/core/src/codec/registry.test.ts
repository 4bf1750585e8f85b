import { expect, test } from "vitest";
import type { RepriseError } from "../errors.ts";
import { cacheKey } from "./cache-key.ts";
import { decode } from "./decode.ts";
import { encode, keyDigest } from "./encode.ts";
import { restore } from "./testing/restore.ts";
import { registerClass, registerType, TypeRegistry } from "./type-registry.ts";

class Point {
  readonly x: number;
  readonly y: number;
  constructor(x: number, y: number) {
    this.x = x;
    this.y = y;
  }
}
class Point3 extends Point {
  readonly z = 0;
}

const point = {
  name: "acme/Point",
  encode: ({ x, y }: Point) => ({ x, y }),
  decode: ({ x, y }: { x: number; y: number }) => new Point(x, y),
};

function withPoint(): TypeRegistry {
  const registry = new TypeRegistry();
  registry.registerClass(Point, point);
  return registry;
}

const codeOf = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    return (error as RepriseError).code;
  }
  return "none";
};

test("an instance of a registered class is restored as one, at any depth", () => {
  const registry = withPoint();
  const restored = restore({ at: [new Point(1, 2)] }, registry);
  expect(restored.at[0]).toBeInstanceOf(Point);
  expect(restored).toStrictEqual({ at: [new Point(1, 2)] });
  expect(encode(new Point(1, 2), { registry }).typeName).toBe("acme/Point");
  expect(encode(new Point(1, 2), { registry }).digest).not.toBe(encode({ x: 1, y: 2 }, { registry }).digest);
});

test("a subclass is not its base", () => {
  expect(() => encode(new Point3(1, 2), { registry: withPoint(), path: "input" })).toThrow(
    "input: instance of Point3 has no codec; register it with registerClass",
  );
});

test("the stored form may hold values of other registered types", () => {
  class Line {
    readonly ends: readonly [Point, Point];
    constructor(ends: readonly [Point, Point]) {
      this.ends = ends;
    }
  }
  const registry = withPoint();
  const decodeLine = (ends: readonly [Point, Point]) => new Line(ends);
  registry.registerClass(Line, { name: "acme/Line", encode: (line: Line) => line.ends, decode: decodeLine });
  const line = new Line([new Point(0, 0), new Point(1, 1)]);
  expect(restore(line, registry)).toStrictEqual(line);
});

test("a type that is known by a predicate is stored and restored", () => {
  const registry = new TypeRegistry();
  registry.register({
    name: "acme/Headers",
    is: (value): value is Headers => value instanceof Headers,
    encode: (headers) => [...headers],
    decode: (entries: [string, string][]) => new Headers(entries),
  });
  expect([...restore(new Headers({ a: "1" }), registry)]).toEqual([["a", "1"]]);
});

test("a value that two types claim is refused, in whatever order they were registered", () => {
  const registry = new TypeRegistry();
  for (const name of ["acme/A", "acme/B"]) {
    registry.register({
      name,
      is: (value): value is Headers => value instanceof Headers,
      encode: () => null,
      decode: () => new Headers(),
    });
  }
  expect(() => encode([new Headers()], { registry })).toThrow(/value\[0\]: .*"acme\/A" and "acme\/B"/);
});

test("a document of a type that is not registered says what to do", () => {
  const { bytes } = encode({ at: new Point(1, 2) }, { registry: withPoint() });
  expect(codeOf(() => decode(bytes))).toBe("TYPE_UNKNOWN");
  expect(() => decode(bytes)).toThrow(
    /the type "acme\/Point".*Import the module that calls registerType or registerClass/,
  );
});

test("a codec that throws is named, and its error is the cause", () => {
  const registry = new TypeRegistry();
  const cause = new Error("boom");
  const fail = () => {
    throw cause;
  };
  registry.registerClass(Point, { name: "acme/Point", encode: fail, decode: fail });
  expect(() => encode({ a: new Point(1, 2) }, { registry })).toThrow("value.a: encode of type acme/Point threw: boom");
  const { bytes } = encode(new Point(1, 2), { registry: withPoint() });
  expect(codeOf(() => decode(bytes, { registry }))).toBe("TYPE_FAILED");
  expect(() => decode(bytes, { registry })).toThrow(expect.objectContaining({ cause }));
});

test("what a codec stores must itself be storable; the path leads through the type", () => {
  const registry = new TypeRegistry();
  registry.registerClass(Point, { ...point, encode: () => ({ f: [() => 1] }) as never });
  expect(() => encode({ a: new Point(1, 2) }, { registry })).toThrow(/^value\.a<acme\/Point>\.f\[0\]: a function/);
});

test("a codec that stores the instance itself is a cycle", () => {
  const registry = new TypeRegistry();
  registry.registerClass(Point, { ...point, encode: (value) => ({ value }) as never });
  expect(() => encode(new Point(1, 2), { registry })).toThrow(/the value contains itself/);
});

class Model {
  readonly path: string;
  readonly handle = () => 1;
  constructor(path: string) {
    this.path = path;
  }
  [cacheKey]() {
    return { path: this.path };
  }
}
class LargeModel extends Model {}

test("instances with a cache key are equal in keys by registered name and key", () => {
  const registry = new TypeRegistry();
  registry.registerClass(Model, { name: "acme/Model" });
  registry.registerClass(LargeModel, { name: "acme/LargeModel" });
  const key = (value: unknown) => keyDigest(value, { registry });
  expect(key([new Model("a")])).toBe(key([new Model("a")]));
  const keys = [new Model("a"), new Model("b"), new LargeModel("a"), { path: "a" }].map(key);
  expect(new Set(keys).size).toBe(4);
});

test("an instance with a cache key but no codec is no artifact; without a registered name it is no key either", () => {
  const registry = new TypeRegistry();
  expect(() => keyDigest({ m: new Model("a") }, { registry, path: "input" })).toThrow(
    "input.m: instance of Model has a [cacheKey]() but no stable name; register it with registerClass(…, { name })",
  );
  registry.registerClass(Model, { name: "acme/Model" });
  expect(() => encode(new Model("a"), { registry })).toThrow(
    /instance of acme\/Model has no codec; give registerClass/,
  );
});

test("an instance with neither cache key nor codec has no key", () => {
  const registry = new TypeRegistry();
  registry.registerClass(Point, { name: "acme/Point" });
  expect(() => keyDigest([new Point(1, 2)], { registry })).toThrow(/value\[0\]: .*no \[cacheKey\]\(\) and no codec/);
});

test("with a codec and a cache key, keys go by the cache key and artifacts by the codec", () => {
  class Session {
    readonly name: string;
    readonly startedAt: number;
    constructor(name: string, startedAt: number) {
      this.name = name;
      this.startedAt = startedAt;
    }
    [cacheKey]() {
      return this.name;
    }
  }
  const registry = new TypeRegistry();
  registry.registerClass(Session, {
    name: "acme/Session",
    encode: ({ name, startedAt }: Session) => ({ name, startedAt }),
    decode: ({ name, startedAt }: { name: string; startedAt: number }) => new Session(name, startedAt),
  });
  const [early, late] = [new Session("s", 1), new Session("s", 2)];
  expect(keyDigest(early, { registry })).toBe(keyDigest(late, { registry }));
  expect(encode(early, { registry }).digest).not.toBe(encode(late, { registry }).digest);
});

test("names are unique, well formed, and a class has one", () => {
  const registry = withPoint();
  class Other {
    readonly a = 1;
  }
  expect(codeOf(() => registry.registerClass(Other, { name: "acme/Point" }))).toBe("DUPLICATE_TYPE");
  expect(codeOf(() => registry.registerClass(Point, { name: "acme/Point2" }))).toBe("DUPLICATE_TYPE");
  expect(registry.named("acme/Point2")).toBeUndefined();
  for (const name of ["", "1a", "a b", "x".repeat(129), undefined as never]) {
    expect(codeOf(() => registry.registerClass(Other, { name }))).toBe("INVALID_OPTION");
  }
  const halfDefined = { name: "acme/Other", encode: () => 1 };
  expect(codeOf(() => registry.registerClass(Other, halfDefined))).toBe("INVALID_OPTION");
  expect(codeOf(() => registry.register({ name: "acme/T", is: () => false } as never))).toBe("INVALID_OPTION");
});

test("registerClass and registerType fill the registry that encode and decode use", () => {
  class Celsius {
    readonly degrees: number;
    constructor(degrees: number) {
      this.degrees = degrees;
    }
  }
  registerClass(Celsius, {
    name: "acme/Celsius",
    encode: ({ degrees }: Celsius) => degrees,
    decode: (degrees: number) => new Celsius(degrees),
  });
  expect(restore(new Celsius(20))).toStrictEqual(new Celsius(20));
  registerType({
    name: "acme/Params",
    is: (value): value is URLSearchParams => value instanceof URLSearchParams,
    encode: String,
    decode: (text: string) => new URLSearchParams(text),
  });
  expect(String(restore(new URLSearchParams("a=1")))).toBe("a=1");
});

test("a registry knows whether its values may take part in keys by [cacheKey]()", () => {
  class Plain {
    readonly x = 1;
  }
  class Keyed {
    [cacheKey](): number {
      return 1;
    }
  }
  class Derived extends Keyed {}
  const plain = new TypeRegistry();
  plain.registerClass(Plain, { name: "Plain", encode: ({ x }) => x, decode: () => new Plain() });
  expect(plain.mayHaveCacheKeys).toBe(false);
  plain.registerClass(Derived, { name: "Derived" });
  expect(plain.mayHaveCacheKeys).toBe(true);
  const open = new TypeRegistry();
  open.register({ name: "Any", is: (value) => value instanceof Keyed, encode: () => 1, decode: () => new Keyed() });
  expect(open.mayHaveCacheKeys).toBe(true);
});
