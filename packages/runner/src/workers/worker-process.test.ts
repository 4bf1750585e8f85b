import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Failure, RepriseError } from "@reprise/core";
import { expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../testing/temporary-home.ts";
import { Child } from "../testing/child.ts";
import type { FromWorker, ProgressMessage, StartMessage } from "./protocol.ts";
import { oddOptions } from "./testing/odd-options.ts";
import { Gate } from "../testing/gate.ts";
import { WorkerProcess, type WorkerProcessOptions } from "./worker-process.ts";

const mega = 1024 ** 2;

type Changes = Partial<WorkerProcessOptions> & { readonly memory?: number; readonly odd?: string };

/** A worker of the tests, with what it has said. */
class Odd {
  readonly worker: WorkerProcess;
  readonly messages: FromWorker[] = [];
  readonly lines: string[] = [];
  readonly ended: Promise<Failure>;
  ends = 0;
  #watcher: (() => void) | undefined;

  constructor({ odd, ...changes }: Changes = {}) {
    const { promise, resolve } = Promise.withResolvers<Failure>();
    this.ended = promise;
    this.worker = new WorkerProcess(
      oddOptions({
        env: { ...process.env, ODD: odd },
        heard: (message) => {
          this.messages.push(message);
          this.#watcher?.();
        },
        output: (stream, line) => this.lines.push(`${stream}: ${line}`),
        ended: (failure) => {
          this.ends += 1;
          resolve(failure);
        },
        ...changes,
      }),
    );
    onTestFinished(() => this.worker.kill("the test is over", 0));
  }

  start(func: string, run = "a"): void {
    this.worker.send(task(func, run));
  }

  /** The first message of a type, when it has come. */
  async said<T extends FromWorker["type"]>(type: T): Promise<Extract<FromWorker, { readonly type: T }>> {
    for (;;) {
      const found = this.messages.find((message) => message.type === type);
      if (found !== undefined) return found as Extract<FromWorker, { readonly type: T }>;
      await new Promise<void>((resolve) => {
        this.#watcher = resolve;
      });
    }
  }
}

function task(func: string, run: string): StartMessage {
  return { type: "start", task: `${run}#1`, run, root: run, func, file: null, attempt: 1, args: [] };
}

test("messages and lines arrive in order, also those from before its end", async () => {
  const odd = new Odd();
  await odd.worker.ready;
  expect(odd.worker.heartbeat).toMatchObject({ memory: 5 });
  for (let index = 0; index < 100; index += 1) odd.start(`echo: ${index}`, `r${index}`);
  odd.start("says: last", "says");
  odd.start("exit: 0", "exit");
  const failure = await odd.ended;
  const notes = odd.messages
    .filter(({ type }) => type === "progress")
    .map((message) => (message as ProgressMessage).note);
  expect(notes).toEqual([...Array.from({ length: 100 }, (_, index) => String(index)), "last"]);
  expect(odd.messages).toHaveLength(303);
  expect(odd.lines.toSorted()).toEqual(["stderr: err last more", "stderr: rest", "stdout: out last"]);
  expect(failure).toEqual({
    name: "WorkerLostError",
    classes: ["WorkerLostError", "RepriseError", "Error"],
    code: "WORKER_LOST",
    message: `its worker process (pid ${odd.worker.pid}) ended with exit code 0 before the body was done: something called process.exit()`,
  });
  expect(odd.ends).toBe(1);
});

test("what it wrote before its end is read to the last line", async () => {
  const odd = new Odd();
  odd.start("flood and exit: 8000");
  await odd.ended;
  expect(odd.lines).toEqual(Array.from({ length: 8_000 }, (_, line) => `stdout: line ${line}`));
});

test("one that was ready in time may take as long as it likes", async () => {
  const odd = new Odd({ readyMs: 2_000 });
  await odd.worker.ready;
  const calm = new Promise((resolve) => setTimeout(resolve, 2_500, "calm"));
  expect(await Promise.race([odd.ended, calm])).toBe("calm");
});

test.for<[string, string, string, number?]>([
  ["exit: 0", "WORKER_LOST", "ended with exit code 0 before the body was done: something called process.exit()"],
  ["exit: 7", "WORKER_LOST", "ended with exit code 7 before the body was done: something called process.exit()"],
  ["exit: 137", "WORKER_LOST", "was ended by SIGKILL before the body was done: by somebody, or by the system"],
  [
    "throw: at once",
    "WORKER_LOST",
    "ended with exit code 1 before the body was done; it wrote last: TypeError: at once",
  ],
  ["reject later: oh", "WORKER_LOST", "ended with exit code 1 before the body was done; it wrote last: RangeError: oh"],
  ["kill: SIGSEGV", "WORKER_LOST", "was ended by SIGSEGV before the body was done: it crashed, as native modules"],
  ["kill: SIGKILL", "WORKER_LOST", "was ended by SIGKILL before the body was done: by somebody, or by the system"],
  ["kill: SIGTERM", "WORKER_LOST", "was ended by SIGTERM before the body was done"],
  ["nonsense", "WORKER_LOST", "was ended: what it said cannot be understood: "],
  ["disconnect", "WORKER_LOST", "was ended: it closed its connection"],
  ["memory", "OUT_OF_MEMORY", "used more than the 300 MiB that its resources allow, and was ended", 300 * mega],
  ["heap", "OUT_OF_MEMORY", "ended because its JavaScript heap was full: it may use 100 MiB in all", 100 * mega],
])("what the end of a process means: %s", async ([func, code, words, memory]) => {
  const odd = new Odd(memory === undefined ? {} : { memory });
  odd.start(func);
  const failure = await odd.ended;
  expect(failure).toMatchObject({
    code,
    message: expect.stringContaining(`(pid ${odd.worker.pid}) ${words}`) as string,
  });
});

test("a full heap without a limit names what would raise it", async () => {
  const odd = new Odd({ execArgv: ["--max-old-space-size=40"] });
  odd.start("heap");
  expect(await odd.ended).toMatchObject({
    code: "OUT_OF_MEMORY",
    message: expect.stringContaining("resources.memory, or --max-old-space-size, gives it more") as string,
  });
});

test.for([
  ["unable", "had: no such module", undefined, "not found"],
  ["fails", "ended with exit code 1 before it was ready; it wrote last: TypeError: top level", "at begin", undefined],
  ["never ready", "was ended: it was not ready within 1 s", "still loading the model", undefined],
] as const)("a worker that cannot serve says why: %s", async ([odd, words, stderr, cause]) => {
  const { worker, ended } = new Odd({ odd, readyMs: odd === "never ready" ? 1_000 : 60_000 });
  const error: unknown = await worker.ready.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!RepriseError.is(error, "WORKER_FAILED")) throw error;
  expect(error.message).toContain(words);
  expect(error.message).toContain(stderr === undefined ? "" : "It wrote to stderr:");
  expect(error.message).toContain(stderr ?? "");
  expect((error.cause as Error | undefined)?.message).toBe(cause);
  await ended;
});

