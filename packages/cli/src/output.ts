import type { Host } from "./host.ts";
import { type Paint, painter, wantsColor } from "./terminal/paint.ts";

/** Where a command prints to, and how. */
export interface Output {
  readonly paint: Paint;
  readonly colored: boolean;
  readonly width: number;
  /** Prints lines on standard output. */
  lines(lines: readonly string[]): void;
  /** Prints one JSON document on standard output. */
  json(value: unknown): void;
}

/** The output of a command: colored and as wide as the terminal if it is one. */
export function outputOf({ stdout, env }: Host): Output {
  const colored = wantsColor(stdout.isTTY, env);
  return {
    paint: painter(colored),
    colored,
    width: stdout.isTTY ? stdout.columns : 140,
    lines: (lines) => void (lines.length > 0 && stdout.write(`${lines.join("\n")}\n`)),
    json: (value) => void stdout.write(`${JSON.stringify(value, null, stdout.isTTY ? 2 : 0)}\n`),
  };
}
