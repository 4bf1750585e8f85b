import type { Failure } from "@reprise/core";
import type { Paint } from "./terminal/paint.ts";
import { tameLine } from "./terminal/text-width.ts";

const wrappers = new Set(["PipelineRunError", "RunFailedError"]);

/** The user's own error inside the errors in which runners wrap it. */
function ownFailure(failure: Failure): Failure {
  let own = failure;
  while (wrappers.has(own.name) && own.cause !== undefined) own = own.cause;
  return own;
}

/**
 * An error for people: the user's own error first, then the frames of their code, then how many frames of libraries and Node
 * were left out, then its causes.
 */
export function failureLines(failure: Failure, paint: Paint): string[] {
  const lines: string[] = [];
  let label = "";
  for (let shown: Failure | undefined = ownFailure(failure); shown !== undefined; shown = shown.cause) {
    const [first = "", ...rest] = shown.message.split("\n").map((line) => tameLine(line, false));
    const code = shown.code === undefined ? "" : paint("dim", ` [${shown.code}]`);
    lines.push(`${label}${paint("red", shown.name)}: ${first}${code}`, ...rest.map((line) => `  ${line}`));
    lines.push(...stackLines(shown, paint));
    label = "caused by ";
  }
  return lines;
}

function stackLines(failure: Failure, paint: Paint): string[] {
  const frames = (failure.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  const own = frames.filter(isOwnFrame);
  const shown = own.slice(0, 12).map((frame) => `    ${tameLine(placeOf(frame), false)}`);
  const hidden = frames.length - shown.length;
  if (hidden > 0 && shown.length > 0)
    shown.push(paint("dim", `    (${hidden} more frames of libraries, reprise and Node)`));
  if (shown.length > 0 || frames.length === 0) return shown;
  return frames.slice(0, 6).map((frame) => paint("dim", `    ${tameLine(placeOf(frame), false)}`));
}

/** A frame of a function without name is written in two ways, with source map and without. */
function placeOf(frame: string): string {
  return frame
    .trim()
    .replace("file://", "")
    .replace(/<anonymous> \((.*)\)$/, "$1");
}

/** Whether a frame is of the user's own code: not Node's, not a package's, not that of reprise. */
function isOwnFrame(frame: string): boolean {
  return !/node:|[\\/]node_modules[\\/]|<anonymous>\)?$|[\\/]reprise[\\/](?:dist|src)[\\/]|[\\/]packages[\\/](?:core|store|runner|cli)[\\/]src[\\/]/.test(
    frame,
  );
}
