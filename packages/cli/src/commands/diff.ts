import { reportLines } from "../diff/diff-lines.ts";
import { diffRuns } from "../diff/diff-runs.ts";
import type { Command } from "../host.ts";
import { outputOf } from "../output.ts";
import { openStore, resolveRun } from "../store-access.ts";
import { readValuesFrom } from "../value-types.ts";

/** Runs of which it is told how they differ, unless all are asked for: more than anybody reads. */
const detailed = 60;

/** `reprise diff A B`: which runs differ, from the first on, and why. */
export const diff: Command = async (invocation) => {
  const { host, json, command } = invocation;
  const { positionals, values } = command;
  await using store = await openStore(invocation);
  const before = await resolveRun(store.backend, positionals[0] ?? "");
  const after = await resolveRun(store.backend, positionals[1] ?? "");
  readValuesFrom(store);
  const all = values["all"] === true;
  const report = await diffRuns(store, [before, after], { detailed: all ? Number.POSITIVE_INFINITY : detailed });
  const output = outputOf(host);
  if (json) output.json(report);
  else output.lines(reportLines(report, output, { all, diffs: values["no-diff"] !== true }));
  return 0;
};
