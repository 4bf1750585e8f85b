import { type Failure, formatDuration, shortId } from "@reprise/core";
import { failureLines } from "../failure-lines.ts";
import type { Invocation } from "../host.ts";
import { type Paint, painter, wantsColor } from "../terminal/paint.ts";
import { runLabel } from "../terminal/plain-view.ts";
import { reuseWords, takeOverWords } from "../tree/cache-words.ts";
import type { RunNode, RunTree } from "../tree/run-tree.ts";
import { interruptedLook, pipelineStateLooks, type StateLook } from "../tree/state-words.ts";
import type { ResultMessage } from "./messages.ts";

const maxFailures = 3;

/** How a driver process ended that gave no result. */
export interface DriverDeath {
  /** Killed because of Ctrl-C or the like, not by itself. */
  readonly canceled: boolean;
  /** A pipeline run of it was left as it was, and can be resumed. */
  readonly interrupted: boolean;
  readonly reason: string;
  /** Runs that had not finished. */
  readonly unfinished: number;
  /** Its pipeline runs that are in the store; those that were left as they were first. */
  readonly recorded: readonly string[];
  /** What to do about it. */
  readonly advice: string;
}

/** What is said of a pipeline run last: how it ended, the result or the error, and how to look at it and go on. */
export class Epilogue {
  readonly #invocation: Invocation;
  readonly #quiet: boolean;
  readonly #tree: RunTree;
  readonly #paint: Paint;

  constructor(invocation: Invocation, quiet: boolean, tree: RunTree) {
    this.#invocation = invocation;
    this.#quiet = quiet;
    this.#tree = tree;
    this.#paint = painter(wantsColor(invocation.host.stderr.isTTY, invocation.host.env));
  }

