// A pipeline of all shapes, to be ended at any moment. Arguments: home, durability, seed.
import { writeSync } from "node:fs";
import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";
import { context, func, LocalRunner, order, RunFailure } from "../index.ts";

interface Piece {
  readonly run: string;
  readonly data: unknown;
}

const [home = "", durability = "ordered", seed = "1"] = process.argv.slice(2);

/** Says, synchronously and outside all buffers, that the value of a run was seen by what depends on it. */
function announce(...pieces: readonly Piece[]): void {
  writeSync(1, pieces.map(({ run }) => `saw ${run}\n`).join(""));
}

/** Data of very different sizes, none of them twice: in the database, above 64 KiB, with blobs of their own. */
function dataOf(number: number): unknown {
  const unique = `${process.pid} ${seed} ${number}`;
  switch (number % 16) {
    case 0:
    case 1:
    case 2:
      return number;
    case 3:
      return unique.padEnd(70_000 + number, "text ");
    case 4:
      return { unique, bytes: new Uint8Array(100_000 + number * 100).fill(number) };
    case 5:
      return [new Float64Array(200_000).fill(number), unique];
    default:
      return { unique, list: Array.from({ length: number * 37 }, (_, at) => at) };
  }
}

const make = func("make", async (number: number) => {
  if (number % 3 === 0) await pause(number % 4);
  return { run: context().runId, data: dataOf(number) };
});

const join = func("join", (left: Piece, right: Piece): Piece => {
  announce(left, right);
  console.log("joined");
  return { run: context().runId, data: [left.data, right.data].slice(0, 1) };
});

const flaky = func({
  id: "flaky",
  retry: { retries: 3 },
  run: async (number: number, after: Piece) => {
    announce(after);
    await turn();
    context().metric("attempt", context().attempt);
    if (context().attempt <= number % 4) throw new Error(`attempt ${context().attempt}`);
    return { run: context().runId, data: number };
  },
});

const failing = func("failing", (): string => {
  throw new Error("as it should be");
});

const waiting = func("waiting", async (number: number) => {
  const piece = await make(number).$value();
  announce(piece);
  const failed = await failing()
    .$value()
    .catch(() => "handled");
  const next = await join(piece, make(number + 1)).$value();
  announce(next);
  return { run: context().runId, data: failed };
});

const element = func("element", (number: number): Piece => {
  if (number % 4 === 3) throw new Error("tolerated");
  return { run: context().runId, data: dataOf(number) };
});

const collect = func("collect", (list: (Piece | RunFailure)[]) => {
  announce(...list.flatMap((piece) => (piece instanceof RunFailure ? [] : [piece])));
  return { run: context().runId, data: list.length };
});

const group = func("group", (number: number) => {
  const first = make(number);
  const second = make(number + 2);
  order(first, second);
  const elements = element.map([1, 2, 3, 4, 5, 6], { tolerate: 6, concurrency: 3 });
  const all = collect(elements);
  return { run: join(join(first, second), flaky(number, waiting(number + 3))).run, data: all };
});

const root = func("root", async (start: number, load: Uint8Array) => {
  context().progress(0, load.length);
  const groups = [0, 1, 2, 3].map((at) => group(start + at * 7));
  await groups[0]?.$value();
  return groups;
});

if (durability !== "ordered" && durability !== "step") throw new Error(durability);
const runner = new LocalRunner({ home, durability, forwardOutput: false });
writeSync(1, "begins\n");
for (let round = 0; ; round += 1) {
  await runner.run(root(Number(seed) * 100 + round * 10, new Uint8Array(round % 3 === 1 ? 90_000 : 900).fill(round)));
  writeSync(1, "round\n");
}
