import { isDeepStrictEqual } from "node:util";
import { expect, test } from "vitest";
import { digestBytes } from "../digest.ts";
import { BlobRef } from "./blob-ref.ts";
import { decode } from "./decode.ts";
import { encode, keyDigest } from "./encode.ts";
import { BLOB_THRESHOLD } from "./format.ts";
import { blobRefs } from "./scan-blobs.ts";
import { restore } from "./testing/restore.ts";

test("bytes from 64 KiB on are split out under their own digest, shorter ones are not", () => {
  const short = new Uint8Array(BLOB_THRESHOLD - 1).fill(1);
  expect(encode({ short }).blobs).toEqual([]);
  const long = new Uint8Array(BLOB_THRESHOLD).fill(1);
  const { bytes, blobs } = encode({ long });
  expect(bytes.length).toBeLessThan(60);
  expect(isDeepStrictEqual(blobs, [{ digest: digestBytes(long), size: BLOB_THRESHOLD, bytes: long }])).toBe(true);
  expect(isDeepStrictEqual(restore({ short, long }), { short, long })).toBe(true);
});

test("equal content is one blob, whatever views it has and however often", () => {
  const bytes = new Uint8Array(100_000).fill(5);
  const { blobs } = encode([
    bytes,
    bytes.slice(),
    Buffer.from(bytes),
    new Float32Array(bytes.slice().buffer),
    { bytes },
  ]);
  expect(blobs).toHaveLength(1);
});

test("a blob of several chunks has the digest of its tree", () => {
  const large = new Float64Array(2_500_000).fill(0.5);
  const { blobs } = encode(large);
  expect(blobs[0]?.digest).toBe(digestBytes(new Uint8Array(large.buffer)));
  expect(isDeepStrictEqual(restore(large), large)).toBe(true);
});

test("the blobs of a document are found without decoding it, those to load and those that stay references", () => {
  const bytes = new Uint8Array(100_000).fill(9);
  const file = new BlobRef("cd".repeat(32), 10 ** 12);
  const hidden = new Map<unknown, unknown>([[new Set([[file]]), Object.assign(new Error("x"), { data: { bytes } })]]);
  const holed: unknown[] = [];
  holed[5] = hidden;
  const encoded = encode([1, "x", 2n, /a/, new URL("https://a.b"), new Date(0), [1.5], holed, file]);
  expect(blobRefs(encoded.bytes)).toEqual({ loaded: [new BlobRef(digestBytes(bytes), 100_000)], lazy: [file] });
  expect(encoded.references).toEqual([file]);
  expect(blobRefs(encode({ a: 1 }).bytes)).toEqual({ loaded: [], lazy: [] });
});

test("a document whose blobs cannot be had says so, and one of another length is damage", () => {
  const { bytes } = encode(new Uint8Array(100_000));
  expect(() => decode(bytes)).toThrow(expect.objectContaining({ code: "BLOB_NOT_FOUND" }));
  expect(() => decode(bytes, { blob: () => new Uint8Array(99_999) })).toThrow(
    expect.objectContaining({ code: "ARTIFACT_DAMAGED" }),
  );
});

test("what was loaded is a copy: changing it changes neither blob nor later loads", () => {
  const { bytes, blobs } = encode(new Uint8Array(100_000));
  const load = () => decode(bytes, { blob: () => blobs[0]!.bytes }) as Uint8Array;
  load().fill(1);
  expect(blobs[0]?.bytes[0]).toBe(0);
  expect(load()[0]).toBe(0);
});

test("the key of a value with large content is the digest of the artifact", () => {
  const value = { bytes: new Uint8Array(200_000).fill(3) };
  expect(keyDigest(value)).toBe(encode(value).digest);
});

test("a document larger than the buffer that is kept is whole and independent of later ones", () => {
  const value = { text: "é".repeat(12_000_000), list: ["x", 1] };
  const first = encode(value);
  encode({ text: "y".repeat(30_000_000) });
  encode({ other: "z".repeat(100_000) });
  expect(digestBytes(first.bytes)).toBe(first.digest);
  expect(isDeepStrictEqual(decode(first.bytes), value)).toBe(true);
});
