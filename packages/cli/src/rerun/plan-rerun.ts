import { type PipelineRun, RepriseError } from "@reprise/core";
import type { Home } from "@reprise/store";
import type { SourceReport } from "../driver/inspect.ts";
import type { Invocation } from "../host.ts";
import { outputOf } from "../output.ts";
import { inspectFile } from "../run/inspect-file.ts";
import { readImports } from "../run/run-arguments.ts";
import { openStore } from "../store-access.ts";
import { changedFiles } from "./changed-files.ts";
import { currentCode } from "./choose-code.ts";
import { forecastLines } from "./forecast-lines.ts";
import { checkWhole, findRecordedRun, type RecordedRunPlace, runWords } from "./recorded-run.ts";
import { forecastRerun } from "./rerun-forecast.ts";

const shownFiles = 5;

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
  const changed = await changedSince(store, pipelineRun);
  if (json) output.json({ ...forecast, changedFiles: changed });
  else output.lines([...forecastLines(forecast, output, options), ...changedLines(changed ?? [])]);
  return 0;
}

/** Files of the kept program that hold something else now; null if none was kept, or it cannot be read. */
async function changedSince(store: Home, { code }: PipelineRun): Promise<readonly string[] | null> {
  try {
    const kept = code === null ? undefined : await store.code.find(code);
    return kept === undefined ? null : await changedFiles(kept);
  } catch (error) {
    if (RepriseError.is(error, "CODE_NOT_KEPT")) return null;
    throw error;
  }
}

function changedLines(files: readonly string[]): string[] {
  if (files.length === 0) return [];
  const rest = files.length - shownFiles;
  const more = rest > 0 ? `, and ${rest} more` : "";
  return [`Files that changed since: ${files.slice(0, shownFiles).join(", ")}${more}.`];
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
