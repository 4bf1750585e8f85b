/**
 * The driver: the process in which a pipeline's file and its bodies execute. Commands that run pipelines or look at files
 * start it and tell it what to do over its IPC channel; it ends with the pipeline run, or when the command is gone.
 */
import { RepriseError, toFailure } from "@reprise/core";
import { type Future, LocalRunner, type LocalRunnerOptions, type RunHandle } from "@reprise/runner";
import {
  type AgainMessage,
  type InspectMessage,
  parseToDriver,
  protocolVersion,
  type ResultMessage,
  type RunSettings,
  type StartMessage,
  type ToCommand,
} from "../run/messages.ts";
import { buildInput } from "./build-input.ts";
import { describeResult } from "./describe-result.ts";
import { EventSender } from "./event-sender.ts";
import { chooseFunc, loadPipelineFile } from "./load-pipeline.ts";

const patienceWithoutCommand = 5_000;

/** Waits for the command's first message, does what it says, and ends the process. */
export function drive(): void {
  if (process.send === undefined) {
    process.stderr.write("This file is the driver process of `reprise run`, which starts it. Call: reprise run FILE\n");
    process.exitCode = 2;
    return;
  }
  const driver = new Driver();
  // A terminal sends Ctrl-C to the whole process group; only the command decides what it means.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => {});
  process.on("disconnect", () => {
    driver.cancel("the command that started it is gone");
    setTimeout(() => process.exit(1), patienceWithoutCommand).unref();
  });
  process.on("message", (raw) => {
    const message = parseToDriver(raw);
    if (message?.type === "start") void driver.start(message);
    else if (message?.type === "again") void driver.again(message);
    else if (message?.type === "inspect") void driver.inspect(message);
    else if (message?.type === "cancel") driver.cancel(message.reason);
    else void driver.refuse(new RepriseError("USAGE", notUnderstood));
  });
}

const notUnderstood =
  "The command and the driver process are of versions of reprise that do not understand each other. Use one version: npx reprise in the project.";

class Driver {
  readonly #cancel = new AbortController();
  #phase: "idle" | "loading" | "running" | "over" = "idle";

  async start(message: StartMessage): Promise<void> {
    await this.#execute(message, async (options) => {
      const exported = await loadPipelineFile(message.file);
      if (exported.length === 0) return undefined;
      const { call, definition } = chooseFunc(exported, message.func, message.file);
      const args = await buildInput(message.input, definition);
      const runner = new LocalRunner(options);
      return { runner, begin: () => runner.submit(call(...args) as Future<unknown>) };
    });
  }

  /** Executes a recorded pipeline run again, or goes on with it. */
  async again(message: AgainMessage): Promise<void> {
    await this.#execute(message, async (options) => {
      const { takeUp } = await import("./take-up.ts");
      return takeUp(message, options);
    });
  }

  /** Answers what is asked of a file, of which nothing executes but what executes when it is loaded. */
  async inspect(message: InspectMessage): Promise<void> {
    if (this.#phase !== "idle") return;
    this.#phase = "loading";
    try {
      const { inspect } = await import("./inspect.ts");
      const report = await inspect(message);
      this.#phase = "over";
      await send({ v: protocolVersion, type: "report", report });
      process.exit(0);
    } catch (error) {
      await this.refuse(error);
    }
  }

  cancel(reason: string): void {
    if (process.connected) void send({ v: protocolVersion, type: "canceling" });
    if (this.#phase === "idle" || this.#phase === "loading") {
      void this.refuse(new RepriseError("RUN_CANCELED", `Canceled before the pipeline run began: ${reason}`));
    }
    this.#cancel.abort(reason);
    // Runners that the user's file started by itself listen to signals.
    process.emit("SIGTERM");
  }

  /** Tells the command that nothing could be run, and ends the process. */
  async refuse(error: unknown): Promise<void> {
    if (this.#phase === "over") return;
    this.#phase = "over";
    await send({ v: protocolVersion, type: "refused", failure: toFailure(error) });
    process.exit(0);
  }

  async #execute(
    settings: RunSettings,
    load: (options: LocalRunnerOptions) => Promise<Loaded | undefined>,
  ): Promise<void> {
    if (this.#phase !== "idle") return;
    this.#phase = "loading";
    // What people typed is recorded with the pipeline run, not how the driver was started.
    process.argv = [process.argv[0] ?? "node", "reprise", ...settings.argv];
    try {
      const sender = new EventSender({
        everyEvent: settings.everyEvent,
        send: (events, sent) => void send({ v: protocolVersion, type: "events", events }).then(sent),
      });
      const loaded = await load(this.#runnerOptions(settings, sender));
      if (loaded === undefined) return await this.#unattended();
      if (this.#cancel.signal.aborted) return;
      this.#phase = "running";
      await this.#run(settings, sender, loaded);
    } catch (error) {
      await this.refuse(error);
    }
  }

  #runnerOptions(settings: RunSettings, sender: EventSender): LocalRunnerOptions {
    const { home, concurrency, maxParallelism, durability, cache, cacheNamespace } = settings;
    return {
      signal: this.#cancel.signal,
      onEvent: (event) => sender.push(event),
      forwardOutput: false,
      handleSignals: false,
      ...(home === null ? {} : { home }),
      ...(concurrency === null ? {} : { concurrency }),
      ...(maxParallelism === null ? {} : { maxParallelism }),
      ...(durability === null ? {} : { durability }),
      ...(cache === null ? {} : { cache }),
      ...(cacheNamespace === null ? {} : { cacheNamespace }),
    };
  }

  async #run(settings: RunSettings, sender: EventSender, { runner, begin }: Loaded): Promise<void> {
    const handle = await begin();
    const result = await resultOf(settings, handle);
    await runner[Symbol.asyncDispose]();
    await sender.flush();
    this.#phase = "over";
    await send(result);
    // What the user's code left open (sockets, timers, bodies that ignore the cancellation) does not keep the command.
    process.exit(0);
  }

  /** The file exports no func. It may have started runners itself; the process ends when they do. */
  async #unattended(): Promise<void> {
    this.#phase = "over";
    await send({ v: protocolVersion, type: "unattended" });
    // It is still listened to, but does not keep the process.
    process.channel?.unref();
  }
}

/** What a driver executes, and what executes it. */
interface Loaded {
  readonly runner: LocalRunner;
  readonly begin: () => Promise<RunHandle<unknown>>;
}

async function resultOf(settings: RunSettings, handle: RunHandle<unknown>): Promise<ResultMessage> {
  const base = { v: protocolVersion, type: "result", id: handle.id } as const;
  try {
    const value = await handle.result();
    return { ...base, state: "COMPLETE", failure: null, ...(await describeResult(value, settings)) };
  } catch (error) {
    // How it ends is up to who goes on with it.
    if (RepriseError.is(error, "DRIVER_REPLACED")) throw error;
    const canceled =
      RepriseError.is(error, "RUN_CANCELED") ||
      (RepriseError.is(error, "PIPELINE_RUN_FAILED") && (error as { state?: unknown }).state === "CANCELED");
    return { ...base, state: canceled ? "CANCELED" : "FAILED", lines: [], failure: toFailure(error) };
  }
}

/** Resolves when the message is on its way, also if nobody listens any more. */
function send(message: ToCommand): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, () => resolve());
  });
}
