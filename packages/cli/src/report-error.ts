import { RepriseError, toFailure } from "@reprise/core";
import { exitCodeOf } from "./exit-codes.ts";
import { failureLines } from "./failure-lines.ts";
import type { Host } from "./host.ts";
import { painter, wantsColor } from "./terminal/paint.ts";

/**
 * Tells an error that ended a command: to people on standard error; with `--json` as `{"error": {…}}` on standard output.
 */
export function reportError(host: Host, error: unknown): void {
  const code = RepriseError.is(error) ? error.code : "UNEXPECTED";
  const message = error instanceof Error ? error.message : String(error);
  const end = host.argv.indexOf("--");
  if (host.argv.slice(0, end === -1 ? undefined : end).includes("--json")) {
    const line = { type: "error", error: { code, message, exitCode: exitCodeOf(error) } };
    host.stdout.write(`${JSON.stringify(line)}\n`);
    return;
  }
  const paint = painter(wantsColor(host.stderr.isTTY, host.env));
  host.stderr.write(`${paint("red", "error:")} ${message}\n`);
  if (RepriseError.is(error) && error.cause === undefined) return;
  const failure = toFailure(error);
  const shown = RepriseError.is(error) ? failure.cause : failure;
  // The message of an error of reprise already tells what a system call said; user code is worth its stack.
  if (shown === undefined || (RepriseError.is(error) && (error.code.startsWith("STORE_") || shown.code !== undefined)))
    return;
  host.stderr.write(`${failureLines(shown, paint).join("\n")}\n`);
}
