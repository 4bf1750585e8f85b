import type { Command } from "../host.ts";
import { readRunArguments } from "./run-arguments.ts";
import { startRun } from "./start-run.ts";

/** `reprise run`: a pipeline from a file. */
export const run: Command = async (invocation) => {
  const { file, func, input, ...options } = readRunArguments(invocation.command, invocation.host.cwd);
  return startRun(invocation, { options, task: { type: "start", file, func, input }, notes: [] });
};
