import { RepriseError, shortId } from "@reprise/core";
import type { Command } from "../host.ts";
import { chooseCode } from "../rerun/choose-code.ts";
import { checkDriver } from "../rerun/interrupted.ts";
import { checkWhole, findRecordedRun, type RecordedRunPlace, runWords } from "../rerun/recorded-run.ts";
import { readRunOptions } from "../run/run-arguments.ts";
import { type RunRequest, startRun } from "../run/start-run.ts";
import { openStore } from "../store-access.ts";

/** `reprise rerun RUN`: a recorded run again, with what is nested in it and what is downstream of it. */
export const rerun: Command = async (invocation) => {
  const { host, command } = invocation;
  const { positionals, values } = command;
  const options = readRunOptions(command, "rerun");
  const input = Array.isArray(values["input"]) ? (values["input"] as readonly string[]) : [];
  const mode = values["continue"] === true ? "continue" : "from";
  const request = async (): Promise<RunRequest> => {
    await using store = await openStore(invocation);
    const place = await findRecordedRun(store, positionals[0] ?? "");
    const { run, root, pipelineRun } = place;
    if (mode === "continue") checkWhole(place, "rerun");
    if (input.length > 0) checkInput(place, mode);
    await checkDriver(store.backend, pipelineRun, "RERUN_REFUSED");
    const { cwd } = host;
    const code = await chooseCode(store, { command: "rerun", values, cwd, pipelineRun, root, run }, false);
    const { kept, file, words, notes } = code;
    return {
      options,
      task: { type: "again", mode, runId: run.id, rootId: root.id, funcId: root.func.id, kept, file, input },
      notes: [`Re-run ${whatWords(place, mode)}: ${words}`, ...notes.map((note) => `note: ${note}`)],
    };
  };
  return startRun(invocation, await request());
};

/** Only the input of the whole can be changed: that of other runs is what their pipeline made of it. */
function checkInput({ run, root }: RecordedRunPlace, mode: "from" | "continue"): void {
  if (mode === "continue") {
    throw new RepriseError(
      "USAGE",
      "rerun: --input cannot be given with --continue, which goes on with what was computed from the recorded input. Leave out one of them.",
    );
  }
  if (run.id === root.id && run.kind === "func") return;
  if (run.kind === "map" && run.id === root.id) {
    throw new RepriseError(
      "USAGE",
      `rerun: --input cannot change the items of a map, and pipeline run ${run.name} is one. Run it from its program with other items.`,
    );
  }
  throw new RepriseError(
    "USAGE",
    `rerun: --input changes the input of a pipeline run, and ${runWords(run)} is a run in one. Re-run the pipeline run: reprise rerun ${shortId(root.id)} --input …`,
  );
}

function whatWords({ run, root, pipelineRun }: RecordedRunPlace, mode: "from" | "continue"): string {
  const whole = `${pipelineRun.name} ${shortId(root.id)}`;
  if (mode === "continue") return `what did not succeed in ${whole}`;
  return run.id === root.id ? whole : `${whole} from ${runWords(run)}`;
}