test("a folder that is gone is named", async () => {
  const cwd = `${temporaryFolder()}/gone`;
  const { worker, ended } = new Odd({ cwd });
  const words = `A worker process cannot be started: its working directory ${cwd} does not exist`;
  await expect(worker.ready).rejects.toMatchObject({
    code: "WORKER_FAILED",
    message: expect.stringContaining(words) as string,
  });
  expect(await ended).toMatchObject({ code: "WORKER_FAILED", message: expect.stringContaining(words) as string });
  expect(worker.pid).toBeUndefined();
  await worker.kill("it never was");
});

test("an environment that no process can have is told, not thrown", async () => {
  const { worker, ended } = new Odd({ env: { BIG: "x".repeat(200_000).repeat(100) } });
  await expect(worker.ready).rejects.toMatchObject({
    code: "WORKER_FAILED",
    message: expect.stringContaining("E2BIG") as string,
  });
  await ended;
});

test("a process without a free file descriptor says what to look at", async () => {
  const script = fileURLToPath(new URL("testing/no-files.ts", import.meta.url));
  const child = spawn("/bin/sh", ["-c", 'ulimit -n 200; exec "$0" "$@"', process.execPath, script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  for await (const chunk of child.stdout.setEncoding("utf8")) text += String(chunk);
  expect(text).toMatch(/^WORKER_FAILED .*\(EMFILE\): look at `ulimit -n`\n$/);
});

test("options of node, folder and environment are as given, and nothing is told by arguments", async () => {
  const cwd = temporaryFolder();
  const odd = new Odd({
    cwd,
    memory: 512 * mega,
    execArgv: ["--conditions=odd"],
    env: { COLOUR: "red", GONE: undefined },
  });
  odd.start("env: COLOUR");
  const { note } = await odd.said("progress");
  expect(JSON.parse(note ?? "")).toEqual(["red", cwd, ["--conditions=odd", "--max-old-space-size=384"], []]);
});

test("SIGTERM first, after the grace SIGKILL; the reason is part of the failure", async () => {
  const odd = new Odd({ graceMs: 500 });
  odd.start("ignore signals");
  await odd.said("started");
  const killed = odd.worker.kill("its run was canceled");
  expect(await odd.said("progress")).toMatchObject({ note: "SIGTERM" });
  expect((await odd.ended).message).toContain("was ended: its run was canceled");
  await killed;
});

test("a process that ends by SIGTERM does not wait for the grace, also if it is stopped", async () => {
  for (const stops of [false, true]) {
    const odd = new Odd({ graceMs: 3_600_000 });
    await odd.worker.ready;
    if (stops) process.kill(odd.worker.pid as number, "SIGSTOP");
    await odd.worker.kill("the test says so");
    expect(odd.ends).toBe(1);
  }
});

test("one that is asked to end does so; one that does not is killed after the grace", async () => {
  const odd = new Odd({ graceMs: 3_600_000 });
  await odd.worker.ready;
  await odd.worker.end();
  const stays = new Odd({ graceMs: 300, odd: "stays" });
  await stays.worker.ready;
  await stays.worker.end();
  expect([odd.ends, stays.ends]).toEqual([1, 1]);
});

test("what a process has started ends with it", async () => {
  const lives = new Gate();
  const odd = new Odd({ env: { ...process.env, LIVES: lives.path } });
  odd.start("leave behind", "fork");
  const left = await lives.arrived("fork#1 left");
  odd.start("exit: 0");
  await Promise.all([odd.ended, left.left]);
  expect(lives.inside).toEqual([]);
});

test("a daemon that a body has started holds up nothing", async () => {
  const lives = new Gate();
  const odd = new Odd({ env: { ...process.env, LIVES: lives.path } });
  odd.start("leave behind: daemon", "daemon");
  const left = await lives.arrived("daemon#1 left");
  odd.start("exit: 0");
  await odd.ended;
  expect(lives.inside).toEqual([left]);
});

test.for(["ignore signals", "lives"])("a stopped process is lost after its silence: %s", async (func) => {
  const odd = new Odd({ silenceMs: 400 });
  odd.start(func);
  await odd.said("started");
  process.kill(odd.worker.pid as number, "SIGSTOP");
  expect((await odd.ended).message).toContain("was ended: it gave no sign of life for 400 ms");
});

test.for(["with thread", "without thread"])("a process that computes is not lost: %s", async (kind) => {
  const odd = new Odd({ silenceMs: 1_000 });
  odd.start(`block: ${kind}`);
  await odd.said("started");
  // Nothing can be awaited here but that nothing happens.
  const calm = new Promise((resolve) => setTimeout(resolve, 2_500, "calm"));
  expect(await Promise.race([odd.ended, calm])).toBe("calm");
});

test("a process without a task may be silent", async () => {
  const odd = new Odd({ silenceMs: 100 });
  odd.start("echo: 1");
  await odd.said("result");
  process.kill(odd.worker.pid as number, "SIGSTOP");
  const calm = new Promise((resolve) => setTimeout(resolve, 500, "calm"));
  expect(await Promise.race([odd.ended, calm])).toBe("calm");
});

test.for(["exits", "throws", "SIGTERM", "idle"])("nothing outlives the process that started it: %s", async (how) => {
  const lives = new Gate();
  const script = fileURLToPath(new URL("testing/starts-worker.ts", import.meta.url));
  const child = new Child(script, [how], { env: { LIVES: lives.path } });
  const [busy, left] = await Promise.all([lives.arrived("busy#1"), lives.arrived("left#1 left")]);
  await child.ended;
  await Promise.all([busy.left, left.left]);
  expect(lives.inside).toEqual([]);
});
