import { isPipelineFinished, RepriseError, shortId } from "@reprise/core";
import type { Command } from "../host.ts";
import { chooseCode } from "../rerun/choose-code.ts";
import { checkDriver } from "../rerun/interrupted.ts";
import { findRecordedRun, runWords } from "../rerun/recorded-run.ts";
import { readRunOptions } from "../run/run-arguments.ts";
import { type RunRequest, startRun } from "../run/start-run.ts";
import { openStore } from "../store-access.ts";

/** `reprise resume RUN`: goes on with a pipeline run whose driver is gone. */
export const resume: Command = async (invocation) => {
  const { host, command } = invocation;
  const { positionals, values } = command;
  const options = readRunOptions(command, "resume");
  const request = async (): Promise<RunRequest> => {
    await using store = await openStore(invocation);
    const { run, root, pipelineRun } = await findRecordedRun(store, positionals[0] ?? "");
    const id = shortId(root.id);
    if (run.id !== root.id) {
      throw new RepriseError(
        "USAGE",
        `resume: ${runWords(run)} is a run in a pipeline run, which is resumed as a whole: reprise resume ${id}`,
      );
    }
    if (isPipelineFinished(pipelineRun.state)) {
      throw new RepriseError(
        "RUN_FINISHED",
        `Pipeline run ${root.id} has ended: ${pipelineRun.state}. To execute it again: reprise rerun ${id}; only what did not succeed: reprise rerun ${id} --continue`,
      );
    }
    await checkDriver(store.backend, pipelineRun, "DRIVER_ALIVE");
    const { cwd } = host;
    const code = await chooseCode(store, { command: "resume", values, cwd, pipelineRun, root, run }, true);
    const { kept, file, words, notes } = code;
    return {
      options,
      task: {
        type: "again",
        mode: "resume",
        runId: root.id,
        rootId: root.id,
        funcId: root.func.id,
        kept,
        file,
        input: [],
      },
      notes: [`Resume ${pipelineRun.name} ${id}: ${words}`, ...notes.map((note) => `note: ${note}`)],
    };
  };
  return startRun(invocation, await request());
};
