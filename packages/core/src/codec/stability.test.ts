import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { encode } from "./encode.ts";
import { digestOf } from "./testing/restore.ts";
import { samples } from "./testing/samples.ts";

const printDigests = fileURLToPath(new URL("./testing/print-digests.ts", import.meta.url));

function digests(): Record<string, string> {
  return Object.fromEntries(Object.entries(samples()).map(([name, value]) => [name, digestOf(value)]));
}

function digestsElsewhere(flags: string[], env: Record<string, string>, args: string[] = []): unknown {
  const output = execFileSync(process.execPath, [...flags, printDigests, ...args], {
    env: { PATH: process.env["PATH"], ...env },
    encoding: "utf8",
  });
  return JSON.parse(output);
}

test.each<[string, string[], Record<string, string>]>([
  ["another time zone and locale", [], { TZ: "Asia/Kathmandu", LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" }],
  ["another seed of chance and of hashes", ["--random-seed=42", "--hash-seed=7"], { TZ: "Pacific/Apia" }],
  ["an engine that does not optimise", ["--no-opt", "--no-sparkplug"], {}],
])("digests are the same in a process with %s", (_, flags, env) => {
  expect(digestsElsewhere(flags, env)).toEqual(digests());
});

test("digests are the same in a process that builds the values in another order", () => {
  expect(digestsElsewhere([], {}, ["--reversed"])).toEqual(digests());
});

/** A change here makes every stored artifact and cache entry unreachable: it needs a new format version. */
test("digests are those of format 1", () => {
  expect(digests()).toEqual({
    null: "fb50dc0717ff266cf9baf82b1ce7a1c2ef6d9247859680b11a19fb7077f5f222",
    undefined: "85f90dfea1d8027e1463e5ca971a250110a20df0119d204a74220bc63516d15b",
    text: "3674dbba8c4d0ac2e027a4cf0fdd695616001a3b1c9511fc897a8a18d52af5c3",
    loneSurrogate: "01e70044ea55b59ebb04fe6a8500c5a56f55aa1641c7945856bd56cbd13bda56",
    integers: "3e5e335c5b65f6b281b4b6a31a1d0492a695f1f6eafaad242e349d17576285b5",
    numbers: "4d827138f177f9c7b5ab9324c30a5cb4adf7d02d8c9669599f0430a5408e9baf",
    bigints: "d1f0a4d851a08f789eff020288573082895a820ff40e758461c5a31f646dfaa0",
    record: "358434b1399d09d0c466bd95481a47eb8dfc92367b4b216050c7b134ab316b0e",
    records: "5bd57df92324d168c457e38aa9d0d7644dd094f38e59b33a8535cf29ee1992f9",
    holed: "0e59e418c0779de49c0ba58a893d56b8fec00a62bdf62c943c0290cb49df9c9a",
    map: "aea86e8593b0a369b21e97514aa792814bd01cd12fbf62ebfb252f5ab266bff0",
    set: "52d2f04f8dc2955bae3bc18d5038cbf9f832b2988e7a8d6bfb57f3b49d957a88",
    ordered: "272caa46cb35032d7243166a68f09a28a5f0c52994515143b4a34698cec83bc4",
    date: "54fba98b60a293e536a8013ec2e7b15b7ecd48408d82501ff3f428fb60403f75",
    pattern: "7dc7205bad0711310581bfbdf7f1c7ff49e2f5d76328b6bb88dd05479365a9a5",
    url: "a2f2c0e98806f71436feb9570d93d074f6975ca57092563c0b3837f8f211f469",
    error: "32a0a40e688f4be99d3364418f9bf21e97be5613162dc189155a41cfee42ea0a",
    bytes: "6a08c0d49ecc34df2eba05c8bb6d64772a9195a39c584f8eb12992ae5273acde",
    buffer: "aae7684c0ff4ff878464c21254be942b739d7e49e5c95f16932586225ec1e83f",
    floats: "f3eccb29ea129a27a06695d406e28b4790432b4b71c2ca27eabcbd7c82382cd7",
    largeBytes: "db8ce2cbbf32a410e608805e9de93f1406b02d4704713da552aa6df93ac5c897",
    bare: "ef67c27bbaa30d998a4cb1dea1e094039abb33d5c071d5a4c033e9bdb0e8995a",
  });
});

test("bytes are those of format 1", () => {
  const hex = (value: unknown) => Buffer.from(encode(value).bytes).toString("hex");
  expect(hex(null)).toBe("010000");
  expect(hex(5)).toBe("010085");
  expect(hex(-1)).toBe("01000500");
  expect(hex(300)).toBe("010004ac02");
  expect(hex("ab")).toBe("0100426162");
  expect(hex([1.5])).toBe("01000c01000000000000f83f");
  expect(hex({ b: [true], a: "x" })).toBe("01000e024161417841620b0103");
  expect(hex(new Set(["b", "a"]))).toBe("0100110241614162");
  expect(hex(Uint8Array.of(7))).toBe("010016050107");
});
