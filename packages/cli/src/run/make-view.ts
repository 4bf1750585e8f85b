import type { Invocation } from "../host.ts";
import { JsonView } from "../terminal/json-view.ts";
import { LiveView } from "../terminal/live-view.ts";
import { painter, wantsColor } from "../terminal/paint.ts";
import { PlainView } from "../terminal/plain-view.ts";
import type { View } from "../terminal/view.ts";
import type { RunTree } from "../tree/run-tree.ts";
import type { RunOptions } from "./run-arguments.ts";

/** The view that fits: JSON lines if asked for, the live tree in a terminal, plain lines elsewhere. */
export function makeView(
  { host, json }: Invocation,
  { quiet, plain }: Pick<RunOptions, "quiet" | "plain">,
  tree: RunTree,
): View {
  const { stdout, stderr, env } = host;
  const out = (text: string) => void stdout.write(text);
  const error = (text: string) => void stderr.write(text);
  if (json) return new JsonView(out);
  const colored = wantsColor(stdout.isTTY, env);
  const isTerminal = stdout.isTTY && stderr.isTTY && env["TERM"] !== "dumb";
  if (!isTerminal || quiet || plain) return new PlainView({ tree, out, error, quiet, colored });
  const size = () => ({ columns: stdout.columns, rows: stdout.rows });
  return new LiveView({ tree, out, error, size, colored, paint: painter(colored), now: Date.now });
}
