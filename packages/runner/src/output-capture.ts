import { StringDecoder } from "node:string_decoder";
import { type Body, currentBody } from "./context.ts";

/** One of the process's output streams. */
export type OutputStream = "stdout" | "stderr";

const streams = ["stdout", "stderr"] as const;

/** A longer line is cut into pieces. */
const maxLine = 64 * 1024;

/** What a body has written without ending the line. */
class OpenLine {
  text = "";
  /** Keeps the beginning of a character whose other bytes come with the next write. */
  #decoder: StringDecoder | undefined = undefined;

  decode(bytes: Uint8Array): string {
    this.#decoder ??= new StringDecoder("utf8");
    return this.#decoder.write(bytes);
  }

  end(): string {
    const rest = this.text + (this.#decoder?.end() ?? "");
    this.text = "";
    return rest;
  }
}

const openLines: Readonly<Record<OutputStream, WeakMap<Body, OpenLine>>> = {
  stdout: new WeakMap(),
  stderr: new WeakMap(),
};

let users = 0;
/** Takes away what {@link tap} put in the place of each stream's `write`; false if somebody has covered it since. */
const taps: Record<OutputStream, (() => boolean) | undefined> = { stdout: undefined, stderr: undefined };

/**
 * Hands what bodies write to stdout and stderr to their own runs, also when many execute at once: the body is known by
 * its asynchronous context. What is written outside any body passes through untouched.
 *
 * @returns ends the capture when the last of several users has called it.
 */
export function captureOutput(): () => void {
  users += 1;
  for (const stream of streams) taps[stream] ??= tap(stream);
  let ended = false;
  return () => {
    if (ended) return;
    ended = true;
    users -= 1;
    if (users > 0) return;
    for (const stream of streams) if (taps[stream]?.() === true) taps[stream] = undefined;
  };
}

/** Gives the last, unended line of a body to its log. */
export function endOutput(body: Body): void {
  for (const stream of streams) {
    const rest = openLines[stream].get(body)?.end();
    if (rest !== undefined && rest !== "") writeLine(body, stream, rest);
  }
}

function tap(stream: OutputStream): () => boolean {
  const target = process[stream];
  // oxlint-disable-next-line typescript/unbound-method -- it is called with its object below
  const original = target.write;
  const write = function write(chunk: string | Uint8Array, ...rest: unknown[]): boolean {
    const body = users === 0 ? undefined : currentBody();
    if (body !== undefined && (typeof chunk === "string" || chunk instanceof Uint8Array)) {
      take(body, stream, chunk, rest[0]);
      if (!body.host.forwardsOutput) {
        const callback = rest.find((argument) => typeof argument === "function") as (() => void) | undefined;
        if (callback !== undefined) process.nextTick(callback);
        return true;
      }
    }
    return (original as (...args: unknown[]) => boolean).call(target, chunk, ...rest);
  };
  target.write = write;
  return () => {
    if (target.write !== (write as typeof target.write)) return false;
    target.write = original;
    return true;
  };
}

function take(body: Body, stream: OutputStream, chunk: string | Uint8Array, encoding: unknown): void {
  let line = openLines[stream].get(body);
  if (line === undefined) openLines[stream].set(body, (line = new OpenLine()));
  const isText = typeof chunk === "string" && (typeof encoding !== "string" || /^utf-?8$/i.test(encoding));
  const text = isText ? chunk : line.decode(typeof chunk === "string" ? bytesOf(chunk, encoding) : chunk);
  const lines = (line.text + text).split("\n");
  let rest = lines.pop() ?? "";
  for (const whole of lines) writeLine(body, stream, whole);
  while (rest.length > maxLine) {
    const end = cutAt(rest, 0);
    writePiece(body, stream, rest.slice(0, end));
    rest = rest.slice(end);
  }
  line.text = rest;
  // Nobody will say when the output of a body that has ended is over.
  if (body.call.body !== body) endOutput(body);
}

function bytesOf(chunk: string, encoding: unknown): Uint8Array {
  return Buffer.from(chunk, encoding as BufferEncoding);
}

function writeLine(body: Body, stream: OutputStream, line: string): void {
  const text = line.endsWith("\r") ? line.slice(0, -1) : line;
  let from = 0;
  do {
    const end = cutAt(text, from);
    writePiece(body, stream, text.slice(from, end));
    from = end;
  } while (from < text.length);
}

/** Where the piece that begins at `from` ends: never between the two halves of a character. */
function cutAt(text: string, from: number): number {
  const end = from + maxLine;
  if (end >= text.length) return text.length;
  const last = text.charCodeAt(end - 1);
  return last >= 0xd8_00 && last <= 0xdb_ff ? end - 1 : end;
}

function writePiece(body: Body, stream: OutputStream, text: string): void {
  body.host.tracker?.log(body.call, {
    stream,
    level: stream === "stdout" ? "info" : "error",
    text,
    data: undefined,
    time: Date.now(),
    attempt: body.attempt,
  });
}
