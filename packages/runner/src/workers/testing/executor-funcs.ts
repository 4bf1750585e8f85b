/** Funcs for the tests of executors: what their bodies do. They are called by no pipeline, so some do what none should. */
import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, existsSync, writeSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { context, func } from "../../index.ts";

/** The pipe of messages, which is behind the three streams. */
const ipc = 3;

class OddError extends TypeError {
  override readonly name = "OddError";
  readonly code = "E_ODD";
}

export const sum = func("ex sum", (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0));
export const lengthOf = func("ex length", (data: Float64Array) => data.length);
export const make = func("ex make", (length: number) => new Float64Array(length).fill(1));
export const text = func("ex text", (length: number) => "x".repeat(length));
export const pid = func("ex pid", () => process.pid);
export const environment = func("ex environment", (name: string) => [process.env[name] ?? null, process.cwd()]);

export const tell = func("ex tell", (lines: number) => {
  const { log, metric, progress, noCache, attempt, runId, rootId } = context();
  for (let line = 0; line < lines; line += 1) console.log(`line ${line}`);
  console.error("error line");
  log.warn("told", { deep: [1] });
  metric("loss", 0.5);
  metric("seen", 2, "count");
  progress(1, 4, "a quarter");
  noCache();
  process.stdout.write("no end");
  return [attempt, runId, rootId];
});

/** Writes where no JavaScript can see it. */
export const writeRaw = func("ex raw", () => {
  writeSync(1, "raw out\n");
  spawnSync(process.execPath, ["-e", 'console.error("of a child")'], { stdio: "inherit" });
  context().log.info("between");
  return 1;
});

export const inner = func("ex inner", (number: number) => number);
export const waits = func("ex waits", async (number: number) => (await inner(number).$value()) + 1);
export const waitsForAll = func("ex waits for all", async (count: number) => {
  const calls = Array.from({ length: count }, (_, index) => inner(index));
  return Promise.all(calls.map((call) => call.$value()));
});
export const nested = func("ex nested", (number: number) => ({ first: inner(number), more: [inner(number + 1), 7] }));
export const fails = func("ex fails", (message: string) => {
  throw new OddError(message, { cause: new RangeError("deep down") });
});

/** Says that it has begun, waits until it is told to stop, tidies up and passes the reason on. */
export const obeys = func("ex obeys", async () => {
  const { signal, log } = context();
  log.info("waits");
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  await sleep(20);
  log.info("tidied up");
  throw signal.reason;
});

/** Never ends, and hears no signal; `how` says whether its process can. */
export const blocks = func("ex blocks", async (how: string, place: string) => {
  if (how === "ignores SIGTERM") process.on("SIGTERM", () => undefined);
  await callAt(place, "blocks");
  context().log.info("blocks");
  if (how === "ignores SIGTERM") await new Promise((resolve) => setTimeout(resolve, 3_600_000));
  for (;;);
});

/** Blocks its process before anything else could happen in it. */
export const blocksAtOnce = func("ex blocks at once", (place: string) => {
  // The end of this process ends the other one's input, which says so.
  const script = `const socket = require("node:net").connect(${JSON.stringify(place)});
    socket.write("blocked ${process.pid}\\n"); process.stdin.resume().once("close", () => socket.end())`;
  spawn(process.execPath, ["-e", script], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  for (;;);
});

/** Computes for so many ms, and gives the event loop no turn. */
export const computes = func("ex computes", (ms: number) => {
  const until = performance.now() + ms;
  while (performance.now() < until);
  return ms;
});

export const waitsFor = func("ex waits for file", async (file: string) => {
  context().log.info(`waits in ${process.pid}`);
  while (!existsSync(file)) await sleep(10);
  return process.pid;
});

/** Counts itself in a file, then does what the text says. */
export const counts = func("ex counts", async (folder: string, name: string, how: string) => {
  appendFileSync(join(folder, name), "x");
  if (how === "dies") process.kill(process.pid, "SIGKILL");
  if (how === "waits") return (await inner(1).$value()) + 1;
  if (how.startsWith("until ")) while (!existsSync(how.slice(6))) await sleep(5);
  return 0;
});

export const exits = func("ex exits", async (code: number) => {
  context().log.info("last words");
  process.exit(code);
  return code;
});

/** Its process fails once the result is told. */
export const failsLater = func("ex fails later", () => {
  setTimeout(() => {
    void Promise.reject(new OddError("nobody listens"));
  }, 10);
  return process.pid;
});

/** Leaves a process behind that says where it can be seen to end. */
export const forks = func("ex forks", async (place: string) => {
  const script = `require("node:net").connect(${JSON.stringify(place)}).write("fork " + process.pid + "\\n")`;
  spawn(process.execPath, ["-e", script], { stdio: "ignore" }).unref();
  await callAt(place, "forks");
  return process.pid;
});

/** Has its process say things about tasks that are not for this moment. */
export const repeats = func("ex repeats", async () => {
  const { runId, attempt } = context();
  const task = `${runId}#${attempt}`;
  const raw = (message: object): unknown => writeSync(ipc, `${JSON.stringify(message)}\n`);
  const failure = { name: "Error", message: "late", classes: ["Error"] };
  raw({ type: "started", task, time: 1 });
  raw({ type: "log", task, stream: "log", level: "info", text: "of this task", time: 1 });
  raw({ type: "log", task: "nobody#1", stream: "log", level: "info", text: "of nobody", time: 1 });
  raw({ type: "result", task: "nobody#1", value: null, template: { stored: null, parts: [] } });
  raw({ type: "recalled", task });
  setTimeout(() => {
    raw({ type: "log", task, stream: "log", level: "info", text: "late", time: 1 });
    raw({ type: "failed", task, failure, child: null });
    raw({ type: "started", task, time: 1 });
  }, 20);
  return "once";
});

/** Is seen to end as long as its process lives. */
export const lives = func("ex lives", async (place: string, name: string) => {
  await callAt(place, name);
  return process.pid;
});

const kept: Buffer[] = [];

/** Keeps so much memory for good. */
export const keeps = func("ex keeps", async (bytes: number) => {
  kept.push(Buffer.alloc(bytes, 1));
  await sleep(500);
  return process.pid;
});

/** Never ends by itself. */
export const stays = func("ex stays", async (place: string, name: string) => {
  await callAt(place, name);
  await new Promise((resolve) => setTimeout(resolve, 3_600_000));
});

async function callAt(place: string, name: string): Promise<void> {
  const socket = connect(place);
  await new Promise<void>((resolve) => socket.write(`${name} ${process.pid}\n`, () => resolve()));
  socket.unref();
}
