import { Queue } from "../scheduler/queue.ts";
import type { GraphNode } from "./graph.ts";
import type { RerunReason } from "./rerun-plan.ts";

/**
 * Finds the runs that cannot be taken over as they were recorded, from those with which a re-run begins. Two kinds: *fresh*
 * runs execute from their arguments; of the others something inside changes or is not done.
 *
 * Marks only ever grow, so the order in which runs are looked at decides nothing but which of several reasons is told.
 */
export class AffectedRuns {
  readonly #affected = new Set<GraphNode>();
  readonly #fresh = new Map<GraphNode, RerunReason>();
  readonly #open = new Queue<GraphNode>();

  has(node: GraphNode): boolean {
    return this.#affected.has(node);
  }

  /** Why a run is fresh; undefined if it is not. */
  whyFresh(node: GraphNode): RerunReason | undefined {
    return this.#fresh.get(node);
  }

  /** The run is to execute, with all that follows from it. */
  execute(target: GraphNode): void {
    this.#freshen(target, { type: "target" });
    this.#spread();
  }

  /** What did not succeed in the run is to execute, with all that follows from it. */
  complete(root: GraphNode): void {
    if (!root.resolved) this.#affect(root);
    this.#spread();
  }

  #affect(node: GraphNode): void {
    if (this.#affected.has(node)) return;
    this.#affected.add(node);
    this.#open.push(node);
  }

  #freshen(node: GraphNode, reason: RerunReason): void {
    if (this.#fresh.has(node)) return;
    this.#fresh.set(node, reason);
    this.#affected.add(node);
    this.#open.push(node);
  }

  #spread(): void {
    for (let node = this.#open.take(); node !== undefined; node = this.#open.take()) {
      this.#spreadOutward(node);
      this.#spreadInward(node);
    }
  }

  #spreadOutward(node: GraphNode): void {
    if (node.parent !== undefined) this.#affect(node.parent);
    if (node.dependents !== undefined) {
      const reason: RerunReason = { type: "downstream", run: node.run.id };
      for (const dependent of node.dependents) this.#freshen(dependent, reason);
    }
    // One that failed, and whose failure was caught, is needed again as soon as something that needs it is to execute.
    if (node.sources !== undefined) {
      for (const source of node.sources) if (!source.resolved) this.#affect(source);
    }
  }

  #spreadInward(node: GraphNode): void {
    if (this.#fresh.has(node)) {
      if (!node.itemsInElements) return;
      const reason: RerunReason = { type: "nested", run: node.run.id };
      for (const element of node.calls()) this.#freshen(element, reason);
      return;
    }
    // A body that succeeded has dealt with what failed in it. A map has not: it only tolerated that.
    if (node.resolved && !node.isMap) return;
    for (const child of node.calls()) if (!child.resolved) this.#affect(child);
  }
}
