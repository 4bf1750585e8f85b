import { createServer } from "node:net";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { RepriseError } from "../errors.ts";
import { ByteWriter } from "./byte-writer.ts";
import { encode, keyDigest } from "./encode.ts";
import { MAX_DOCUMENT_SIZE } from "./format.ts";
import { digestOf } from "./testing/restore.ts";

/** The error of storing a value, which keys give as well. */
function refusal(value: unknown): RepriseError {
  const errors = [encode, keyDigest].map((store) => {
    try {
      store(value, { path: "output" });
    } catch (error) {
      return error;
    }
    return undefined;
  });
  expect(errors[0]).toBeInstanceOf(RepriseError);
  expect((errors[0] as RepriseError).code).toBe("VALUE_NOT_STORABLE");
  expect((errors[1] as RepriseError).message).toBe((errors[0] as RepriseError).message);
  return errors[0] as RepriseError;
}

class Foo {
  readonly x = 1;
}

test("an instance of an unknown class is refused with its path and the remedy", () => {
  expect(refusal({ model: { tokenizer: new Foo() } }).message).toBe(
    "output.model.tokenizer: instance of Foo has no codec; register it with registerClass",
  );
  expect(refusal(new (class extends Map {})()).message).toMatch(/^output: instance of .* has no codec/);
  expect(refusal(new (class extends Array {})()).message).toMatch(/^output: instance of .* has no codec/);
  expect(refusal(new (class Special extends Error {})("x")).message).toMatch(/instance of Special has no codec/);
});

test("the path tells every kind of container", () => {
  const path = (value: unknown) => refusal(value).message.split(": ")[0];
  const bad = () => 1;
  expect(path([1, [bad]])).toBe("output[1][0]");
  expect(path({ "odd name": bad })).toBe('output["odd name"]');
  expect(path(new Map([["k", [bad]]]))).toBe('output.get("k")[0]');
  expect(path(new Map([[{}, bad]]))).toBe("output.values()[0]");
  expect(path(new Map([[[bad], 1]]))).toBe("output.keys()[0][0]");
  expect(path(new Set([1, { bad }]))).toBe("output.values()[1].bad");
  expect(path(new Error("x", { cause: bad }))).toBe("output.cause");
  expect(path(Object.assign(new Error("x"), { data: bad }))).toBe("output.data");
  const holed: unknown[] = [];
  holed[2] = bad;
  expect(path(holed)).toBe("output[2]");
});

test.each<[string, unknown, RegExp]>([
  ["a function", function fit() {}, /a function \(fit\) cannot be stored/],
  ["a class", Foo, /a function \(Foo\)/],
  ["a symbol", Symbol("s"), /a symbol/],
  ["a promise", Promise.resolve(1), /a Promise cannot be stored; await it first/],
  ["a WeakMap", new WeakMap(), /a WeakMap/],
  ["a WeakSet", new WeakSet(), /a WeakSet/],
  ["a WeakRef", new WeakRef({}), /a WeakRef/],
  ["a generator", (function* () {})(), /a generator/],
  ["an iterator", [1].values(), /an iterator/],
  ["an iterator of a Map", new Map().entries(), /an iterator/],
  ["a stream", Readable.from(["x"]), /a stream \(Readable\)/],
  ["a web stream", new ReadableStream(), /a stream \(ReadableStream\)/],
  ["a boxed string", new String("x"), /a boxed String/],
  ["a boxed number", new Number(1), /a boxed Number/],
  ["a Proxy of an object", new Proxy({}, {}), /a Proxy/],
  ["a Proxy of an array", new Proxy([], {}), /a Proxy/],
  ["Math", Math, /the built-in Math/],
  ["the prototype of a class", Foo.prototype, /the prototype of a class/],
  ["a Headers", new Headers(), /instance of Headers has no codec/],
  ["a resizable buffer", new ArrayBuffer(1, { maxByteLength: 2 }), /a resizable ArrayBuffer/],
])("%s is refused", (_, value, reason) => {
  expect(refusal({ value }).message).toMatch(reason);
  expect(refusal({ value }).message).toMatch(/^output\.value: /);
});

