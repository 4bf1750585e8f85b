import { RepriseError } from "@reprise/core";
import type { Invocation } from "../host.ts";
import { wantsColor } from "../terminal/paint.ts";
import { startDriver } from "./driver-process.ts";
import { protocolVersion, type AgainMessage, type RunSettings, type StartMessage } from "./messages.ts";
import type { RunOptions } from "./run-arguments.ts";

/** What a driver is to do, apart from how: the message that begins it. */
export type Task = Without<StartMessage> | Without<AgainMessage>;
type Without<Message> = Omit<Message, keyof RunSettings | "v">;

/** What to run, and what to say of it. */
export interface RunRequest {
  readonly options: RunOptions;
  readonly task: Task;
  /** Words to begin with. */
  readonly notes: readonly string[];
}

/**
 * Starts the driver, in which the pipeline executes, as a child of this process, and shows what it does to its end. So the
 * runs can be shown while a body blocks the driver's event loop, Ctrl-C ends it, and it is told what became of it if it
 * dies. Gives the exit code.
 */
export async function startRun(invocation: Invocation, { options, task, notes }: RunRequest): Promise<number> {
  const { host, json, home } = invocation;
  const driver = startDriver({
    file: task.file,
    imports: options.imports,
    driverFile: host.driverFile,
    cwd: host.cwd,
  });
  driver.send({
    v: protocolVersion,
    ...task,
    argv: host.argv,
    home: home ?? null,
    concurrency: options.concurrency,
    maxParallelism: options.maxParallelism,
    durability: options.durability,
    cache: options.cache,
    cacheNamespace: options.cacheNamespace,
    everyEvent: json,
    width: host.stdout.isTTY ? host.stdout.columns : 120,
    colored: wantsColor(host.stdout.isTTY, host.env),
  });
  // The driver starts meanwhile.
  const { RunSession } = await import("./run-session.ts");
  try {
    return await new RunSession(invocation, { ...options, file: task.file, notes }, driver).end();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall?.startsWith("spawn") !== true) throw error;
    throw new RepriseError("USAGE", `The driver process could not be started: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}
