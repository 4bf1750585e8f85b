import { inspect } from "node:util";
import { RepriseError } from "@reprise/core";
import { describe, expect, it } from "vitest";
import { func, isFuture, type Pending, SilentRunner } from "./index.ts";

const numbers = func("numbers", () => [1, 2, 3]);
const person = func("person", () => ({ name: "Ada", address: { city: "London" } }));

/** A future as code without types sees it. */
// oxlint-disable-next-line typescript/no-explicit-any -- what the compiler would refuse is what is tested
const future: any = person();

/* oxlint-disable eslint/eqeqeq, typescript/no-unsafe-member-access, typescript/no-unsafe-call, typescript/no-unsafe-return, typescript/no-unsafe-argument -- as above */
const misuses: [title: string, how: RegExp, act: () => unknown][] = [
  ["+", /used as a plain value/, () => future + 1],
  ["-", /used as a plain value/, () => future - 1],
  ["unary minus", /used as a plain value/, () => -future],
  [">", /used as a plain value/, () => future > 3],
  ["==", /used as a plain value/, () => future == 3],
  ["a template string", /used as a plain value/, () => `${future}`],
  ["String()", /used as a plain value/, () => String(future)],
  ["Number()", /used as a plain value/, () => Number(future)],
  ["Math.max", /used as a plain value/, () => Math.max(future, 1)],
  ["a key", /used as a plain value/, () => ({})[future as string]],
  ["new Date()", /used as a plain value/, () => new Date(future)],
  ["JSON.stringify", /turned into JSON/, () => JSON.stringify(future)],
  ["JSON.stringify around it", /turned into JSON/, () => JSON.stringify({ a: [future] })],
  ["object spread", /spread or enumerated/, () => ({ ...future })],
  ["Object.keys", /spread or enumerated/, () => Object.keys(future)],
  [
    "for in",
    /spread or enumerated/,
    () => {
      for (const key in future) return key;
    },
  ],
  ["Object.assign", /spread or enumerated/, () => Object.assign({}, future)],
  ["array spread", /iterated or spread/, () => [...future]],
  ["Array.from", /iterated or spread/, () => Array.from(future)],
  [
    "for of",
    /iterated or spread/,
    () => {
      for (const item of future) void item;
    },
  ],
  ["call spread", /iterated or spread/, () => Math.max(...future)],
  ["new Set()", /iterated or spread/, () => new Set(future)],
  ["in", /searched with `in`/, () => "name" in future],
  [
    "assignment",
    /assigned to \(property name\)/,
    () => {
      future.name = "Bob";
    },
  ],
  ["Object.defineProperty", /assigned to/, () => Object.defineProperty(future, "name", { value: 1 })],
  ["delete", /changed with delete/, () => delete future.name],
];

describe("a future used as a value", () => {
  it.each(misuses)("throws: %s", (_, how, act) => {
    let error: unknown;
    try {
      act();
    } catch (thrown) {
      error = thrown;
    }
    expect(RepriseError.is(error, "FUTURE_MISUSE")).toBe(true);
    const { message } = error as Error;
    expect(message).toMatch(/^The future of person /);
    expect(message).toMatch(how);
    expect(message).toMatch(/Pass it to a func, return it, or wait for it with await future\.\$value\(\)\.$/);
  });

  it("names the part that was used", () => {
    expect(() => `${future.address.city}`).toThrow(/^The future of person\.address\.city was used/);
    expect(() => `${future.$get("odd key")[3]}`).toThrow(/^The future of person\["odd key"\]\[3\] was used/);
  });

  it("cannot be copied with structuredClone", () => {
    expect(() => structuredClone(future)).toThrow(/could not be cloned/);
  });

  it("cannot be called as a method", () => {
    expect(() => future.name.toUpperCase()).toThrow(TypeError);
    expect(() => (numbers() as unknown as number[]).map((n) => n)).toThrow(TypeError);
  });
});

describe("a future", () => {
  it("awaited by mistake is itself", async () => {
    const awaited = [await future, (await Promise.all([future, Promise.resolve(1)]))[0], await Promise.resolve(future)];
    expect(awaited.map((one) => Object.is(one, future))).toEqual([true, true, true]);
  });

  it("survives being returned from an async body", async () => {
    const pipeline = func("returning", async () => {
      await Promise.resolve();
      return numbers();
    });
    expect(await new SilentRunner().run(pipeline())).toEqual([1, 2, 3]);
  });

  it("prints as what it is, alone, in parts and inside others", () => {
    expect(inspect(future)).toBe("Future(person CREATED)");
    expect(inspect(future.address.city)).toBe("Future(person.address.city CREATED)");
    expect(inspect({ a: [future] })).toBe("{ a: [ Future(person CREATED) ] }");
    expect(inspect(future, { showProxy: true, depth: 0 })).toContain("Proxy");
  });

  it("unpacks as many parts as there are names", () => {
    const [a, , c] = future as [Pending<number>, Pending<number>, Pending<number>];
    expect([isFuture(a), isFuture(c)]).toEqual([true, true]);
    expect(inspect(c)).toBe("Future(person[2] CREATED)");
    const many = Array.from({ length: 64 }, (_, at) => `x${at}`).join(",");
    // oxlint-disable-next-line typescript/no-implied-eval -- 64 names are easier made than written
    expect(new Function("future", `const [${many}] = future; return x63`)(future)).toBeDefined();
  });

  it("is known as one, and nothing else is", () => {
    expect(isFuture(future)).toBe(true);
    expect(isFuture(future.name)).toBe(true);
    for (const other of [undefined, null, 1, "x", {}, [], Promise.resolve(1), numbers])
      expect(isFuture(other)).toBe(false);
  });

  it("works across two copies of the library", async () => {
    const query = "./future.ts?copy";
    const copy = (await import(query)) as { isFuture: typeof isFuture };
    expect(copy.isFuture).not.toBe(isFuture);
    expect(copy.isFuture(future)).toBe(true);
  });
});
