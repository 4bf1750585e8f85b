import { styleText } from "node:util";

/** Styles that reprise uses in a terminal. */
export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "blue" | "cyan" | "gray";

/** Wraps text in a style, or gives it back as it is where colors are not wanted. */
export type Paint = (style: Style, text: string) => string;

/** A painter that does or does not color. */
export function painter(colored: boolean): Paint {
  if (!colored) return (_style, text) => text;
  return (style, text) => styleText(style, text, { validateStream: false });
}

/**
 * Whether to color: `FORCE_COLOR` (not `0` or `false`) says yes, else a non-empty `NO_COLOR` or `TERM=dumb` says no, else
 * a terminal is colored.
 */
export function wantsColor(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  const force = env["FORCE_COLOR"];
  if (force !== undefined) return force !== "0" && force !== "false";
  if ((env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb") return false;
  return isTerminal;
}
