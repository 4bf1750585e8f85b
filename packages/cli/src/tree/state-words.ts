import type { PipelineState, RunState } from "@reprise/core";
import type { Style } from "../terminal/paint.ts";

/** How a state is shown: never by color alone. */
export interface StateLook {
  readonly glyph: string;
  readonly word: string;
  readonly style: Style;
}

/** Looks of the states of runs, in the order in which counts are listed. */
export const runStateLooks: { readonly [State in RunState]: StateLook } = {
  RESOLVED: { glyph: "✔", word: "done", style: "green" },
  RUNNING: { glyph: "●", word: "running", style: "cyan" },
  RAN: { glyph: "◐", word: "children running", style: "cyan" },
  SCHEDULED: { glyph: "○", word: "scheduled", style: "blue" },
  CREATED: { glyph: "◌", word: "waiting", style: "gray" },
  RETRYING: { glyph: "↻", word: "retrying", style: "yellow" },
  FAILED: { glyph: "✖", word: "failed", style: "red" },
  NESTED_FAILED: { glyph: "✖", word: "child failed", style: "red" },
  CANCELED: { glyph: "⊘", word: "canceled", style: "yellow" },
};

/** Looks of the states of pipeline runs. */
export const pipelineStateLooks: { readonly [State in PipelineState]: StateLook } = {
  CREATED: { glyph: "◌", word: "created", style: "gray" },
  SCHEDULED: { glyph: "○", word: "scheduled", style: "blue" },
  RUNNING: { glyph: "●", word: "running", style: "cyan" },
  COMPLETE: { glyph: "✔", word: "complete", style: "green" },
  FAILED: { glyph: "✖", word: "failed", style: "red" },
  CANCELED: { glyph: "⊘", word: "canceled", style: "yellow" },
};

/** The look of a pipeline run that has not ended although nobody drives it any more. */
export const interruptedLook: StateLook = { glyph: "!", word: "interrupted", style: "yellow" };

/** The states of runs in the order in which counts are listed. */
const shownStates = Object.keys(runStateLooks) as readonly RunState[];

/** `18 done, 4 running, 2 failed`. */
export function countWords(counts: ReadonlyMap<RunState, number>): string {
  const parts: string[] = [];
  for (const state of shownStates) {
    const count = counts.get(state) ?? 0;
    if (count > 0) parts.push(`${count.toLocaleString("en-US")} ${runStateLooks[state].word}`);
  }
  return parts.join(", ");
}
