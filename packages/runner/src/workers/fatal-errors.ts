import { inspect } from "node:util";
import { toFailure } from "@reprise/core";
import { currentBody, outsideBodies } from "../context.ts";
import type { TaskHost } from "./task-host.ts";

/**
 * An error that nobody has caught, or a rejection that nobody has handled, ends the process, as it ends every program. What
 * Node would write to stderr goes to the log of the body that it comes from: the one from whose code it was thrown, or the
 * only one that executes. A program that handles such errors by itself is left alone.
 *
 * @param tell hears before the end, in one line, what ends the process.
 */
export function endByErrors(host: TaskHost, tell: (why: string) => void): void {
  process.on("uncaughtException", (error: unknown, origin) => {
    if (process.listenerCount("uncaughtException") > 1) return;
    const why = origin === "unhandledRejection" ? "a rejected promise that nobody handles" : "an uncaught error";
    const { name, message } = toFailure(error);
    tell(`${why}: ${name}: ${message.split("\n", 1)[0] ?? ""}`);
    const text = `The process ends because of ${why}: ${inspect(error)}`;
    const { executing } = host;
    const body = currentBody() ?? (executing.length === 1 ? executing[0]?.body : undefined);
    if (body?.call.body !== body || body === undefined) outsideBodies(() => process.stderr.write(`${text}\n`));
    else {
      const line = {
        stream: "stderr",
        level: "error",
        data: undefined,
        time: Date.now(),
        attempt: body.attempt,
      } as const;
      for (const part of text.split("\n")) body.host.tracker?.log(body.call, { ...line, text: part });
    }
    process.exit(1);
  });
}