  result(result: ResultMessage): void {
    const { json, host } = this.#invocation;
    const { id, state, failure } = result;
    if (json) {
      const durationMs = this.#duration(id) ?? null;
      const { hits, saved, takeOver } = this.#tree;
      const { cloned, resumed, executed } = takeOver;
      const takenOver = cloned + resumed;
      const value = "value" in result ? { value: result.value } : {};
      this.#json({ type: "result", id, state, durationMs, hits, saved, takenOver, executed, ...value, error: failure });
      return;
    }
    const length = this.#duration(id);
    this.#state(
      id,
      pipelineStateLooks[state],
      length === undefined ? "" : ` ${state === "COMPLETE" ? "in" : "after"} ${formatDuration(length)}`,
    );
    // Of what was taken over with a run, nothing is told while the pipeline runs.
    const takeOver = takeOverWords(this.#tree.takeOver, " with all below");
    const found = [takeOver, reuseWords(this.#tree.hits, this.#tree.saved)];
    for (const words of found) if (words !== "") this.#say(words);
    if (state === "FAILED" && failure !== null) this.#failures(failure);
    if (state === "CANCELED") this.#say(`${capital(this.#tree.node(id)?.reason ?? failure?.message ?? "canceled")}.`);
    if (result.lines.length > 0) host.stdout.write(`${this.#quiet ? "" : "\n"}${result.lines.join("\n")}\n`);
    const { lines } = result;
    if (state === "COMPLETE") this.#commands(id, lines.length > 0 ? ["show RUN", "artifact get RUN"] : ["show RUN"]);
    else this.#commands(id, ["show RUN", "rerun RUN --continue"]);
    // The code that was kept has the mistake in it that somebody is about to mend.
    if (state === "FAILED") {
      this.#say(this.#paint("dim", `  ${this.#commandLine("rerun RUN --continue --current", id)}  # after an edit`));
    }
  }

  /** The driver process is gone without a result. */
  death(how: DriverDeath): void {
    const first = how.interrupted ? how.recorded[0] : [...this.#tree.pipelines.keys()][0];
    if (this.#invocation.json) {
      const error = how.canceled
        ? null
        : { name: "Error", message: `${how.reason}. ${how.advice}`, code: "DRIVER_DIED" };
      const ended = how.interrupted ? "RUNNING" : "CANCELED";
      const state = first === undefined ? null : ended;
      const { interrupted, reason } = how;
      this.#json({ type: "result", id: first ?? null, state, interrupted, durationMs: null, reason, error });
      return;
    }
    if (!how.canceled) this.#error(`${capital(how.reason)}. ${how.advice}`);
    if (first === undefined) {
      if (how.canceled) this.#error("Canceled before the pipeline run began.");
      return;
    }
    this.#state(first, how.interrupted ? interruptedLook : pipelineStateLooks.CANCELED, "");
    if (!how.recorded.includes(first)) {
      this.#say("It ended before anything of it was recorded.");
      return;
    }
    if (how.interrupted) {
      this.#error(`What had finished is kept. Resume it: ${this.#commandLine("resume RUN", first)}`);
      this.#commands(first, ["show RUN"]);
      return;
    }
    const runs = how.unfinished === 1 ? "run was" : "runs were";
    if (how.unfinished > 0) this.#say(`${how.unfinished} unfinished ${runs} marked as canceled: ${how.reason}.`);
    this.#commands(first, ["show RUN", "rerun RUN --continue"]);
  }

  /** The file exports no func; what it did, it did by itself. */
  unattended(file: string): void {
    const text = `${file} exports no func, so there was nothing to run besides what the file does itself. To run a func from here, export it: export const pipeline = func(…).`;
    if (this.#invocation.json)
      this.#json({ type: "result", id: null, state: null, durationMs: null, note: text, error: null });
    else this.#error(`note: ${text}`);
  }

  #failures(failure: Failure): void {
    const { failures } = this.#tree;
    if (failures.length === 0) this.#error(failureLines(failure, this.#paint).join("\n"));
    for (const [index, node] of failures.slice(0, maxFailures).entries()) {
      const attempt = node.attempt > 1 ? ` (attempt ${node.attempt})` : "";
      const lines = failureLines(node.failure ?? failure, this.#paint);
      const space = index === 0 && this.#quiet ? "" : "\n";
      this.#error(`${space}${this.#paint("bold", pathOf(node))} failed${attempt}\n${lines.join("\n")}`);
    }
    const rest = failures.length - maxFailures;
    if (rest > 0) this.#error(`\n… and ${rest} more`);
  }

  #state(id: string, look: StateLook, length: string): void {
    const name = this.#tree.pipelines.get(id)?.name ?? "pipeline run";
    this.#say(`${this.#paint(look.style, look.glyph)} ${this.#paint("bold", name)} ${look.word}${length}`);
  }

  /** Commands with `RUN` in place of the id. */
  #commands(id: string, commands: readonly string[]): void {
    const lines = commands.map((command) => this.#paint("dim", `  ${this.#commandLine(command, id)}`));
    this.#say(`\n${lines.join("\n")}`);
  }

  #commandLine(command: string, id: string): string {
    const { host, home } = this.#invocation;
    const program = host.env["npm_command"] === undefined ? "reprise" : "npx reprise";
    const place = home === undefined ? "" : ` --home ${/\s/.test(home) ? JSON.stringify(home) : home}`;
    return `${program} ${command.replace("RUN", shortId(id))}${place}`;
  }

  #duration(id: string): number | undefined {
    const pipeline = this.#tree.pipelines.get(id);
    return pipeline === undefined ? undefined : (pipeline.finishedAt ?? Date.now()) - pipeline.startedAt;
  }

  /** A word that `--quiet` keeps back. */
  #say(text: string): void {
    if (!this.#quiet) this.#error(text);
  }

  #error(text: string): void {
    this.#invocation.host.stderr.write(`${text}\n`);
  }

  #json(line: object): void {
    this.#invocation.host.stdout.write(`${JSON.stringify(line)}\n`);
  }
}

/** `pipeline › split › train#3f2a8c21`. */
function pathOf(node: RunNode): string {
  const own = runLabel(node);
  return node.parent === null ? own : `${pathOf(node.parent).replace(/#[0-9a-f]+$/, "")} › ${own}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
