import type { RunnerEvent } from "./runner-events.ts";

/**
 * Tells a watcher of events. One that throws is told no more, and a warning says so: a live view that breaks must not
 * end, or half record, the work that it looks at.
 */
export function tellWatcher(
  onEvent: ((event: RunnerEvent) => void) | undefined,
): ((event: RunnerEvent) => void) | undefined {
  if (onEvent === undefined) return undefined;
  let broken = false;
  return (event) => {
    if (broken) return;
    try {
      onEvent(event);
    } catch (error) {
      broken = true;
      const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      process.emitWarning(`onEvent threw and is not called any more for this pipeline run: ${why}`, "RepriseWarning");
    }
  };
}
