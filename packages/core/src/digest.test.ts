import { createHash } from "node:crypto";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { BlobHasher, CHUNK_SIZE, combineChunkDigests, digestBytes } from "./digest.ts";

const sha256 = (...parts: (Uint8Array | string)[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

function pattern(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let index = 0; index < size; index += 997) bytes[index] = index % 251;
  return bytes;
}

test("short content has the digest that sha256sum prints", () => {
  expect(digestBytes(new TextEncoder().encode("abc"))).toBe(
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
  expect(digestBytes(new Uint8Array(0))).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
});

test("content of exactly one chunk is hashed plainly, one byte more is a tree", () => {
  const whole = pattern(CHUNK_SIZE);
  expect(digestBytes(whole)).toBe(sha256(whole).toString("hex"));
  const longer = pattern(CHUNK_SIZE + 1);
  const header = `reprise tree sha256 chunk 8388608 size ${CHUNK_SIZE + 1}\n`;
  const expected = sha256(header, sha256(longer.subarray(0, CHUNK_SIZE)), sha256(longer.subarray(CHUNK_SIZE)));
  expect(digestBytes(longer)).toBe(expected.toString("hex"));
});

test.each([0, 1, CHUNK_SIZE - 1, CHUNK_SIZE, CHUNK_SIZE + 1, 2 * CHUNK_SIZE, 2 * CHUNK_SIZE + 5])(
  "a stream of %i bytes, however it is cut, has the digest of the whole",
  (size) => {
    const bytes = pattern(size);
    const digest = digestBytes(bytes);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: size }), { maxLength: 6 }), (cuts) => {
        const hasher = new BlobHasher();
        const borders = [0, ...cuts.sort((a, b) => a - b), size];
        borders.forEach((border, index) => hasher.update(bytes.subarray(border, borders[index + 1] ?? size)));
        expect(hasher.digest()).toEqual({ digest, size });
      }),
      { numRuns: 5 },
    );
  },
);

test("digests of chunks combine to the digest of the whole", () => {
  const bytes = pattern(2 * CHUNK_SIZE + 5);
  const chunks = [0, 1, 2].map((index) => sha256(bytes.subarray(index * CHUNK_SIZE, (index + 1) * CHUNK_SIZE)));
  expect(combineChunkDigests(bytes.length, chunks)).toBe(digestBytes(bytes));
  expect(combineChunkDigests(0, [sha256("")])).toBe(digestBytes(new Uint8Array(0)));
});

test("the wrong number of chunks is an error", () => {
  expect(() => combineChunkDigests(CHUNK_SIZE + 1, [sha256("")])).toThrow(/2 chunks of 8388608, but 1 digests/);
  expect(() => combineChunkDigests(0, [])).toThrow(/1 chunks/);
});

test("a byte changed in any chunk changes the digest", () => {
  const bytes = pattern(2 * CHUNK_SIZE + 5);
  const digest = digestBytes(bytes);
  for (const place of [0, CHUNK_SIZE, bytes.length - 1]) {
    const changed = bytes.slice();
    changed[place] = (changed[place] ?? 0) ^ 1;
    expect(digestBytes(changed)).not.toBe(digest);
  }
});
