import { RepriseError, type Run } from "@reprise/core";
import type { Home } from "@reprise/store";
import type { Command } from "../host.ts";
import { outputOf } from "../output.ts";
import { readStory, type RunStory } from "../show/run-story.ts";
import { storyLines } from "../show/story-lines.ts";
import { openStore, resolveRun } from "../store-access.ts";
import { readValuesFrom } from "../value-types.ts";
import { summaryJson } from "./ls.ts";

/** `reprise show RUN`: the whole story of a run. */
export const show: Command = async (invocation) => {
  const { host, json, command } = invocation;
  await using store = await openStore(invocation);
  const run = await findRun(store, command.positionals[0] ?? "");
  const story = await readStory(store, run);
  const output = outputOf(host);
  if (json) {
    output.json(await storyJson(store, story));
    return 0;
  }
  readValuesFrom(store);
  const { values } = command;
  const options = { all: values["all"] === true, source: values["source"] === true, now: Date.now() };
  output.lines(await storyLines(store, story, output, options));
  return 0;
};

async function findRun(store: Home, text: string): Promise<Run> {
  const id = await resolveRun(store.backend, text);
  const run = await store.backend.getRun(id);
  if (run === undefined) throw new RepriseError("RUN_NOT_FOUND", `Run ${id} was removed meanwhile.`);
  return run;
}

/** The source of a func once is enough; it stands with the run that was asked for. */
function withoutSource(run: Run): object {
  const { func, ...other } = run;
  return { ...other, funcId: func.id };
}

async function storyJson(store: Home, story: RunStory): Promise<object> {
  const { run, pipelineRun, interrupted, runs, path, edges, output, computedBy, attempts, events, metrics } = story;
  const inputs = [];
  for (const edge of edges) {
    if (edge.kind === "result") continue;
    const stored = edge.artifactId === null ? undefined : await store.backend.getArtifact(edge.artifactId);
    inputs.push({ ...edge, artifact: stored?.artifact ?? null });
  }
  return {
    run,
    path,
    pipelineRun: pipelineRun === undefined ? null : summaryJson(pipelineRun, interrupted),
    runs: runs.map(withoutSource),
    inputs,
    output: output ?? null,
    outputParts: edges.filter(({ kind }) => kind === "result"),
    changedCode: [...story.changedCode],
    originRunExists: run.cache.originRunId === null ? null : computedBy !== undefined,
    attempts,
    events,
    metrics,
  };
}
