import type { RunnerEvent } from "@reprise/runner";
import { afterEach, describe, expect, it, vi } from "vitest";
import { RunTree } from "../tree/run-tree.ts";
import { LiveView } from "./live-view.ts";
import { painter } from "./paint.ts";

/** What a terminal shows after it was written to: rows of text, with the few sequences that the view uses. */
class Screen {
  readonly rows: string[] = [""];
  #row = 0;
  writes = 0;

  write(text: string): void {
    this.writes++;
    for (const [part] of text.matchAll(/\x1b\[\?\d+[hl]|\x1b\[(\d*)[FKJ]|\n|[^\x1b\n]+/g)) {
      if (part === "\n") {
        this.#row++;
        this.rows[this.#row] ??= "";
      } else if (part.endsWith("F") && part.startsWith("\x1b"))
        this.#row = Math.max(0, this.#row - Number(part.slice(2, -1)));
      else if (part === "\x1b[J") this.rows.splice(this.#row, Infinity, "");
      else if (!part.startsWith("\x1b")) this.rows[this.#row] = part;
    }
  }

  get text(): string {
    return this.rows.join("\n").trimEnd();
  }
}

function run(id: string, parentId: string | null, state: "RUNNING" | "RESOLVED", time: number): RunnerEvent {
  return { type: "run", id, parentId, funcId: id, name: id, kind: "func", state, attempt: 1, time };
}

function log(runId: string, text: string): RunnerEvent {
  return { type: "log", runId, stream: "stdout", level: "info", text, time: 0 };
}

function liveView(size = { columns: 60, rows: 12 }) {
  const tree = new RunTree();
  const screen = new Screen();
  const clock = { now: 0 };
  const view = new LiveView({
    tree,
    out: (text) => screen.write(text),
    error: () => {},
    size: () => size,
    paint: painter(false),
    colored: false,
    now: () => clock.now,
  });
  const tell = (...events: readonly RunnerEvent[]) => {
    for (const event of events) tree.apply(event);
    view.events(events);
  };
  return { screen, clock, view, tell };
}

afterEach(() => vi.useRealTimers());

describe("LiveView", () => {
  it("keeps the tree at the foot and what bodies write above it, once", () => {
    vi.useFakeTimers();
    const { screen, clock, view, tell } = liveView();
    tell(run("pipeline", null, "RUNNING", 0), run("load", "pipeline", "RUNNING", 0));
    clock.now = 1_000;
    vi.advanceTimersByTime(100);
    expect(screen.text).toBe("● pipeline  1.0 s\n└─ ● load  1.0 s");
    tell(log("load", "reading\nrows"));
    view.output("stdout", ["outside"]);
    vi.advanceTimersByTime(100);
    expect(screen.text).toBe("load │ reading\nload │ rows\noutside\n● pipeline  1.0 s\n└─ ● load  1.0 s");
    clock.now = 2_000;
    tell(run("load", "pipeline", "RESOLVED", 2_000), run("pipeline", null, "RESOLVED", 2_000));
    view.end();
    expect(screen.text).toBe("load │ reading\nload │ rows\noutside\n✔ pipeline  2.0 s\n└─ ✔ load  2.0 s");
  });

  it("writes nothing when nothing changed, and one piece per frame, at most ten a second", () => {
    vi.useFakeTimers();
    const { screen, clock, tell } = liveView();
    tell(run("pipeline", null, "RUNNING", 0));
    vi.advanceTimersByTime(1_000);
    const still = screen.writes;
    vi.advanceTimersByTime(1_000);
    expect(screen.writes).toBe(still);
    for (let time = 0; time < 1_000; time += 5) {
      clock.now = 10_000 + time;
      tell(log("pipeline", `line ${time}`));
      vi.advanceTimersByTime(5);
    }
    expect(screen.writes - still).toBeLessThanOrEqual(10);
    expect(screen.text).toContain("line 0\n");
    expect(screen.text).toContain("line 900\n");
  });

  it("never grows beyond the terminal", () => {
    vi.useFakeTimers();
    const { screen, view, tell } = liveView({ columns: 40, rows: 6 });
    tell(run("pipeline", null, "RUNNING", 0));
    for (let index = 0; index < 30; index++) tell(run(`step-${"x".repeat(index)}`, "pipeline", "RUNNING", 0));
    view.say("Canceling …");
    expect(screen.rows.filter((row) => row !== "").length).toBeLessThanOrEqual(5);
    expect(screen.text).toContain("Canceling …");
  });
});
