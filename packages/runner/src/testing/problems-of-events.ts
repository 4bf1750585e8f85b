import { isFinished, type RunState, runStatesBefore } from "@reprise/core";
import type { RunnerEvent } from "../index.ts";

/** What is not legal in the story that the events of a pipeline run tell. */
export function problemsOfEvents(events: readonly RunnerEvent[]): string[] {
  const problems: string[] = [];
  const states = new Map<string, RunState>();
  for (const event of events) {
    if (event.type !== "run") continue;
    const { id, state } = event;
    const before = states.get(id);
    // Some states last no time and are not told of, so a step may stand for several.
    if (before !== undefined && before !== state && !runStatesBefore(state).has(before)) {
      problems.push(`${id} went from ${before} to ${state}`);
    }
    states.set(id, state);
  }
  for (const [id, state] of states) if (!isFinished(state)) problems.push(`${id} was last told to be ${state}`);
  return problems;
}
