import type { RunnerEvent } from "@reprise/runner";
import { exitCodes } from "../exit-codes.ts";
import type { Invocation } from "../host.ts";
import type { View } from "../terminal/view.ts";
import { RunTree } from "../tree/run-tree.ts";
import type { DriverExit, DriverProcess } from "./driver-process.ts";
import { Interrupts } from "./interrupts.ts";
import type { ResultMessage, ToCommand } from "./messages.ts";
import type { RunOptions } from "./run-arguments.ts";
import { type DriverDeath, Epilogue } from "./epilogue.ts";
import type { DriverTraces } from "./left-behind.ts";
import { makeView } from "./make-view.ts";
import { refusal } from "./refusal.ts";

type Outcome = Extract<ToCommand, { type: "result" | "refused" | "unattended" }>;

const patienceForExit = 2_000;

/** What a session needs to know of what it shows. */
export interface SessionOptions extends Pick<RunOptions, "quiet" | "plain"> {
  /** The file that the driver loads. */
  readonly file: string;
  /** Words to begin with. */
  readonly notes: readonly string[];
}

/** One execution of a pipeline by a driver, from its first message to the exit code. */
export class RunSession {
  readonly #invocation: Invocation;
  readonly #options: SessionOptions;
  readonly #driver: DriverProcess;
  readonly #tree = new RunTree();
  readonly #view: View;
  readonly #interrupts: Interrupts;
  #outcome: Outcome | undefined;

  constructor(invocation: Invocation, options: SessionOptions, driver: DriverProcess) {
    this.#invocation = invocation;
    this.#options = options;
    this.#driver = driver;
    this.#begin();
    this.#view = makeView(invocation, options, this.#tree);
    this.#interrupts = new Interrupts({
      driver,
      say: (text) => this.#view.say(text),
      prepare: () => {
        // What goes wrong here goes wrong, and is told, when the store is needed.
        import("./left-behind.ts").then(({ prepare }) => prepare()).catch(() => undefined);
      },
      markCanceled: async (reason) => void (await this.#markCanceled(reason)),
    });
    driver.readOutput((stream, lines) => this.#view.output(stream, lines));
    driver.listen((message) => this.#take(message));
  }

  /** Waits for the driver's end, tells how it went, and gives the exit code. */
  async end(): Promise<number> {
    using interrupts = this.#interrupts;
    try {
      const exit = await this.#driver.ended;
      const outcome = this.#outcome;
      if (outcome?.type === "result") return this.#tellResult(outcome);
      if (outcome?.type === "refused") throw refusal(outcome.failure);
      if (outcome?.type === "unattended") return this.#tellUnattended(exit);
      return await this.#tellDeath(exit, interrupts);
    } finally {
      this.#view.end();
    }
  }

  #take(message: ToCommand): void {
    if (message.type === "events") {
      for (const event of message.events) this.#tree.apply(event);
      this.#view.events(message.events);
      for (const event of message.events) if (event.type === "stopping") this.#tellStopping(event);
    } else if (message.type === "canceling") {
      this.#interrupts.answered();
    } else if (message.type !== "report") {
      this.#outcome = message;
      // The pipeline run is over and recorded: a body that goes on does not keep the command.
      if (message.type !== "unattended") setTimeout(() => this.#driver.kill(), patienceForExit).unref();
    }
  }

  /** Bodies in worker processes have some time to tidy up, more than a driver usually needs. */
  #tellStopping({ runs }: Extract<RunnerEvent, { readonly type: "stopping" }>): void {
    this.#interrupts.waits();
    const [first, ...others] = runs;
    if (first === undefined) return;
    const more = others.length === 0 ? "" : ` and ${others.length} more`;
    this.#view.say(`Waiting for ${first.label}${more} to stop … (ended after some seconds)`);
  }

  #tellResult(result: ResultMessage): number {
    this.#epilogue().result(result);
    if (result.state === "COMPLETE") return exitCodes.ok;
    return result.state === "CANCELED" ? this.#canceledCode() : exitCodes.failed;
  }

  #tellUnattended({ code, signal }: DriverExit): number {
    this.#epilogue().unattended(this.#options.file);
    if (this.#interrupts.signal !== null) return this.#canceledCode();
    return signal === null ? (code ?? exitCodes.failed) : exitCodes.failed;
  }

  /**
   * The driver ended without a word. What it left unfinished after Ctrl-C is marked as canceled; else it stays as it is, to
   * be resumed.
   */
  async #tellDeath(exit: DriverExit, interrupts: Interrupts): Promise<number> {
    const canceled = interrupts.signal !== null;
    const reason = canceled ? interrupts.reason : `the driver process ended by itself (${exitWords(exit)})`;
    const { recorded, interrupted } = canceled
      ? { recorded: await this.#markCanceled(reason), interrupted: false }
      : await this.#readLeftBehind();
    const unfinished = this.#tree.size - this.#tree.finished;
    if (!interrupted) this.#tree.cancelAll(reason, Date.now());
    const advice = canceled ? "" : deathAdvice(exit);
    this.#epilogue().death({ canceled, interrupted, reason, unfinished, recorded, advice });
    return canceled ? this.#canceledCode() : exitCodes.failed;
  }

  /** Gives the pipeline runs that the driver had begun and the store knows of. */
  async #markCanceled(reason: string): Promise<readonly string[]> {
    const traces = this.#traces();
    if (traces === undefined) return [];
    const { markCanceled } = await import("./left-behind.ts");
    return markCanceled(traces, reason);
  }

  async #readLeftBehind(): Promise<Pick<DriverDeath, "recorded" | "interrupted">> {
    const traces = this.#traces();
    if (traces === undefined) return { recorded: [], interrupted: false };
    const { readLeftBehind } = await import("./left-behind.ts");
    const { recorded, unfinished } = await readLeftBehind(traces);
    return { recorded: [...unfinished, ...recorded], interrupted: unfinished.length > 0 };
  }

  #traces(): DriverTraces | undefined {
    const { pid, startedAt } = this.#driver;
    return pid === undefined
      ? undefined
      : { home: this.#invocation.home, pid, startedAt, ids: this.#tree.pipelines.keys() };
  }

  #begin(): void {
    const { json, host } = this.#invocation;
    const { notes, quiet } = this.#options;
    for (const text of notes) {
      if (json) host.stdout.write(`${JSON.stringify({ type: "note", text })}\n`);
      else if (!quiet) host.stderr.write(`${text}\n`);
    }
  }

  #epilogue(): Epilogue {
    this.#view.end();
    return new Epilogue(this.#invocation, this.#options.quiet, this.#tree);
  }

  #canceledCode(): number {
    return this.#interrupts.signal === "SIGTERM" ? exitCodes.terminated : exitCodes.canceled;
  }
}

function exitWords({ code, signal }: DriverExit): string {
  return signal === null ? `exit code ${code}` : `signal ${signal}`;
}

function deathAdvice({ code, signal }: DriverExit): string {
  if (signal === "SIGABRT" || code === 134) {
    return "Node aborts like this when it runs out of heap: node --max-old-space-size=8192 $(which reprise) run …, or hold less in memory at once.";
  }
  if (signal === "SIGKILL" || code === 137) return "Somebody killed it; the system does so when memory runs out.";
  if (signal === "SIGSEGV" || signal === "SIGBUS") return "A native module crashed.";
  if (signal !== null) return `Somebody sent it ${signal}.`;
  if (code === 0) {
    return "Nothing was left that could finish a run (a promise that never settles?), or a body called process.exit().";
  }
  return "A body or a library called process.exit(), or an error was thrown where nobody could catch it (see the output above).";
}
