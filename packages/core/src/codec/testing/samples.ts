import { ordered } from "../ordered.ts";

/** One value of each kind, built anew for each call; `reversed` adds keys, entries and items the other way round. */
export function samples(reversed = false): Record<string, unknown> {
  const arrange = <T>(list: T[]): T[] => (reversed ? list.toReversed() : list);
  const object = (entries: [string, unknown][]) => Object.fromEntries(arrange(entries)) as object;
  const record = object([
    ["id", 123],
    ["name", "Zürich 😀"],
    ["at", 1_760_000_000_000],
    ["score", 0.25],
    ["10", true],
    ["9", null],
  ]);
  const holed: unknown[] = ["a"];
  holed[3] = "b";
  return {
    null: null,
    undefined: undefined,
    text: "Grüße, \u{1F600}",
    loneSurrogate: "\uD800",
    integers: [0, 127, 128, -1, 2 ** 40, -(2 ** 40), "not numbers only"],
    numbers: [1, 2.5, -0, Number.NaN, Number.POSITIVE_INFINITY],
    bigints: [0n, 255n, -(2n ** 70n)],
    record,
    records: [record, record],
    holed,
    map: new Map(
      arrange<[unknown, unknown]>([
        ["a", 1],
        [2, "b"],
        [{ k: 1 }, [true]],
      ]),
    ),
    set: new Set(arrange<unknown>([3, "x", record])),
    ordered: ordered(
      new Map([
        ["b", 1],
        ["a", 2],
      ]),
    ),
    date: new Date(Date.UTC(2026, 9, 12, 1, 2, 3, 4)),
    pattern: /a+\/b/giu,
    url: new URL("https://example.com/ü?q=1"),
    error: Object.assign(new TypeError("wrong", { cause: "why" }), { code: "E_WRONG" }),
    bytes: Uint8Array.of(1, 2, 3),
    buffer: Buffer.from("abc"),
    floats: Float32Array.of(1.5, -2),
    largeBytes: new Uint8Array(100_000).fill(7),
    bare: Object.assign(Object.create(null) as object, { a: 1 }),
  };
}
