import { isFinished, type RunState } from "../states.ts";
import type { Command } from "./command.ts";
import { nestedFailure } from "./failures.ts";
import { isAwaited, markHandled } from "./graph.ts";
import { isHandedOver } from "./infrastructure.ts";
import type { Lanes } from "./lanes.ts";
import type { Queue } from "./queue.ts";
import type { RunNode } from "./run-node.ts";
import type { Waits } from "./waits.ts";

/** What ends without a value takes with it: its body, what is below it, and what depends on it. */
export class Endings<N extends RunNode<N>> {
  readonly #lanes: Lanes<N>;
  readonly #waits: Waits<N>;
  readonly #commands: Queue<Command<N>>;
  readonly #ended: Queue<N>;
  readonly #go: (node: N, to: RunState, now: number) => void;
  readonly #releaseGate: (node: N, now: number) => void;

  constructor(options: {
    readonly lanes: Lanes<N>;
    readonly waits: Waits<N>;
    readonly commands: Queue<Command<N>>;
    /** Where runs go that have ended, for their parents to hear of it. */
    readonly ended: Queue<N>;
    /** Changes the state of a run. */
    readonly go: (node: N, to: RunState, now: number) => void;
    /** Gives back the place of a run behind its gate, if it has one. */
    readonly releaseGate: (node: N, now: number) => void;
  }) {
    this.#lanes = options.lanes;
    this.#waits = options.waits;
    this.#commands = options.commands;
    this.#ended = options.ended;
    this.#go = options.go;
    this.#releaseGate = options.releaseGate;
  }

  /** A run ends because one of its children has no value. */
  failNested(node: N, child: N, now: number): void {
    const origin = child.origin ?? child;
    node.origin = origin;
    node.failure = nestedFailure(origin);
    this.end(node, "NESTED_FAILED", `${origin.label} failed`, now);
  }

  /** Ends a run without a value: what is below it is canceled, what depends on it does not run. */
  end(node: N, state: "FAILED" | "NESTED_FAILED" | "CANCELED", reasonBelow: string, now: number): void {
    this.stopBody(node);
    this.cancelDescendants(node, reasonBelow, now);
    this.#go(node, state, now);
    this.#releaseGate(node, now);
    node.children = undefined;
    const { parent } = node;
    if (isAwaited(node)) markHandled(node);
    else if (parent !== null && parent.tolerate > 0) {
      parent.tolerate -= 1;
      node.handled = true;
    }
    const { dependents } = node;
    node.dependents = undefined;
    if (dependents !== undefined) this.cancelDependents(node, dependents, now);
    this.#waits.end(node);
    this.#ended.push(node);
  }

  /** Whatever the body of a run still does no longer counts. */
  stopBody(node: N): void {
    if (node.state === "RUNNING" || node.waits > 0 || isHandedOver(node)) {
      this.#commands.push({ type: "abort", node, attempt: node.attempt });
    }
    node.waits = 0;
    if (node.holdsSlot || node.isSuspended) this.#lanes.of(node).leave(node);
  }

  cancelDescendants(node: N, reason: string, now: number): void {
    const open = [...(node.children ?? [])];
    for (let child = open.pop(); child !== undefined; child = open.pop()) {
      if (isFinished(child.state)) continue;
      // Not spread: a call takes only so many arguments.
      for (const below of child.children ?? []) open.push(below);
      child.reason = reason;
      child.origin = node;
      this.stopBody(child);
      this.#go(child, "CANCELED", now);
      child.children = undefined;
      child.dependents = undefined;
      child.waiters = undefined;
    }
  }

  /** Runs that need the value of a run that has none do not run, nor do those that need theirs. */
  cancelDependents(source: N, dependents: readonly N[], now: number): void {
    const open = [...dependents];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (isFinished(node.state)) continue;
      for (const dependent of node.dependents ?? []) open.push(dependent);
      node.dependents = undefined;
      node.reason = `it needs ${source.label}, which ${source.state === "CANCELED" ? "was canceled" : "failed"}`;
      node.origin = source.origin ?? source;
      // The failure itself is accounted for where it happened; only a run of another layer has to count it once more.
      node.handled = node.parent === source.parent;
      if (!node.handled && node.parent !== null && node.parent.tolerate > 0) {
        node.parent.tolerate -= 1;
        node.handled = true;
      }
      this.#go(node, "CANCELED", now);
      this.#releaseGate(node, now);
      if (isAwaited(node)) markHandled(source);
      this.#waits.end(node);
      this.#ended.push(node);
    }
  }
}
