/**
 * What authors of bodies do, rightly or wrongly: each case is a func that executes inline, `inline <case>`, and one that
 * executes in a worker process, `remote <case>`. Whatever they give must be the same.
 */
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { registerClass, RepriseError, RunCanceledError, RunFailedError, TimeoutError, toFailure } from "@reprise/core";
import { z } from "zod";
import {
  context,
  DirectoryArtifact,
  FileArtifact,
  func,
  type Future,
  isFuture,
  LocalRunner,
  order,
  RunFailure,
} from "../index.ts";

const leaf = func("bc leaf", (value: unknown) => value);
const pair = func("bc pair", () => ({ a: { deep: [1, 2, 3] }, b: "b", none: null }));
const list = func("bc list", (length: number) => Array.from({ length }, (_, at) => at));
const double = func("bc double", (n: number) => 2 * n);
const checked = func({ id: "bc checked", input: z.object({ n: z.number() }), run: ({ n }) => n });
const slow = func({
  id: "bc slow",
  timeout: 100,
  run: () => new Promise((resolve) => setTimeout(resolve, 60_000).unref()),
});
const odd = func("bc odd", (n: number) => {
  if (n % 2 === 1) throw new OddError(`${n} is odd`, { cause: { status: 400 } });
  return n;
});
const chained = func("bc chained", (n: number) => odd(n));

class OddError extends RangeError {
  override readonly name = "OddError";
  readonly code = "E_ODD";
  readonly extra = { not: "kept" };
}

class Point {
  readonly x: number;
  readonly y: number;
  constructor(x: number, y: number) {
    this.x = x;
    this.y = y;
  }
}
registerClass(Point, {
  name: "bc/Point",
  encode: ({ x, y }) => [x, y],
  decode: ([x, y]: number[]) => new Point(x ?? 0, y ?? 0),
});

/** A future that a body has left for others. */
const left: { future?: Future<unknown> } = {};

/** An error as whoever catches it sees it. What was thrown and is none becomes one on its way between processes. */
const told = (error: unknown): unknown => {
  const { name, message, code, cause } = toFailure(error);
  const classes = [RunFailedError, TimeoutError, RunCanceledError, RepriseError].map((type) => error instanceof type);
  const below = (error as { cause?: unknown }).cause;
  return [
    name,
    message,
    code ?? null,
    ...classes,
    cause === undefined ? null : below === undefined ? cause.message : told(below),
  ];
};

/** What comes of something that fails. */
const caught = async (act: () => unknown): Promise<unknown> => {
  try {
    return { gave: await act() };
  } catch (error) {
    return told(error);
  }
};

const cyclic = (): unknown => {
  const value: Record<string, unknown> = {};
  value["self"] = value;
  return value;
};

