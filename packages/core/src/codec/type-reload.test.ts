import { describe, expect, it } from "vitest";
import { decode } from "./decode.ts";
import { encode } from "./encode.ts";
import { TypeRegistry } from "./type-registry.ts";

describe("types whose code is loaded anew", () => {
  const makePoint = () =>
    class Point {
      readonly x: number;
      constructor(x: number) {
        this.x = x;
      }
    };

  it("can be registered once more; what was registered last counts, and instances of before keep their type", () => {
    const registry = new TypeRegistry();
    const [First, Second] = [makePoint(), makePoint()];
    const register = (Point: ReturnType<typeof makePoint>): void => {
      registry.registerClass(Point, { name: "Point", encode: ({ x }) => x, decode: (x: number) => new Point(x) });
    };
    register(First);
    expect(() => register(Second)).toThrow(expect.objectContaining({ code: "DUPLICATE_TYPE" }));
    registry.codeReloads();
    register(Second);
    const { bytes, digest } = encode(new First(1), { registry });
    expect(encode(new Second(1), { registry }).digest).toBe(digest);
    expect(decode(bytes, { registry })).toBeInstanceOf(Second);
    expect(() => register(makePoint())).toThrow(expect.objectContaining({ code: "DUPLICATE_TYPE" }));
  });

  it("are asked for a value in their last form only", () => {
    const registry = new TypeRegistry();
    const Point = makePoint();
    const is = (value: unknown): value is object => value instanceof Point;
    registry.register({ name: "Point", is, encode: () => "first", decode: () => ({}) });
    registry.codeReloads();
    registry.register({ name: "Point", is, encode: () => "second", decode: (data) => ({ data }) });
    expect(decode(encode(new Point(1), { registry }).bytes, { registry })).toEqual({ data: "second" });
  });
});
