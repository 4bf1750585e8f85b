import { LocalRunner } from "../../local-runner.ts";
import type { LocalRunnerOptions } from "../../local-runner-options.ts";
import type { RunnerEvent } from "../../runner-events.ts";

/** How often bodies have executed, by name. */
export let counts: Record<string, number> = {};
/** Says that a body executes; gives how often it has. */
export function count(name: string): number {
  counts[name] = (counts[name] ?? 0) + 1;
  return counts[name];
}
/** Begins anew. */
export function resetCounts(): void {
  counts = {};
}

/** What a runner has told. */
export interface Told {
  readonly statuses: Record<string, string[]>;
  readonly warnings: string[];
}

/** A runner, and what it tells: the last cache status of each run, by func. */
export function runnerFor(home: string, options: LocalRunnerOptions = {}): { runner: LocalRunner; told: Told } {
  const last = new Map<string, { funcId: string; status: string }>();
  const warnings: string[] = [];
  const onEvent = (event: RunnerEvent): void => {
    if (event.type === "run") last.set(event.id, { funcId: event.funcId, status: event.cache?.status ?? "none" });
    if (event.type === "warning") warnings.push(event.message);
  };
  const told = {
    get statuses() {
      const statuses: Record<string, string[]> = {};
      for (const { funcId, status } of last.values()) (statuses[funcId] ??= []).push(status);
      return statuses;
    },
    warnings,
  };
  return { runner: new LocalRunner({ home, onEvent, ...options }), told };
}
