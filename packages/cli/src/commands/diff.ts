import { reportLines } from "../diff/diff-lines.ts";
import { diffRuns } from "../diff/diff-runs.ts";
import type { Command } from "../host.ts";
import { outputOf } from "../output.ts";
import { openStore, resolveRun } from "../store-access.ts";
import { readValuesFrom } from "../value-types.ts";

/** `reprise diff A B`: which runs differ, from the first on, and why. */
export const diff: Command = async (invocation) => {
  const { host, json, command } = invocation;
  const { positionals, values } = command;
  await using store = await openStore(invocation);
  const before = await resolveRun(store.backend, positionals[0] ?? "");
  const after = await resolveRun(store.backend, positionals[1] ?? "");
  readValuesFrom(store);
  const report = await diffRuns(store, [before, after], { all: values["all"] === true });
  const output = outputOf(host);
  if (json) output.json(report);
  else output.lines(reportLines(report, output, { diffs: values["no-diff"] !== true }));
  return 0;
};
