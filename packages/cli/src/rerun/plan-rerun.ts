import { RepriseError } from "@reprise/core";
import type { Invocation } from "../host.ts";
import { outputOf } from "../output.ts";
import { openStore } from "../store-access.ts";
import { forecastLines } from "./forecast-lines.ts";
import { findRecordedRun, runWords } from "./recorded-run.ts";
import { forecastRerun } from "./rerun-forecast.ts";

/** `reprise plan --rerun-from RUN`: what a re-run would execute and take over, and why; nothing executes. */
export async function planRerunFrom(invocation: Invocation, text: string): Promise<number> {
  const { host, json, command } = invocation;
  checkAlone(invocation);
  await using store = await openStore(invocation);
  const { run, root, pipelineRun } = await findRecordedRun(store, text);
  const graph = await store.backend.readGraph(root.id);
  if (graph === undefined) throw new RepriseError("RUN_NOT_FOUND", `Run ${run.id} was removed meanwhile.`);
  const forecast = forecastRerun(graph, run.id, command.values["continue"] === true ? "continue" : "from");
  const output = outputOf(host);
  const options = { pipelineRun, from: runWords(run), all: command.values["all"] === true, now: Date.now() };
  if (json) output.json(forecast);
  else output.lines(forecastLines(forecast, output, options));
  return 0;
}

/** What is recorded is planned: no file, no input, no cache. */
function checkAlone({ command: { positionals, values, rest } }: Invocation): void {
  const [extra] = [
    ...positionals,
    ...["input", "cache-namespace", "import"].filter((name) => values[name] !== undefined).map((name) => `--${name}`),
    ...rest.map(([name]) => `--${name}`),
  ];
  if (extra === undefined) return;
  throw new RepriseError(
    "USAGE",
    `plan: ${extra} cannot be given beside --rerun-from, which plans from what is recorded.`,
  );
}
