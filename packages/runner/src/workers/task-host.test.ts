import { existsSync } from "node:fs";
import { BlobRef, encode, formatRunId, RepriseError } from "@reprise/core";
import { ArtifactStore, HomeFiles } from "@reprise/store";
import { describe, expect, it, vi } from "vitest";
import { context, func, type Future, type Pending } from "../index.ts";
import { definitionOf } from "../func-definition.ts";
import { newRunId } from "../run-ids.ts";
import { temporaryFolder } from "../testing/temporary-home.ts";
import type { Channel } from "./channel.ts";
import { checkFromWorker, checkToWorker } from "./check-message.ts";
import type { FromWorker, HelloMessage, StartMessage, ToWorker, WireArgument, WireArtifact } from "./protocol.ts";
import { TaskHost, type Workplace } from "./task-host.ts";
import { noRows, TaskValues } from "./task-values.ts";
import { memoryChannel } from "./testing/memory-channel.ts";

/** The driver's side of a conversation with a host in this process. */
class Driver {
  readonly heard: FromWorker[] = [];
  readonly files = new HomeFiles(temporaryFolder());
  readonly host: TaskHost;
  readonly over: Promise<void>;
  readonly channel: Channel<ToWorker, FromWorker>;
  readonly #watchers = new Set<() => void>();

