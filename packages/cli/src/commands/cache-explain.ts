import { existsSync } from "node:fs";
import { RepriseError } from "@reprise/core";
import type { Home } from "@reprise/store";
import type { FuncExplanation } from "../cache/explain-func.ts";
import { explanationLines } from "../cache/explanation-lines.ts";
import type { Command, Invocation } from "../host.ts";
import { outputOf } from "../output.ts";
import { inspectFile } from "../run/inspect-file.ts";
import { readImports, splitTarget } from "../run/run-arguments.ts";
import { openStore } from "../store-access.ts";

/** `reprise cache explain`: what stands for a func in cache keys, and what does not see all. */
export const cacheExplain: Command = async (invocation) => {
  const { host, json, home, command } = invocation;
  const explanation = (await inspectFile(host, {
    what: "explain",
    ...(await findFunc(invocation)),
    input: { text: null, fields: [] },
    home: home ?? null,
    cacheNamespace: null,
    imports: readImports(command),
  })) as FuncExplanation;
  const output = outputOf(host);
  if (json) output.json(explanation);
  else
    output.lines(explanationLines(explanation, output, { cwd: host.cwd, source: command.values["source"] === true }));
  return 0;
};

async function findFunc(invocation: Invocation): Promise<{ readonly file: string; readonly func: string | null }> {
  const { host, command } = invocation;
  const [target = ""] = command.positionals;
  const named = splitTarget(target, host.cwd);
  if (existsSync(named.file) || /\.[cm]?[jt]sx?$/.test(named.file)) return named;
  await using store = await openStore(invocation);
  const file = await fileOf(store, target);
  if (file === undefined) {
    throw new RepriseError(
      "USAGE",
      `There is no file "${target}", and no func with that id is recorded in ${store.backend.place}. Write FILE:func.`,
    );
  }
  if (!existsSync(file)) {
    throw new RepriseError(
      "USAGE",
      `Func "${target}" ran from ${file} last, which is no longer there. Write FILE:func.`,
    );
  }
  return { file, func: target };
}

/** Pipeline runs that are searched for a func that is not a root and has no results in the cache. */
const searched = 20;

/** The file that a func ran from last. */
async function fileOf({ backend, cache }: Home, func: string): Promise<string | undefined> {
  const [pipelineRun] = await backend.listPipelineRuns({ funcId: func, limit: 1 });
  const [entry] = await cache.list({ func }, 1);
  const ids = [pipelineRun?.id, entry?.originRunId].filter((id) => id !== undefined);
  const runs = (await Promise.all(ids.map((id) => backend.getRun(id)))).filter((run) => run !== undefined);
  const [newest] = runs.toSorted((a, b) => b.createdAt - a.createdAt);
  if (newest !== undefined) return newest.func.file ?? undefined;
  for (const { id } of await backend.listPipelineRuns({ limit: searched })) {
    const run = (await backend.listRuns(id)).find((one) => one.func.id === func);
    if (run !== undefined) return run.func.file ?? undefined;
  }
  return undefined;
}