const tick = (ms = 1): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const bodies: Readonly<Record<string, (...args: never[]) => unknown>> = {
  "gives values of all kinds": () => ({
    numbers: [0, -0, NaN, Infinity, 1e21, 12n],
    text: ["", "ü😀", "\ud800"],
    date: new Date(5),
    map: new Map<unknown, unknown>([
      ["a", 1],
      [2, new Set([3])],
    ]),
    bytes: new Uint8Array([1, 2, 3]),
    point: new Point(1, 2),
    none: [null, undefined],
    error: new TypeError("as a value"),
    pattern: /a+/gi,
  }),
  "gives nothing": () => undefined,
  "gives what cannot be stored": () => ({ deep: [() => 1] }),
  "gives what contains itself": cyclic,
  "gives a symbol": () => Symbol("no"),
  "throws an error of its own": () => {
    throw new OddError("own", { cause: new Error("below", { cause: "a text" }) });
  },
  "throws a text": () => {
    throw "just a text"; // oxlint-disable-line typescript/only-throw-error -- bodies do
  },
  "throws nothing": () => Promise.reject(undefined), // oxlint-disable-line prefer-promise-reject-errors
  "throws many": async () => Promise.any([Promise.reject(new OddError("one")), Promise.reject(new Error("two"))]),
  "throws what cannot be read": () => {
    throw new Proxy(new Error("closed"), {
      get: () => {
        throw new Error("keep out");
      },
    });
  },

  "waits for calls": async () => [await leaf(1).$value(), await leaf([2]).$value(), await pair().a.deep[1]?.$value()],
  "waits for many at once": () => Promise.all(Array.from({ length: 20 }, (_, at) => leaf(at).$value())),
  "waits for one twice": async () => {
    const future = leaf({ n: 1 });
    const [one, two] = [await future.$value(), await future.$value()] as { n: number }[];
    if (one !== undefined) one.n = 5;
    return [one, two, await future.$value()];
  },
  races: async () => Promise.race([tick(60_000), leaf("first").$value()]),
  "waits for whichever succeeds": async () => Promise.any([odd(1).$value(), odd(2).$value()]),
  "settles all": async () =>
    (await Promise.allSettled([odd(1).$value(), leaf(2).$value()])).map(({ status }) => status),
  "waits for a part that is not there": async () => [await (pair() as never as { c: Future<unknown> }).c.$value()],
  "waits for a part of nothing": () =>
    caught(() => (pair() as never as { none: { deep: Future<unknown> } }).none.deep.$value()),
  "waits with a signal that was aborted": () =>
    caught(() => leaf(1).$value({ signal: AbortSignal.abort(new Error("before")) })),
  "stops waiting": async () => {
    const stop = new AbortController();
    const waiting = caught(() => slow().$value({ signal: stop.signal }));
    await tick(5);
    stop.abort(new Error("changed my mind"));
    return [await waiting, await leaf("goes on").$value()];
  },
  "stops waiting in the same turn": async () => {
    const stop = new AbortController();
    const waiting = caught(() => leaf(1).$value({ signal: stop.signal }));
    stop.abort("a text");
    return waiting;
  },

  "catches the failure of a child": () => caught(() => odd(3).$value()),
  "catches the failure of a grandchild": () => caught(() => chained(3).$value()),
  "catches a timeout": () => caught(() => slow().$value()),
  "passes the failure of a child on": () => odd(5).$value(),
  "wraps the failure of a child": async () => {
    try {
      return await odd(7).$value();
    } catch (error) {
      throw new Error("could not", { cause: error });
    }
  },
  "leaves the failure of a child to others": async () => {
    void odd(9);
    await tick(20);
    return "done";
  },

  "returns a future": () => leaf("as such"),
  "returns a part": () => pair().a.deep,
  "returns futures in a value": () => {
    const one = leaf(1);
    return { one, again: [one, { b: pair().b }], set: new Set([leaf("s")]), map: new Map([["k", leaf("m")]]) };
  },
  "returns a future of a failure": () => [odd(11)],
  "returns a part that is not there": () => ({ gone: (pair() as never as { c: { d: Future<unknown> } }).c.d }),
  "passes futures on": () => leaf({ list: [leaf(1), leaf(2)], map: new Map([["p", pair().a]]) }),
  "passes a part of nothing on": () => leaf((pair() as never as { none: { x: Future<unknown> } }).none.x),
  "takes a snapshot of arguments": async () => {
    const value = { n: 1 };
    const future = leaf(value);
    value.n = 2;
    return future.$value();
  },

  maps: () => double.map([1, leaf(2) as never, 3]),
  "maps nothing": () => double.map([]),
  "maps what is not known yet": () => double.map(list(4)),
  "maps what is no array": () =>
    caught(() => (double as { map: (items: unknown) => Future<unknown> }).map(leaf("text")).$value()),
  "maps with failures": async () => {
    const results = (await odd.map([1, 2, 3, 4], { tolerate: 2, concurrency: 1 }).$value()) as unknown[];
    return results.map((one) =>
      one instanceof RunFailure ? [one.funcId, one.failure.message, one.failure.code] : one,
    );
  },
  "maps with too many failures": () =>
    caught(() => odd.map([1, 3, 5], { tolerate: 1, each: { name: "e", tags: ["t"] } }).$value()),
  "maps of maps": async () => {
    const inner = double.map([1, 2]);
    return [await double.map(inner).$value(), inner[1]];
  },
  "gives options that are not known": () => caught(() => double.map([1], { speed: 2 } as never)),

  "sets options": async () => {
    const future = leaf(1).$set({
      name: "other name",
      tags: ["x"],
      retry: { retries: 1 },
      timeout: "1m",
      cache: false,
    });
    return [await future.$value(), isFuture(future)];
  },
  "sets options too late": async () => {
    const future = leaf(1);
    await tick();
    return caught(() => future.$set({ name: "late" }));
  },
  "sets options after it waits": async () => {
    const future = leaf(1);
    const waiting = future.$value();
    return [await caught(() => future.$set({ name: "late" })), await waiting];
  },
  "sets options that are wrong": () => caught(() => leaf(1).$set({ timeout: "soon" } as never)),
  "orders calls": async () => {
    const [one, two, three] = [leaf(1), leaf(2), leaf(3)];
    order(one, two, three);
    return [await three.$value(), one, two];
  },
  "orders in a circle": () => {
    const [one, two] = [leaf(1), leaf(2)];
    order(one, two);
    return caught(() => order(two, one));
  },
  "orders what is no future": () => caught(() => order(leaf as never, leaf(1))),
  "starts after a failure": () => caught(() => leaf(1).$after(odd(1)).$value()),

  "spreads a future": () => caught(() => ({ ...(pair() as object) })),
  "writes a future into a text": () => caught(() => `the ${leaf(1) as unknown as string}`),
  "turns a future into JSON": () => caught(() => JSON.stringify({ future: leaf(1) })),
  "unpacks a future": () => {
    const [one, two] = list(2) as never as Future<number>[];
    return [one, two];
  },
  "passes what cannot be stored": () => caught(() => leaf({ deep: new Map([["f", () => 1]]) })),
  "passes a future as a key": () => caught(() => leaf(new Map([[leaf(1), 1]]))),
  "passes too many arguments": () => caught(() => (checked as (...args: unknown[]) => unknown)({ n: 1 }, 2)),
  "passes what its schema refuses": () => caught(() => checked({ n: "one" } as never).$value()),
  "leaves a future for others": () => {
    const future = leaf("left");
    left.future = future;
    return future;
  },
  "passes the future of another body": () => caught(() => leaf(left.future)),
  "waits for the future of another body": () => caught(() => left.future?.$value()),
  "returns the future of another body": () => left.future,
  "uses a runner": () => caught(() => new LocalRunner().run(leaf(1))),

  "goes on after its end": (folder: string) => {
    const future = leaf("early");
    const file = join(folder, context().funcId.startsWith("inline") ? "0" : "1");
    setTimeout(() => {
      const late = async (): Promise<void> => {
        const found = [await caught(() => leaf("late")), await caught(() => future.$value())];
        writeFileSync(file, JSON.stringify(found));
      };
      void late();
    }, 30);
    return "over";
  },

  "knows its run": async () => {
    const { runId, rootId, funcId, attempt, signal, workdir } = context();
    const first = [runId.length, rootId.length, funcId, attempt, signal.aborted, readdirSync(workdir)];
    await tick();
    writeFileSync(join(context().workdir, "a"), "a");
    return [...first, runId === rootId, context().runId === runId, readdirSync(workdir)];
  },
  "takes the context as a parameter": (n: number, context: { attempt: number; funcId: string }) => [
    n,
    context.attempt,
    context.funcId,
  ],
  "tells metrics": () => {
    const { metric, progress } = context();
    metric("gauge", 1);
    metric("gauge", 2);
    metric("count", 3, "count");
    progress(1, 10);
    progress(10, 10, "all");
  },
  "tells metrics that are none": async () => [
    await caught(() => context().metric("", 1)),
    await caught(() => context().metric("x", Number.NaN)),
    await caught(() => context().metric("x", 1, "sum" as never)),
    await caught(() => context().progress(-1)),
    await caught(() => context().progress(1, Number.NaN)),
  ],
  "logs odd data": () => {
    const { log } = context();
    log.debug("circle", cyclic());
    log.info("big", { big: 12n, map: new Map([["a", 1]]), nan: Number.NaN });
    log.warn("error", { error: new OddError("logged") });
    log.error("nothing", undefined);
    log.info("null", null);
    log.info(5 as never, () => 1);
    log.info("long", "x".repeat(100_000));
  },
  prints: async () => {
    process.stdout.write("one ");
    await tick();
    process.stdout.write(Buffer.from("two ü").subarray(0, 5));
    process.stdout.write(Buffer.from("two ü").subarray(5));
    process.stdout.write("\nthree\r\nfour\n\nfive\n");
    process.stderr.write("to stderr 6\n");
    process.stdout.write("€".repeat(70_000));
    process.stderr.write("open");
  },
  "prints futures": async () => {
    const future = leaf(1);
    process.stdout.write(`${inspect(future)} ${inspect(pair().a)}\n`);
    return future;
  },
  "says that its result is not for reuse": () => {
    context().noCache();
    return 1;
  },

  "gives files": async () => {
    const { workdir } = context();
    writeFileSync(join(workdir, "a.txt"), "in a file");
    return { file: await FileArtifact.from(join(workdir, "a.txt")), folder: await DirectoryArtifact.from(workdir) };
  },
  "gives much": () => ({ bytes: new Uint8Array(300_000).fill(7), text: "long ".repeat(40_000) }),
  "passes much": async () => {
    const bytes = new Uint8Array(200_000).fill(3);
    const found = (await leaf({ bytes, again: leaf(bytes) }).$value()) as { bytes: Uint8Array; again: Uint8Array };
    return [found.bytes.length, found.again[199_999], found.bytes === found.again];
  },
};

export const names = Object.keys(bodies);

/** Both forms of each, by name. */
export const inline = new Map(names.map((name) => [name, func(`inline ${name}`, bodies[name] as () => unknown)]));
export const remote = new Map(
  names.map((name) => [name, func({ id: `remote ${name}`, standalone: true, run: bodies[name] as () => unknown })]),
);

const schemas = { input: z.object({ n: z.number().default(3) }), output: z.object({ twice: z.number().max(10) }) };
const twice = ({ n }: { n: number }): { twice: number } => ({ twice: 2 * n });
export const inlineSchema = func({ id: "inline schema", ...schemas, run: twice });
export const remoteSchema = func({ id: "remote schema", ...schemas, standalone: true, run: twice });

/** Options of calls that cannot leave a process. */
export const functions = func({
  id: "bc functions",
  standalone: true,
  run: async () => [
    await caught(() => leaf(1).$set({ retry: { retries: 1, when: () => true } })),
    await caught(() => leaf(1).$set({ cache: { key: () => 1 } })),
    await caught(() => leaf.map([1], { each: { cache: { key: () => 1 } } })),
  ],
});