test("a socket, a module, an arguments object and a transferred buffer are refused", async () => {
  const server = createServer();
  expect(refusal([server]).message).toMatch(/output\[0\]: instance of Server/);
  server.close();
  expect(refusal(await import("./format.ts")).message).toMatch(/a module/);
  (function () {
    expect(refusal(arguments).message).toMatch(/an arguments object/);
  })();
  const buffer = new Uint8Array(4);
  structuredClone(buffer, { transfer: [buffer.buffer] });
  expect(refusal(buffer).message).toMatch(/transferred elsewhere/);
});

test("properties that would be lost are refused", () => {
  expect(refusal(Object.assign([1, 2], { extra: 1 })).message).toMatch(/an array with the property "extra"/);
  expect(refusal("ab".match(/b/)).message).toMatch(/an array with the property "(index|groups)"/);
  const long = Object.assign(Array.from({ length: 100 }, String), { groups: {} });
  expect(refusal(long).message).toMatch(/an array with the property "groups"/);
  for (const value of [
    new Map(),
    new Set(),
    new Date(0),
    /a/,
    new URL("https://a.b"),
    new Uint8Array(2),
    new ArrayBuffer(1),
  ]) {
    expect(refusal(Object.assign(value, { extra: 1 })).message).toMatch(/with the property "extra" of its own/);
  }
});

test("a value that contains itself is refused as such, through whatever containers", () => {
  const object: Record<string, unknown> = {};
  object["self"] = { deep: [object] };
  const array: unknown[] = [];
  array.push(array);
  const map = new Map<unknown, unknown>();
  map.set(map, 1);
  const set = new Set<unknown>();
  set.add([set]);
  const error = new Error("x");
  error.cause = { error };
  for (const value of [object, array, map, set, error]) {
    expect(refusal({ value }).message).toMatch(/^output\.value.*…?.*: the value contains itself/);
  }
});

test("a cycle longer than the depth that is allowed is still called a cycle", () => {
  const first: { next?: object } = {};
  let last = first;
  for (let length = 0; length < 3_000; length++) last = last.next = {};
  last.next = first;
  expect(refusal(first).message).toMatch(/the value contains itself/);
});

test("a hundred thousand levels are refused as too deep, a thousand are stored", () => {
  const nest = (levels: number) => {
    let value: unknown = "x";
    for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value };
    return value;
  };
  expect(refusal(nest(100_000)).message).toMatch(/nested more than 1000 levels deep/);
  expect(refusal(nest(1_001)).message).toMatch(/nested more than 1000 levels deep/);
  expect(digestOf(nest(1_000))).toMatch(/^[0-9a-f]{64}$/);
});

test("arrays with holes within each other are encoded once each", () => {
  let value: unknown[] = ["x"];
  for (let level = 0; level < 500; level++) {
    value = [value];
    value.length = 2;
  }
  expect(encode(value).bytes.length).toBeLessThan(5_000);
});

test("a getter that throws is an error with its path and cause", () => {
  const cause = new Error("closed");
  const value = {
    fine: 1,
    get broken(): never {
      throw cause;
    },
  };
  const error = refusal([value]);
  expect(error.message).toBe("output[0].broken: its getter threw: closed");
  expect(error.cause).toBe(cause);
});

test("a getter may itself store something", () => {
  const inner = { x: [1, "a"] };
  const value = {
    a: "before",
    get digest() {
      return digestOf(inner);
    },
    z: "after",
  };
  expect(digestOf(value)).toBe(digestOf({ a: "before", digest: digestOf(inner), z: "after" }));
});

test("after a refusal the next value is stored as if nothing had happened", () => {
  const before = digestOf({ a: [1, "x"], b: new Map([["k", 2]]) });
  refusal({ a: [1, { b: [() => 1] }], b: 2 });
  expect(digestOf({ a: [1, "x"], b: new Map([["k", 2]]) })).toBe(before);
});

test("a document beyond 1 GiB is refused before memory is taken for it", () => {
  const writer = new ByteWriter();
  writer.reserve(1_000_000);
  expect(() => writer.reserve(MAX_DOCUMENT_SIZE + 1)).toThrow(/larger than 1 GiB/);
});
