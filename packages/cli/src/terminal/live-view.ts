import type { RunnerEvent } from "@reprise/runner";
import { renderTree } from "../tree/render-tree.ts";
import type { Paint } from "./paint.ts";
import { fitText, tameLine } from "./text-width.ts";
import type { View, ViewStreams } from "./view.ts";

/** What a live view needs besides its streams. */
export interface LiveViewOptions extends ViewStreams {
  /** Size of the terminal, asked for each frame because it may be resized. */
  readonly size: () => { readonly columns: number; readonly rows: number };
  readonly paint: Paint;
  readonly colored: boolean;
  /** Milliseconds since 1970 UTC. */
  readonly now: () => number;
}

// Frames between these two marks are shown at once by terminals that know them; the others ignore them.
const beginFrame = "\x1b[?2026h";
const endFrame = "\x1b[?2026l";
const hideCursor = "\x1b[?25l";
const showCursor = "\x1b[?25h";
const frameTime = 100;

/**
 * The tree of runs at the foot of a terminal, with what bodies write above it. It is drawn at most ten times a second, each
 * frame in one write, over the frame before it; a frame that changes nothing is not written.
 */
export class LiveView implements View {
  readonly #options: LiveViewOptions;
  readonly #timer: NodeJS.Timeout;
  #shown: readonly string[] = [];
  #shownColumns = 0;
  #above: string[] = [];
  #note = "";
  #ended = false;

  constructor(options: LiveViewOptions) {
    this.#options = options;
    options.out(hideCursor);
    this.#timer = setInterval(() => this.#draw(), frameTime);
    this.#timer.unref();
  }

  events(events: readonly RunnerEvent[]): void {
    const { tree, paint, colored } = this.#options;
    for (const event of events) {
      if (event.type === "log") {
        const name = tree.node(event.runId)?.name ?? "reprise";
        const bar = paint(event.stream === "stderr" || event.level === "error" ? "red" : "dim", "│");
        for (const line of event.text.split("\n"))
          this.#above.push(`${paint("cyan", name)} ${bar} ${tameLine(line, colored)}`);
      } else if (event.type === "warning") {
        this.#above.push(`${paint("yellow", "warning:")} ${tameLine(event.message, false)}`);
      }
    }
  }

  output(_stream: "stdout" | "stderr", lines: readonly string[]): void {
    for (const line of lines) this.#above.push(tameLine(line, this.#options.colored));
  }

  say(text: string): void {
    this.#note = text;
    this.#draw();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#timer);
    this.#note = "";
    this.#draw();
    this.#options.out(showCursor);
  }

  #draw(): void {
    const { tree, size, paint, now, out } = this.#options;
    const { columns, rows } = size();
    const frame = { width: Math.max(20, columns - 1), height: Math.max(3, rows - 2), now: now(), paint };
    const lines = renderTree(tree, frame);
    if (this.#note !== "") lines.push(fitText(paint("yellow", this.#note), frame.width));
    if (this.#above.length === 0 && columns === this.#shownColumns && sameLines(lines, this.#shown)) return;
    // After the terminal became narrower, lines of the last frame take several rows each.
    const back = this.#shown.length === 0 ? "" : `\x1b[${this.#shown.length}F`;
    const above = this.#above.map((line) => `${line}\x1b[K\n`).join("");
    out(`${beginFrame}${back}${above}${lines.map((line) => `${line}\x1b[K\n`).join("")}\x1b[J${endFrame}`);
    this.#above = [];
    this.#shown = lines;
    this.#shownColumns = columns;
  }
}

function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, index) => line === b[index]);
}
