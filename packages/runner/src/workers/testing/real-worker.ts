import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { decode, encode, type Failure, formatRunId } from "@reprise/core";
import { onTestFinished } from "vitest";
import { newRunId } from "../../run-ids.ts";
import { temporaryFolder } from "../../testing/temporary-home.ts";
import type { FailedMessage, FromWorker, HelloMessage, ResultMessage, TaskMessage, WireActor } from "../protocol.ts";
import { WorkerProcess } from "../worker-process.ts";

/** What a worker is to be. */
export interface RealWorkerOptions {
  /** The user's files by their names; without a program of another kind the first is what is loaded. */
  readonly files: Readonly<Record<string, string>>;
  readonly hello?: Partial<HelloMessage>;
  readonly actor?: Partial<WireActor>;
  readonly env?: Readonly<Record<string, string>>;
}

/** A worker process with a program of its own, which uses the library by its name. */
export class RealWorker {
  readonly folder = temporaryFolder();
  readonly worker: WorkerProcess;
  readonly heard: FromWorker[] = [];
  /** Lines that came outside of tasks. */
  readonly lines: string[] = [];
  readonly ended: Promise<Failure>;
  readonly #watchers = new Set<() => void>();

  constructor({ files, hello = {}, actor, env = {} }: RealWorkerOptions) {
    const paths = Object.entries(files).map(([name, text]) => {
      const path = join(this.folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      return path;
    });
    const { promise, resolve } = Promise.withResolvers<Failure>();
    this.ended = promise;
    this.worker = new WorkerProcess({
      hello: {
        type: "hello",
        protocol: 1,
        home: join(this.folder, "home"),
        program: { kind: "files", files: paths.slice(0, 1) },
        actor:
          actor === undefined ? null : { name: "a", concurrency: 1, isolation: "shared", replica: "a-1", ...actor },
        heartbeat: 100,
        memory: null,
        ...hello,
      },
      execArgv: [],
      cwd: this.folder,
      env: { ...process.env, ...env },
      heard: (message) => {
        this.heard.push(message);
        for (const watcher of this.#watchers) watcher();
      },
      output: (stream, line) => this.lines.push(`${stream}: ${line}`),
      ended: resolve,
    });
    onTestFinished(() => this.worker.kill("the test is over", 0));
  }

  /** Begins a task and gives its name. */
  start(func: string, args: readonly unknown[] = [], file: string | null = null): string {
    const run = formatRunId(newRunId());
    const task = `${run}#1`;
    const told = args.map((arg) => {
      const { digest, bytes } = encode(arg);
      return { stored: { id: digest, size: bytes.length, document: Buffer.from(bytes).toString("base64") }, parts: [] };
    });
    this.worker.send({
      type: "start",
      task,
      run,
      root: run,
      func,
      file: file === null ? null : join(this.folder, file),
      attempt: 1,
      args: told,
    });
    return task;
  }

  /** What a body gives; a failure if it fails. */
  async run(func: string, ...args: readonly unknown[]): Promise<unknown> {
    return this.resultOf(this.start(func, args));
  }

  async resultOf(task: string): Promise<unknown> {
    const end = await this.#endOf(task);
    if (end.type === "failed") return end.failure;
    return decode(Buffer.from(end.value?.document ?? "", "base64"));
  }

  /** The messages about a task of one type. */
  told<T extends TaskMessage["type"]>(task: string, type: T): Extract<TaskMessage, { type: T }>[] {
    return this.heard.filter((one): one is Extract<TaskMessage, { type: T }> => one.type === type && one.task === task);
  }

  async #endOf(task: string): Promise<ResultMessage | FailedMessage> {
    const { promise, resolve } = Promise.withResolvers<ResultMessage | FailedMessage>();
    const look = (): void => {
      const [end] = [...this.told(task, "result"), ...this.told(task, "failed")];
      if (end !== undefined) resolve(end);
    };
    this.#watchers.add(look);
    look();
    const { ready } = this.worker;
    await Promise.race([promise, ready.then(() => promise)]);
    return promise.finally(() => this.#watchers.delete(look));
  }
}
