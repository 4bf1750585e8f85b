import { RepriseError } from "@reprise/core";
import type { SourceReport } from "../driver/inspect.ts";
import type { Invocation } from "../host.ts";
import { outputOf } from "../output.ts";
import { inspectFile } from "../run/inspect-file.ts";
import { readImports } from "../run/run-arguments.ts";
import { openStore } from "../store-access.ts";
import { currentCode } from "./choose-code.ts";
import { forecastLines } from "./forecast-lines.ts";
import { checkWhole, findRecordedRun, type RecordedRunPlace, runWords } from "./recorded-run.ts";
import { forecastRerun } from "./rerun-forecast.ts";

/** `reprise plan --rerun-from RUN`: what a re-run would execute and take over, and why; nothing executes. */
export async function planRerunFrom(invocation: Invocation, text: string): Promise<number> {
  const { host, json, command } = invocation;
  checkAlone(invocation);
  await using store = await openStore(invocation);
  const place = await findRecordedRun(store, text);
  const { run, root, pipelineRun } = place;
  const graph = await store.backend.readGraph(root.id);
  if (graph === undefined) throw new RepriseError("RUN_NOT_FOUND", `Run ${run.id} was removed meanwhile.`);
  const mode = command.values["continue"] === true ? "continue" : "from";
  if (mode === "continue") checkWhole(place, "plan");
  const sources = await sourcesNow(invocation, place);
  const forecast = forecastRerun({ graph, runId: run.id, mode, sources });
  const output = outputOf(host);
  const options = { pipelineRun, from: runWords(run), all: command.values["all"] === true, now: Date.now() };
  if (json) output.json(forecast);
  else output.lines(forecastLines(forecast, output, options));
  return 0;
}

/** How the program's funcs are written now, if that is to be compared. */
async function sourcesNow(
  { host, command }: Invocation,
  { run, root, pipelineRun }: RecordedRunPlace,
): Promise<SourceReport["sources"] | undefined> {
  const { values } = command;
  if (values["current"] !== true && typeof values["file"] !== "string") return undefined;
  const { file } = currentCode({ command: "plan", values, cwd: host.cwd, pipelineRun, root, run });
  const report = (await inspectFile(host, {
    what: "sources",
    file,
    func: root.func.id,
    input: { text: null, fields: [] },
    home: null,
    cacheNamespace: null,
    imports: readImports(command),
  })) as SourceReport;
  return report.sources;
}

/** What is recorded is planned: no input, no cache. */
function checkAlone({ command: { positionals, values, rest } }: Invocation): void {
  const [extra] = [
    ...positionals,
    ...["input", "cache-namespace"].filter((name) => values[name] !== undefined).map((name) => `--${name}`),
    ...rest.map(([name]) => `--${name}`),
  ];
  if (extra === undefined) return;
  throw new RepriseError(
    "USAGE",
    `plan: ${extra} cannot be given beside --rerun-from, which plans from what is recorded.`,
  );
}
