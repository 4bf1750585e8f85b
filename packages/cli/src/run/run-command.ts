import { RepriseError } from "@reprise/core";
import type { Command, Invocation } from "../host.ts";
import { wantsColor } from "../terminal/paint.ts";
import { startDriver } from "./driver-process.ts";
import { protocolVersion } from "./messages.ts";
import { readRunArguments } from "./run-arguments.ts";

/**
 * `reprise run`: this process is the parent of the driver, in which the pipeline executes. So it can show the runs while a
 * body blocks the driver's event loop, end it on Ctrl-C, and tell what became of it if it dies.
 */
export const run: Command = async (invocation) => {
  const { host, command, json, home } = invocation;
  const args = readRunArguments(command, host.cwd);
  const driver = startDriver({ file: args.file, imports: args.imports, driverFile: host.driverFile, cwd: host.cwd });
  driver.send({
    v: protocolVersion,
    type: "start",
    file: args.file,
    func: args.func,
    input: args.input,
    argv: host.argv,
    home: home ?? null,
    concurrency: args.concurrency,
    durability: args.durability,
    cache: args.cache,
    cacheNamespace: args.cacheNamespace,
    everyEvent: json,
    width: outputWidth(invocation),
    colored: wantsColor(host.stdout.isTTY, host.env),
  });
  // The driver starts meanwhile.
  const { RunSession } = await import("./run-session.ts");
  try {
    return await new RunSession(invocation, args, driver).end();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall?.startsWith("spawn") !== true) throw error;
    throw new RepriseError("USAGE", `The driver process could not be started: ${(error as Error).message}.`, {
      cause: error,
    });
  }
};

function outputWidth({ host }: Invocation): number {
  return host.stdout.isTTY ? host.stdout.columns : 120;
}
