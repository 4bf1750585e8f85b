import type { RunnerEvent } from "@reprise/runner";
import type { RunTree } from "../tree/run-tree.ts";

/** Something that shows a pipeline run while it goes on. The tree is brought up to date before each call. */
export interface View {
  /** Shows events that the tree has just taken in. */
  events(events: readonly RunnerEvent[]): void;
  /** Lines that the driver process wrote outside any run. */
  output(stream: "stdout" | "stderr", lines: readonly string[]): void;
  /** A word of reprise itself: canceling, a warning. */
  say(text: string): void;
  /** Shows the last state and gives the terminal back. */
  end(): void;
}

/** What a view writes to. */
export interface ViewStreams {
  readonly tree: RunTree;
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
}
