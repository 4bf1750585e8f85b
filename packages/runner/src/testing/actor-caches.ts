// Funcs of actors whose replicas load this file: what caches keep there, and for how long.
import { appendFileSync, existsSync } from "node:fs";
import { cacheKey } from "@reprise/core";
import { ActorEnvironment, FileArtifact, func } from "../index.ts";

/** Writes down what happens, in whatever process, to the file that the test has named. */
function note(what: string): void {
  appendFileSync(process.env["ACTOR_NOTES"] ?? "", `${what}\n`);
}

let tasks = 0;

class Currency {
  readonly digits: number;
  constructor(digits: number) {
    this.digits = digits;
  }
  [cacheKey](): number {
    return this.digits;
  }
}

class Interval {
  readonly ends: readonly number[];
  constructor(...ends: number[]) {
    this.ends = ends;
  }
  hash(): number {
    return this.ends.length;
  }
  equals(other: Interval): boolean {
    return other.ends.every((end, at) => this.ends[at] === end);
  }
}

class Connection {
  readonly url: string;
  constructor(url: string) {
    this.url = url;
  }
}

const clean = new ActorEnvironment({ name: "clean caches", replicas: 1, ttl: "30s", isolation: "clean" });
const byCurrency = clean.cache((currency: Currency) => {
  note(`load currency ${currency.digits}`);
  return new Map([["digits", currency.digits]]);
});
const byInterval = clean.cache((interval: Interval) => {
  note(`load interval ${interval.ends.join("-")}`);
  return interval.ends.length;
});

const cleanTask = clean.func("clean task", (digits: number) => {
  tasks += 1;
  const global = globalThis as { leftBehind?: number };
  global.leftBehind = (global.leftBehind ?? 0) + 1;
  byInterval(new Interval(1, digits));
  return { digits: byCurrency(new Currency(digits)).get("digits"), tasks, global: global.leftBehind, pid: process.pid };
});

/** Three tasks, one after the other, on a replica that loads its modules anew for each. */
export const cleanTasks = func("clean tasks", () => {
  const first = cleanTask(1);
  const second = cleanTask(1).$after(first);
  return [first, second, cleanTask(2).$after(second)];
});

const shared = new ActorEnvironment({ name: "shared caches", replicas: 1, concurrency: 8, ttl: "30s" });
const connect = shared.cache(
  async (url: string) => {
    note(`open ${url}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    return new Connection(url);
  },
  { maxEntries: 1, dispose: ({ url }) => note(`close ${url}`) },
);
shared.warmup(() => note("warm"));

const use = shared.func("use", async (url: string) => {
  const connection = await connect(url);
  note(`use ${url}`);
  await new Promise((resolve) => setTimeout(resolve, 20));
  note(`done ${url}`);
  return connection.url;
});

/** Eight tasks at once with two connections, of which one may be kept. */
export const usesOfTwo = func("uses of two", () => use.map(["a", "a", "a", "a", "b", "b", "b", "b"]));

/** A live value as the result. */
export const leak = shared.func("leak", () => connect("a"));

const unpack = shared.cache(async (file: FileArtifact) => ({ path: await file.download() }));
const whereIs = shared.func("where is", async (file: FileArtifact) => {
  const { path } = await unpack(file);
  return { path, isThere: existsSync(path) };
});

/** A file that one task has fetched for a cached value, and a later one reads. */
export const unpacked = func("unpacked", async () => {
  const file = await FileArtifact.of("content");
  const first = whereIs(file);
  return [first, whereIs(file).$after(first)];
});
