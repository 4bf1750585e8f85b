import type { RunnerEvent } from "@reprise/runner";
import type { View } from "./view.ts";

/** One JSON object a line on standard output: every event as the runner tells it, and output outside runs as `output`. */
export class JsonView implements View {
  readonly #write: (text: string) => void;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  events(events: readonly RunnerEvent[]): void {
    this.#write(events.map((event) => `${JSON.stringify(event)}\n`).join(""));
  }

  output(stream: "stdout" | "stderr", lines: readonly string[]): void {
    this.#write(lines.map((text) => `${JSON.stringify({ type: "output", stream, text })}\n`).join(""));
  }

  say(text: string): void {
    this.#write(`${JSON.stringify({ type: "note", text })}\n`);
  }

  end(): void {}
}
