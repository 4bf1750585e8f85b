// What it costs to bring a value into its canonical form, beside what everybody has: JSON, a copy in memory, sha256.
import { createHash } from "node:crypto";
// oxlint-disable-next-line eslint/no-restricted-imports -- users reach the codec only through runs; here it is measured alone
import { decode, digestBytes, encode } from "@reprise/core";
import { atMost, type Benchmark, compared, type Measure, type Report } from "./benchmark.ts";
import { interleave, type Series } from "./measure/interleave.ts";
import { type Elapsed, timed } from "./measure/stopwatch.ts";
import { growthExponent, type SizedTotal } from "./measure/statistics.ts";

/** A record of some 300 bytes as JSON, like a row of a table or the settings of a step. */
function makeRecord(at: number): Record<string, unknown> {
  return {
    id: `sample-${at}`,
    label: at % 3 === 0 ? "spam" : "ham",
    score: Math.sin(at) * 1000,
    count: at,
    valid: at % 2 === 0,
    source: { file: `corpus/part-${at % 64}.mbox`, offset: at * 4096, length: 4096 },
    tags: ["train", "clean", `fold-${at % 10}`],
    text: "The quick brown fox jumps over the lazy dog, and then it goes home to sleep.",
    note: null,
  };
}

const makeRecords = (count: number) => Array.from({ length: count }, (_, at) => makeRecord(at));
const makeNumbers = (count: number) => Array.from({ length: count }, (_, at) => Math.sin(at) * 1000);
const makeFloats = (count: number) => Float64Array.from({ length: count }, (_, at) => Math.sin(at));

interface Subject {
  readonly what: string;
  readonly make: (count: number) => unknown;
  readonly sizes: readonly number[];
  /** How a size is written. */
  readonly unit: string;
  /** What people would do without us. */
  readonly limits: Limits;
  /** What the target allows of the limit of encoding. */
  readonly target: number | undefined;
}

interface Limits {
  readonly encode: { readonly name: string; readonly work: (value: unknown) => unknown };
  readonly hashed: { readonly name: string; readonly work: (value: unknown) => unknown };
  /** Gets what `encode` of the limits gave. */
  readonly decode: { readonly name: string; readonly work: (encoded: unknown) => unknown };
}

const sha256 = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex");

const json: Limits = {
  encode: { name: "JSON.stringify", work: (value) => JSON.stringify(value) },
  hashed: { name: "JSON.stringify + sha256", work: (value) => sha256(JSON.stringify(value)) },
  decode: { name: "JSON.parse", work: (encoded) => JSON.parse(encoded as string) as unknown },
};

const copyOf = (value: unknown): Float64Array => (value as Float64Array).slice();
const copy: Limits = {
  encode: { name: "copy in memory", work: copyOf },
  hashed: { name: "copy + sha256", work: (value) => sha256(new Uint8Array(copyOf(value).buffer)) },
  decode: { name: "copy in memory", work: copyOf },
};

const subjects: readonly Subject[] = [
  {
    what: "record",
    make: (count) => (count === 1 ? makeRecord(7) : makeRecords(count)),
    sizes: [1, 10, 100],
    unit: "records",
    limits: json,
    target: 1,
  },
  {
    what: "rows",
    make: makeRecords,
    sizes: [600, 6000, 60_000],
    unit: "rows",
    limits: json,
    target: 1,
  },
  {
    what: "array of numbers",
    make: makeNumbers,
    sizes: [10_000, 100_000, 1_000_000],
    unit: "numbers",
    limits: json,
    target: 0.2,
  },
  {
    what: "Float64Array",
    make: makeFloats,
    sizes: [10_000, 100_000, 1_000_000],
    unit: "floats",
    limits: copy,
    target: undefined,
  },
];

/** So many executions that a sample lasts some 50 ms, found when the compiler has done its work. */
function loopsFor(work: () => unknown): number {
  let loops = 1;
  let last = timed(loops, work).time;
  for (let spent = last; spent < 300; spent += last * loops) {
    loops = Math.max(1, Math.ceil(50 / last));
    last = timed(loops, work).time;
  }
  return Math.max(1, Math.ceil(50 / last));
}

/** What of an encoding is hashing: the document and the bytes that were split out of it. */
function digestAgain({ bytes, blobs }: ReturnType<typeof encode>): void {
  digestBytes(bytes);
  for (const blob of blobs) digestBytes(blob.bytes);
}

function decodeAgain({ bytes, blobs }: ReturnType<typeof encode>): unknown {
  return decode(bytes, { blob: ({ digest }) => blobs.find((part) => part.digest === digest)?.bytes as Uint8Array });
}

async function compare({ limits }: Subject, value: unknown) {
  const theirs = limits.encode.work(value);
  const encoded = encode(value);
  const work = {
    limitOfEncode: () => limits.encode.work(value),
    limitOfHashed: () => limits.hashed.work(value),
    limitOfDecode: () => limits.decode.work(theirs),
    encode: () => encode(value),
    digest: () => digestAgain(encoded),
    decode: () => decodeAgain(encoded),
  };
  const loops = Object.fromEntries(Object.entries(work).map(([name, execute]) => [name, loopsFor(execute)]));
  const contestants = Object.entries(work).map(
    ([name, execute]) => [name, () => timed(loops[name] ?? 1, execute)] as const,
  );
  return interleave(Object.fromEntries(contestants) as Record<keyof typeof work, () => Elapsed>, { repetitions: 11 });
}

function line(what: string, size: string, against: string, limit: Series, ours: Series): Measure {
  return { what, size, unit: "µs", ...compared(against, limit, ours, 1000) };
}

async function measureSubject(report: Report, subject: Subject): Promise<void> {
  const { what, limits, target } = subject;
  const totals: SizedTotal[] = [];
  const bare: SizedTotal[] = [];
  for (const count of subject.sizes) {
    const size = `${count} ${subject.unit}`;
    const series = await compare(subject, subject.make(count));
    // `encode` always gives the digest too; this limit does not hash, so that part is taken off.
    const alone = {
      ...series.encode,
      median: Math.max(series.encode.median - series.digest.median, 0),
      best: Math.max(series.encode.best - series.digest.best, 0),
      processor: Math.max(series.encode.processor - series.digest.processor, 0),
    };
    report.measure({
      ...line(`${what}: encode`, size, limits.encode.name, series.limitOfEncode, alone),
      ...(target === undefined ? {} : { verdict: atMost(target, alone.median / series.limitOfEncode.median) }),
    });
    report.measure(line(`${what}: encode + digest`, size, limits.hashed.name, series.limitOfHashed, series.encode));
    report.measure(line(`${what}: decode`, size, limits.decode.name, series.limitOfDecode, series.decode));
    bare.push({ size: count, total: series.limitOfHashed.median });
    totals.push({ size: count, total: series.encode.median });
  }
  const [smallest, , largest] = subject.sizes;
  report.growth({
    what: `${subject.what}: encode + digest`,
    sizes: `${smallest} to ${largest} ${subject.unit}`,
    limit: growthExponent(bare),
    ours: growthExponent(totals),
  });
}

export const codec: Benchmark = {
  title: "Canonical encoding beside JSON and beside a copy in memory",
  async run(report) {
    for (const subject of subjects) await measureSubject(report, subject);
  },
};
