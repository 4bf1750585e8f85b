import * as fc from "fast-check";
import { expect, test } from "vitest";
import { RepriseError } from "../errors.ts";
import { decode } from "./decode.ts";
import { encode } from "./encode.ts";
import { blobRefs } from "./scan-blobs.ts";
import { anyValue } from "./testing/any-value.ts";
import { samples } from "./testing/samples.ts";

const numRuns = Number(process.env["REPRISE_PROPERTY_RUNS"] ?? 3_000);
const timeout = 60_000 + numRuns * 5;
const loadBlob = ({ size }: { readonly size: number }) => new Uint8Array(Math.min(size, 1_000_000));

/** The code of the error, or `accepted`. What is no error of ours fails the test. */
function outcome(read: () => unknown): string {
  try {
    read();
    return "accepted";
  } catch (error) {
    if (RepriseError.is(error)) return error.code;
    throw error;
  }
}

const decoded = (bytes: Uint8Array) => outcome(() => decode(bytes, { blob: loadBlob }));
const bytesOf = (node: readonly number[]) => Uint8Array.from([1, 0].concat(node));

test("any bytes are refused or are the only form of a value, and change no prototype", { timeout }, () => {
  const prototypes = [Object.prototype, Array.prototype, Map.prototype, Error.prototype];
  const before = prototypes.map((prototype) => Reflect.ownKeys(prototype).length);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (tail) => {
      const bytes = bytesOf([...tail]);
      expect(["accepted", "ARTIFACT_DAMAGED", "TYPE_UNKNOWN", "TYPE_FAILED"]).toContain(decoded(bytes));
      expect(["accepted", "ARTIFACT_DAMAGED"]).toContain(outcome(() => blobRefs(bytes)));
    }),
    { numRuns },
  );
  expect(prototypes.map((prototype) => Reflect.ownKeys(prototype).length)).toEqual(before);
});

test("a document with bytes changed is refused or is another value, never a crash", { timeout }, () => {
  const edits = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(anyValue, edits, (value, changes) => {
      const bytes = Uint8Array.from(encode(value).bytes);
      for (const [place, byte] of changes) bytes[place % bytes.length] = byte;
      expect(["accepted", "ARTIFACT_DAMAGED", "TYPE_UNKNOWN", "TYPE_FAILED"]).toContain(decoded(bytes));
      expect(["accepted", "ARTIFACT_DAMAGED"]).toContain(outcome(() => blobRefs(bytes)));
    }),
    { numRuns },
  );
});

test("a document that is cut or continued is refused", () => {
  for (const value of Object.values(samples())) {
    const { bytes } = encode(value);
    expect(decoded(bytes)).toBe("accepted");
    for (let length = 0; length < bytes.length; length++) {
      expect(decoded(bytes.subarray(0, length))).toBe("ARTIFACT_DAMAGED");
    }
    expect(decoded(Buffer.concat([bytes, Buffer.of(0)]))).toBe("ARTIFACT_DAMAGED");
  }
});

const nan = [0x01, 0, 0, 0, 0, 0, 0xf8, 0x7f];
const one = [0, 0, 0, 0, 0, 0, 0xf0, 0x3f];

