/** Funcs whose bodies execute in worker processes: what their tests call. */
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { context, DirectoryArtifact, FileArtifact, func, order } from "../index.ts";

const standalone = true;

export const where = func({ id: "sa where", standalone, run: () => process.pid });
export const here = func("sa here", () => process.pid);

export const square = func({ id: "sa square", standalone, run: (n: number) => n * n });
export const squares = func("sa squares", (count: number) => square.map(Array.from({ length: count }, (_, at) => at)));

/** Waits for a call of itself, `depth` deep: each level is a body that waits. */
export const deep = func({
  id: "sa deep",
  standalone,
  run: async (depth: number): Promise<number> => (depth === 0 ? 0 : 1 + (await deep(depth - 1).$value())),
});

/** Many bodies that each wait for one of their own. */
export const wide = func("sa wide", (count: number) => deep.map(Array.from({ length: count }, () => 2)));

const leaf = func("sa leaf", (text: string) => text.toUpperCase());

/** Everything that a body can do with calls. */
export const caller = func({
  id: "sa caller",
  standalone,
  run: async (text: string) => {
    const first = leaf(text).$set({ name: "named", tags: ["tagged"] });
    const second = square(7).$after(first);
    const parts = pairOf("x", "y");
    const mapped = square.map([1, 2, 3]);
    const third = leaf("third");
    order(second, third);
    const known = await first.$value();
    const raced = await Promise.race([
      mapped.$value(),
      new Promise((resolve) => setTimeout(resolve, 60_000, 0).unref()),
    ]);
    return { known, raced, id: first.$id, second, part: parts.b, list: [parts.a, { third }], mapped, last: mapped[2] };
  },
});

export const pairOf = func("sa pair", (a: string, b: string) => ({ a, b }));

/** Takes parts of other runs inside an object. */
export const joined = func({
  id: "sa joined",
  standalone,
  run: ({ parts, more }: { parts: readonly string[]; more: Map<string, string> }) =>
    `${parts.join("+")} ${more.get("b")}`,
});
export const joining = func("sa joining", () => {
  const pair = pairOf("p", "q");
  return joined({ parts: [pair.a, leaf("z")], more: new Map([["b", pair.b]]) });
});

export class NoLuckError extends Error {
  readonly code = "NO_LUCK";
}
class VeryBadLuckError extends NoLuckError {
  override readonly name = "VeryBadLuckError";
}

/** Throws until the attempt of that number. */
export const unlucky = func({
  id: "sa unlucky",
  standalone,
  retry: { retries: 3, exceptions: [NoLuckError] },
  run: (until: number) => {
    const { attempt } = context();
    if (attempt < until) throw new VeryBadLuckError(`attempt ${attempt}`, { cause: new TypeError("deep down") });
    return attempt;
  },
});

/** What a body sees of the failure of another. */
export const catcher = func({
  id: "sa catcher",
  standalone,
  run: async () => {
    try {
      return await unlucky(99).$value();
    } catch (error) {
      const { name, message, cause } = error as Error & { cause: Error & { code: string; cause: Error } };
      return [name, message.includes("sa unlucky"), cause.name, cause.message, cause.code, cause.cause.message];
    }
  },
});

/** Passes the failure of a child on. */
export const passing = func({ id: "sa passing", standalone, retry: { retries: 5 }, run: () => unlucky(99).$value() });

export const changer = func({
  id: "sa changer",
  standalone,
  run: (folder: string) => {
    const before = [process.env["SA_CHANGED"] ?? null, process.cwd() === folder];
    process.env["SA_CHANGED"] = "yes";
    process.chdir(folder);
    return { before, pid: process.pid };
  },
});

export const teller = func({
  id: "sa teller",
  standalone,
  run: (count: number) => {
    const { log, metric, progress } = context();
    for (let line = 0; line < count; line += 1) console.log(`line ${line}`);
    console.error("an error line");
    process.stdout.write("an open line");
    log.warn("told", { n: 1 });
    metric("speed", 3);
    progress(1, 2, "half");
    return context().workdir;
  },
});

/** Ends its process, in the given way, unless the file says that it has done so often enough. */
export const ending = func({
  id: "sa ending",
  standalone,
  run: async (file: string, how: string, times: number) => {
    const ends = existsSync(file) ? readFileSync(file, "utf8").length : 0;
    if (ends < times) {
      appendFileSync(file, "x");
      if (how.startsWith("SIG")) process.kill(process.pid, how);
      else process.exit(Number(how));
      await new Promise(() => undefined);
    }
    return context().attempt;
  },
});

/** Leaves a process behind. */
export const forking = func({
  id: "sa forking",
  standalone,
  run: () => spawn("sleep", ["1000"], { stdio: "ignore" }).pid ?? 0,
});

export const hog = func({
  id: "sa hog",
  standalone,
  resources: { memory: "300Mi" },
  run: async (what: string) => {
    const kept: unknown[] = [];
    for (;;) {
      kept.push(what === "heap" ? Array.from({ length: 100_000 }, (_, at) => ({ at })) : Buffer.alloc(16 << 20, 1));
      if (kept.length % 4 === 0) await new Promise(setImmediate);
    }
  },
});

/** Goes on until it is told to stop; then says how it ended. */
export const obedient = func({
  id: "sa obedient",
  standalone,
  run: async (file: string) => {
    const { signal } = context();
    writeFileSync(`${file}.begun`, String(process.pid));
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    writeFileSync(file, (signal.reason as Error).message);
  },
});

/** Blocks its process for so many ms, or for good. */
export const blocking = func({
  id: "sa blocking",
  standalone,
  run: (ms: number, file: string) => {
    writeFileSync(`${file}.begun`, String(process.pid));
    const until = performance.now() + ms;
    while (performance.now() < until);
    return process.pid;
  },
});

export const produce = func({
  id: "sa produce",
  standalone,
  run: (length: number) => {
    const data = new Float64Array(length);
    for (let at = 0; at < length; at += 1_000) data[at] = at;
    return data;
  },
});
export const consume = func({
  id: "sa consume",
  standalone,
  run: ({ data }: { data: Float64Array }) => {
    let sum = 0;
    for (let at = 0; at < data.length; at += 1_000) sum += data[at] as number;
    return sum;
  },
});
export const take = func({ id: "sa take", standalone, run: (data: Float64Array) => data.length });
export const bigPipeline = func("sa big pipeline", (length: number) => {
  const data = produce(length);
  return { sum: consume({ data }), length: take(data) };
});

/** Files that were made in one process, and read in another. */
export const makeFile = func({
  id: "sa make file",
  standalone,
  run: async () => {
    const file = join(context().workdir, "a.txt");
    writeFileSync(file, "made elsewhere");
    return { file: await FileArtifact.from(file), folder: await DirectoryArtifact.from(context().workdir) };
  },
});
export const readFile = func({
  id: "sa read file",
  standalone,
  run: async ({ file, folder }: { file: FileArtifact; folder: DirectoryArtifact }) => {
    const path = await folder.download(join(context().workdir, "copy"));
    return [await file.text(), readFileSync(join(path, "a.txt"), "utf8")];
  },
});
export const filePipeline = func("sa files", () => readFile(makeFile()));

export const cached = func({
  id: "sa cached",
  standalone,
  cache: { version: "1" },
  run: (n: number) => [n, Math.random()],
});