  constructor(changes: Partial<Workplace> = {}, open?: () => never) {
    const [here, there] = memoryChannel<ToWorker, FromWorker>(checkToWorker, checkFromWorker);
    this.channel = here;
    const { blobs } = this.files;
    const place: Workplace = {
      blobs,
      values: new TaskValues(new ArtifactStore(noRows, blobs), blobs),
      makeWorkdir: () => this.files.makeWorkdir(),
      funcOf: ({ func: id }) => known(id),
      ...changes,
    };
    const { promise, resolve } = Promise.withResolvers<void>();
    this.over = promise;
    here.onMessage((message) => {
      this.heard.push(message);
      for (const watcher of this.#watchers) watcher();
    });
    this.host = new TaskHost({ channel: there, open: open ?? (() => place), over: resolve });
  }

  hello(changes: Partial<HelloMessage> = {}): void {
    const program = { kind: "files", files: [] } as const;
    this.channel.send({
      type: "hello",
      protocol: 1,
      home: "",
      program,
      actor: null,
      heartbeat: 60_000,
      memory: null,
      ...changes,
    });
  }

  start(func: Future<unknown> | ((...args: never[]) => unknown), ...args: readonly WireArgument[]): string {
    const message = startOf(definitionOf(func)?.id ?? "", args);
    this.channel.send(message);
    return message.task;
  }

  /** The first message of a type about a task, that was there or is to come. */
  async hears<T extends FromWorker["type"]>(type: T, task?: string): Promise<Extract<FromWorker, { type: T }>> {
    const { promise, resolve } = Promise.withResolvers<FromWorker>();
    const look = (): void => {
      const found = this.heard.find(
        (one) => one.type === type && (task === undefined || ("task" in one && one.task === task)),
      );
      if (found !== undefined) resolve(found);
    };
    this.#watchers.add(look);
    look();
    return (await promise.finally(() => this.#watchers.delete(look))) as Extract<FromWorker, { type: T }>;
  }

  /** What was said of a task, in order. */
  typesOf(task: string): readonly string[] {
    return this.heard.flatMap((one) => ("task" in one && one.task === task ? [one.type] : []));
  }
}

const funcs = new Map<string, (...args: never[]) => unknown>();

function known(id: string) {
  const definition = definitionOf(funcs.get(id));
  if (definition === undefined) throw new RepriseError("WORKER_FAILED", `no func "${id}"`);
  return definition;
}

function declared<F extends (...args: never[]) => unknown>(made: F): F {
  funcs.set(definitionOf(made)?.id ?? "", made);
  return made;
}

function startOf(id: string, args: readonly WireArgument[]): StartMessage {
  const run = formatRunId(newRunId());
  return { type: "start", task: `${run}#1`, run, root: run, func: id, file: null, attempt: 1, args };
}

function sent(value: unknown): WireArtifact {
  const { digest, bytes } = encode(value);
  return { id: digest, size: bytes.length, document: Buffer.from(bytes).toString("base64") };
}

const whole = (value: unknown): WireArgument => ({ stored: sent(value), parts: [] });

const child = declared(func("th child", (value: unknown) => value));
const plain = declared(func("th plain", (n: number) => n + 1));
const gates = new Map<string, PromiseWithResolvers<unknown>>();
const gated = declared(
  func("th gated", async (name: string) => {
    const gate = Promise.withResolvers<unknown>();
    gates.set(name, gate);
    return gate.promise;
  }),
);
const obedient = declared(
  func("th obedient", async () => {
    const { signal, log } = context();
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    log.info("tidies up");
  }),
);

async function gateOf(name: string): Promise<PromiseWithResolvers<unknown>> {
  while (!gates.has(name)) await new Promise(setImmediate);
  return gates.get(name) as PromiseWithResolvers<unknown>;
}

describe("a host of tasks", () => {
  it("is ready when it has said so, and gives signs of life", async () => {
    const driver = new Driver({ vitals: () => ({ memory: 7, caches: [] }) });
    driver.hello({ heartbeat: 5 });
    expect(await driver.hears("ready")).toEqual({ type: "ready", protocol: 1, pid: process.pid });
    expect(await driver.hears("heartbeat")).toEqual({ type: "heartbeat", memory: 7, caches: [] });
    driver.channel.send({ type: "end" });
    await driver.over;
  });

  it("says why it cannot serve", async () => {
    const other = new Driver();
    other.hello({ protocol: 99 });
    const { failure } = await other.hears("unable");
    expect(failure).toMatchObject({
      code: "WORKER_FAILED",
      message: expect.stringMatching(/version 99 .* version 1\./),
    });
    await other.over;
    const broken = new Driver({}, () => {
      throw new TypeError("no such program");
    });
    broken.hello();
    expect((await broken.hears("unable")).failure).toMatchObject({ name: "TypeError", message: "no such program" });
    await broken.over;
  });

  it("executes what comes before it is ready, too", async () => {
    const driver = new Driver();
    const task = driver.start(plain, whole(1));
    driver.hello();
    const { value, template } = await driver.hears("result", task);
    expect([value?.id, value?.document, template]).toEqual([sent(2).id, sent(2).document, null]);
    expect(driver.typesOf(task)).toEqual(["started", "result"]);
  });

  it("executes one body at a time, in order, and gives back what has not begun", async () => {
    const driver = new Driver();
    driver.hello();
    const [first, second, third] = ["o1", "o2", "o3"].map((name) => driver.start(gated, whole(name)));
    const gate = await gateOf("o1");
    driver.channel.send({ type: "recall", task: second as string });
    driver.channel.send({ type: "recall", task: first as string });
    await driver.hears("recalled", second);
    expect(driver.heard.filter(({ type }) => type === "started")).toHaveLength(1);
    gate.resolve("over");
    (await gateOf("o3")).resolve("over");
    await driver.hears("result", third);
    expect(driver.typesOf(first as string)).toEqual(["started", "result"]);
    expect(driver.typesOf(second as string)).toEqual(["recalled"]);
  });

  it("executes as many as it was told", async () => {
    const driver = new Driver();
    driver.hello({ actor: { name: "a", concurrency: 2, isolation: "shared", replica: "a-1" } });
    const tasks = ["c1", "c2", "c3"].map((name) => driver.start(gated, whole(name)));
    await driver.hears("started", tasks[1]);
    expect(driver.host.executing).toHaveLength(2);
    expect(driver.typesOf(tasks[2] as string)).toEqual([]);
    (await gateOf("c2")).resolve("second");
    await driver.hears("started", tasks[2]);
    for (const name of ["c1", "c3"]) (await gateOf(name)).resolve(name);
    await Promise.all(tasks.map((task) => driver.hears("result", task)));
  });

  it("executes a task that comes more than once only once", async () => {
    const driver = new Driver();
    driver.hello();
    const message = startOf("th gated", [whole("twice")]);
    driver.channel.send(message);
    driver.channel.send(message);
    (await gateOf("twice")).resolve(1);
    await driver.hears("result", message.task);
    driver.channel.send(message);
    await driver.hears("result", driver.start(plain, whole(1)));
    expect(driver.typesOf(message.task)).toEqual(["started", "result"]);
  });

  it("tells a body to stop, and its end", async () => {
    const driver = new Driver();
    driver.hello();
    const task = driver.start(obedient);
    const waiting = driver.start(plain, whole(1));
    await driver.hears("started", task);
    driver.channel.send({ type: "cancel", task: waiting, reason: "not wanted" });
    driver.channel.send({ type: "cancel", task, reason: "no longer wanted" });
    const { failure } = await driver.hears("failed", task);
    expect(failure).toMatchObject({ name: "RunCanceledError", message: expect.stringMatching(/no longer wanted$/) });
    expect(driver.typesOf(task)).toEqual(["started", "log", "failed"]);
    expect((await driver.hears("failed", waiting)).failure.code).toBe("RUN_CANCELED");
    expect(driver.typesOf(waiting)).toEqual(["failed"]);
  });

  it("does not begin a body that was canceled while its func was looked for", async () => {
    const found = Promise.withResolvers<ReturnType<typeof known>>();
    const looking = Promise.withResolvers<void>();
    const driver = new Driver({
      funcOf: () => {
        looking.resolve();
        return found.promise;
      },
    });
    driver.hello();
    const task = driver.start(plain, whole(1));
    await looking.promise;
    driver.channel.send({ type: "cancel", task, reason: "too late" });
    driver.channel.send({ type: "recall", task });
    await new Promise(setImmediate);
    found.resolve(known("th plain"));
    expect((await driver.hears("failed", task)).failure.code).toBe("RUN_CANCELED");
    expect(driver.typesOf(task)).toEqual(["failed"]);
  });

  it("ends when what executes is over, and takes nothing more", async () => {
    const driver = new Driver();
    driver.hello();
    const first = driver.start(gated, whole("e1"));
    const second = driver.start(gated, whole("e2"));
    const gate = await gateOf("e1");
    driver.channel.send({ type: "end" });
    await driver.hears("recalled", second);
    await driver.hears("recalled", driver.start(plain, whole(1)));
    gate.resolve("over");
    await driver.over;
    await driver.hears("result", first);
    expect(driver.typesOf(second)).toEqual(["recalled"]);
  });

  it("stops all bodies when the driver is gone", async () => {
    const driver = new Driver();
    driver.hello();
    await driver.hears("started", driver.start(obedient));
    const [executing] = driver.host.executing;
    driver.channel.close();
    await driver.over;
    expect(executing?.body.signal.aborted).toBe(true);
  });

  it("fails a task whose func it does not find, and goes on", async () => {
    const driver = new Driver();
    driver.hello();
    const message = startOf("th unknown", []);
    driver.channel.send(message);
    expect((await driver.hears("failed", message.task)).failure.code).toBe("WORKER_FAILED");
    await driver.hears("result", driver.start(plain, whole(1)));
  });

  it("takes no more when what a task has left behind cannot be put back", async () => {
    const driver = new Driver({ ends: () => Promise.reject(new Error("the folder is gone")) });
    driver.hello();
    const task = driver.start(plain, whole(1));
    const next = driver.start(plain, whole(1));
    expect((await driver.hears("unable")).failure.message).toBe("the folder is gone");
    await driver.over;
    expect(driver.typesOf(task)).toEqual(["started", "result"]);
    expect(driver.typesOf(next)).toEqual([]);
  });

  it("begins the next task only when that was done", async () => {
    const tidied: PromiseWithResolvers<void>[] = [];
    const driver = new Driver({
      ends() {
        const tidy = Promise.withResolvers<void>();
        tidied.push(tidy);
        return tidy.promise;
      },
    });
    driver.hello();
    await driver.hears("result", driver.start(plain, whole(1)));
    const next = driver.start(plain, whole(1));
    await new Promise(setImmediate);
    expect(driver.typesOf(next)).toEqual([]);
    tidied[0]?.resolve();
    await driver.hears("result", next);
  });
});

const caller = declared(
  func("th caller", async () => {
    const first = child([1]);
    const second = child(first)
      .$after(first)
      .$set({ name: "second", tags: ["t"] });
    const group = child.map([1, { first }], { concurrency: 2 });
    const values = await Promise.all([first.$value(), second.$value()]);
    return { values, group, part: (first as Pending<number[]>).$get(0) };
  }),
);

describe("the calls of a body", () => {
  it("go in one message, before it waits for them", async () => {
    const driver = new Driver();
    driver.hello();
    const task = driver.start(caller);
    const { calls } = await driver.hears("calls", task);
    const [first, second, group] = calls;
    if (first === undefined || second === undefined || group === undefined) throw new Error("three calls were made");
    const none = { options: null, after: [], isMap: false, elements: null };
    expect(first).toEqual({
      run: first.run,
      func: "th child",
      ...none,
      args: [{ stored: expect.anything(), parts: [] }],
    });
    expect(second).toEqual({
      run: second.run,
      func: "th child",
      isMap: false,
      elements: null,
      after: [first.run],
      options: { name: "second", tags: ["t"] },
      args: [{ stored: null, parts: [{ run: first.run, path: [], at: "" }] }],
    });
    expect(group).toMatchObject({ func: "th child", isMap: true, args: [], options: { map: { concurrency: 2 } } });
    expect(group.elements?.[1]?.[0]).toMatchObject({ parts: [{ run: first.run, path: [], at: ".first" }] });
    const waits = driver.heard.flatMap((one) => (one.type === "await" ? [one] : []));
    expect(waits.map(({ run }) => run)).toEqual([first.run, second.run]);
    expect(driver.typesOf(task)).toEqual(["started", "calls", "await", "await"]);
    // Answers that nobody waits for, or that come twice, do no harm.
    driver.channel.send({ type: "value", task, wait: 77, artifact: sent(0) });
    for (const wait of [waits[1], waits[0], waits[0]]) {
      driver.channel.send({
        type: "value",
        task,
        wait: wait?.wait ?? 0,
        artifact: sent(wait === waits[0] ? [1] : "two"),
      });
    }
    const { template } = await driver.hears("result", task);
    expect(template?.parts).toEqual([
      { run: group.run, path: [], at: ".group" },
      { run: first.run, path: [0], at: ".part" },
    ]);
  });

  it("that fail are told with the child whose failure it is", async () => {
    const driver = new Driver();
    driver.hello();
    const task = driver.start(declared(func("th passing", () => child(1).$value())));
    const { wait, run } = await driver.hears("await", task);
    const cause = { name: "OddError", message: "odd", classes: ["OddError", "Error"], code: "E" };
    driver.channel.send({ type: "noValue", task, wait, message: "Run 1 of func failed: odd", cause });
    const failed = await driver.hears("failed", task);
    expect(failed.child).toBe(run);
    expect(failed.failure).toMatchObject({ name: "RunFailedError", message: "Run 1 of func failed: odd", cause });
  });
});

describe("values of a task", () => {
  const length = declared(func("th length", (value: { bytes: Uint8Array }) => value.bytes.length));
  const shallow = declared(func("th shallow", (n: number) => ({ bytes: new Uint8Array(n).fill(1) })));
  const large = declared(func("th large", (n: number) => ({ bytes: new Uint8Array(n).fill(1), text: "x".repeat(n) })));

  it("are on disk before they are told of, if they are large, and are read from there", async () => {
    const driver = new Driver();
    driver.hello();
    const { value } = await driver.hears("result", driver.start(large, whole(200_000)));
    if (value === null) throw new Error("the result has no futures");
    expect(value).toMatchObject({ document: null, typeName: "object", summary: expect.anything() });
    const blobs = [...value.blobs, { digest: value.id, size: value.size }];
    expect(value.blobs).toHaveLength(1);
    expect(await driver.files.blobs.has(blobs)).toEqual([true, true]);
    const read = driver.start(length, { stored: value, parts: [] });
    expect((await driver.hears("result", read)).value?.id).toBe(sent(200_000).id);
    // A short document may have large parts.
    const short = await driver.hears("result", driver.start(shallow, whole(100_000)));
    expect(short.value).toMatchObject({ document: expect.any(String), blobs: [{ size: 100_000 }] });
    const again = driver.start(length, { stored: short.value, parts: [] });
    expect((await driver.hears("result", again)).value?.id).toBe(sent(100_000).id);
  });

  it("are told in the order in which they were made, large or not", async () => {
    const driver = new Driver();
    driver.hello();
    const body = async (): Promise<unknown> => {
      const first = child(new Uint8Array(300_000));
      await new Promise(setImmediate);
      const second = child(2);
      return [first, second, await Promise.race([second.$value(), Promise.resolve(3)])];
    };
    const task = driver.start(declared(func("th mixed", body)));
    await driver.hears("result", task);
    expect(driver.typesOf(task)).toEqual(["started", "calls", "calls", "await", "result"]);
  });

  it("are put together, and told of as a whole", async () => {
    const driver = new Driver();
    driver.hello();
    const seen: unknown[] = [];
    const body = (...args: unknown[]): void => void seen.push(...args);
    const task = driver.start(
      declared(func("th composed", body)),
      { stored: null, parts: [{ artifact: sent({ a: [5, 6] }), path: [] }] },
      { stored: null, parts: [{ artifact: sent({ a: [5, 6] }), path: ["a", 1] }] },
    );
    await driver.hears("result", task);
    expect(seen).toEqual([{ a: [5, 6] }, 6]);
    const inputs = driver.heard.flatMap((one) => (one.type === "input" ? [[one.argument, one.artifact.id]] : []));
    expect(inputs).toEqual([[1, sent(6).id]]);
  });

  it.each<[string, string, WireArgument]>([
    ["ARTIFACT_DAMAGED", "do not have its hash", { stored: { ...sent(1), document: sent(2).document }, parts: [] }],
    ["ARTIFACT_NOT_FOUND", "cannot be read", { stored: { id: "0".repeat(64), size: 9, document: null }, parts: [] }],
  ])("that cannot be read fail it: %s", async (code, words, argument) => {
    const driver = new Driver();
    driver.hello();
    const { failure } = await driver.hears("failed", driver.start(plain, argument));
    expect(failure).toMatchObject({ code, message: expect.stringContaining(words) });
  });

  it.each<[string, () => unknown]>([
    ["result", () => lost],
    ["argument of a call", () => ({ value: child(lost) })],
    ["argument of a call, which the body waits for", () => child(lost).$value()],
  ])("that cannot be kept fail it, whatever the body does: a %s", async (what, body) => {
    const driver = new Driver();
    driver.hello();
    const task = driver.start(declared(func(`th lost ${what}`, body)));
    expect((await driver.hears("failed", task)).failure.code).toBe("BLOB_NOT_FOUND");
    expect(driver.typesOf(task)).toEqual(["started", "failed"]);
    await driver.hears("result", driver.start(plain, whole(1)));
  });
});

/** Names bytes that are nowhere. */
const lost = new BlobRef("1".repeat(64), 5);

describe("what a body tells", () => {
  it("of its progress is not told more often than anybody can follow, but to its end", async () => {
    const driver = new Driver();
    driver.hello();
    const body = (): void => {
      for (let done = 0; done <= 5_000; done += 1) context().progress(done, 5_000);
    };
    const task = driver.start(declared(func("th progress", body)));
    await driver.hears("result", task);
    const told = driver.heard.flatMap((one) => (one.type === "progress" ? [one.done] : []));
    expect(told[0]).toBe(0);
    expect(told.at(-1)).toBe(5_000);
    expect(told.length).toBeLessThan(50);
  });

  it("in its folder is removed with it", async () => {
    const driver = new Driver();
    driver.hello();
    const { value } = await driver.hears("result", driver.start(declared(func("th folder", () => context().workdir))));
    const folder = Buffer.from(value?.document ?? "", "base64")
      .toString()
      .replace(/^[^/]*/, "");
    await vi.waitUntil(() => !existsSync(folder));
    expect(folder).toContain("work-");
  });
});