test.each<[string, number[]]>([
  ["an unknown tag", [0x3f]],
  ["a small integer in the long form", [0x04, 0x05]],
  ["a varint with superfluous bytes", [0x04, 0x80, 0x01, 0x00].slice(0, 3).concat(0x00)],
  ["an integer in the form of a float", [0x06, ...one]],
  ["a NaN with other bits", [0x06, ...nan]],
  ["a NaN with other bits in an array of numbers", [0x0c, 1, ...nan]],
  ["an array of no numbers", [0x0c, 0]],
  ["a bigint with a leading zero", [0x07, 2, 0, 1]],
  ["a negative zero bigint", [0x08, 0]],
  ["a short string in the long form", [0x09, 1, 0x61]],
  ["malformed UTF-8", [0x42, 0xc3, 0x28]],
  ["UTF-16 that could be UTF-8", [0x0a, 2, 0x61, 0]],
  ["half of a UTF-16 unit", [0x0a, 1, 0x61]],
  ["a property twice", [0x0e, 2, 0x41, 0x61, 0x81, 0x41, 0x61, 0x82]],
  ["properties in another order", [0x0e, 2, 0x41, 0x62, 0x81, 0x41, 0x61, 0x82]],
  ["a property whose key is no string", [0x0e, 1, 0x81, 0x81]],
  ["a Map in another order", [0x10, 2, 0x82, 0x00, 0x81, 0x00]],
  ["a Map with a key twice", [0x10, 2, 0x81, 0x00, 0x81, 0x00]],
  ["a Set with an item twice", [0x11, 2, 0x81, 0x81]],
  ["a Set in another order", [0x11, 2, 0x82, 0x81]],
  ["an array with holes but none", [0x0d, 1, 1, 0, 1, 0x81]],
  ["an array longer than its length", [0x0d, 1, 1, 1, 1, 0x81]],
  ["a Date beyond all Dates", [0x12, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f]],
  ["a regular expression that is none", [0x13, 0x41, 0x28, 0x40]],
  ["a URL that is none", [0x14, 0x41, 0x78]],
  ["an error of an unknown class", [0x15, 99, 0, 0]],
  ["bytes of an unknown kind", [0x16, 99, 0]],
  ["half of a Uint16", [0x16, 8, 1, 0]],
  ["a Set with minus zero", [0x11, 1, 0x06, 0, 0, 0, 0, 0, 0, 0, 0x80]],
  ["an array of numbers in the form of any array", [0x0b, 1, 0x81]],
  ["an error with a stack", [0x15, 0, 0, 1, 0x45, 0x73, 0x74, 0x61, 0x63, 0x6b, 0x81]],
  ["a small blob", [0x17, 5, ...Array.from({ length: 32 }, () => 1), 5]],
  ["a key in place of a value", [0x1a, 0x41, 0x61, 0x81]],
])("%s is refused", (_, node) => {
  expect(decoded(bytesOf(node))).toBe("ARTIFACT_DAMAGED");
});

test("counts and lengths that promise more than there is are refused before memory is taken", () => {
  const huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
  for (const tag of [0x09, 0x0a, 0x07, 0x0b, 0x0c, 0x0e, 0x0f, 0x10, 0x11]) {
    expect(decoded(bytesOf([tag, ...huge]))).toBe("ARTIFACT_DAMAGED");
  }
  expect(decoded(bytesOf([0x16, 5, ...huge]))).toBe("ARTIFACT_DAMAGED");
  expect(decoded(bytesOf([0x0b, ...Array.from({ length: 20 }, () => 0xff)]))).toBe("ARTIFACT_DAMAGED");
});

test("many arrays that claim a great length take no memory for it", () => {
  const sparse = [0x0d, 0x80, 0x80, 0x80, 0x0f, 0];
  const before = process.memoryUsage().rss;
  expect(decoded(bytesOf([0x0b, 100, ...Array.from({ length: 100 }, () => sparse).flat()]))).toBe("accepted");
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
});

test("nesting beyond all bounds is refused, not a stack overflow", () => {
  for (const opening of [
    [0x0b, 1],
    [0x11, 1],
    [0x0e, 1, 0x41, 0x61],
    [0x19, 0x41, 0x61],
    [0x15, 0, 4],
  ]) {
    const bytes = bytesOf(Array.from({ length: 50_000 }, () => opening).flat());
    expect(decoded(bytes)).toBe("ARTIFACT_DAMAGED");
    bytes[1] = 1;
    expect(outcome(() => blobRefs(bytes))).toBe("ARTIFACT_DAMAGED");
  }
});

test("a document of another format version or with unknown flags is refused", () => {
  expect(() => decode(Uint8Array.of(2, 0, 0))).toThrow(
    /its format is number 2, and this release of reprise reads number 1/,
  );
  expect(decoded(Uint8Array.of(1, 4, 0))).toBe("ARTIFACT_DAMAGED");
  expect(decoded(Uint8Array.of(1, 1, 0))).toBe("ARTIFACT_DAMAGED");
  expect(decoded(new Uint8Array(0))).toBe("ARTIFACT_DAMAGED");
});

test("bytes that only look at memory of others are decoded from their own range", () => {
  const { bytes } = encode({ a: [1, "x"] });
  const within = new Uint8Array(bytes.length + 10).fill(255);
  within.set(bytes, 5);
  expect(decode(within.subarray(5, 5 + bytes.length))).toEqual({ a: [1, "x"] });
});

test("what is accepted is the one form of its value", { timeout }, () => {
  const edits = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 2 });
  fc.assert(
    fc.property(anyValue, edits, (value, changes) => {
      const bytes = Uint8Array.from(encode(value).bytes);
      for (const [place, byte] of changes) bytes[place % bytes.length] = byte;
      const accepted = outcome(() => decode(bytes)) === "accepted";
      expect(!accepted || Buffer.from(encode(decode(bytes)).bytes).equals(bytes)).toBe(true);
    }),
    { numRuns },
  );
});
