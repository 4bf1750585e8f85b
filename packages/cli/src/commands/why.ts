import { RepriseError } from "@reprise/core";
import type { Command } from "../host.ts";
import { outputOf } from "../output.ts";
import { openStore, resolveRun } from "../store-access.ts";
import { readValuesFrom } from "../value-types.ts";
import { whyLines } from "../why/why-lines.ts";
import { whyRun } from "../why/why-run.ts";

/** `reprise why RUN`: why a run was executed, or reused. */
export const why: Command = async (invocation) => {
  const { host, json, command } = invocation;
  await using store = await openStore(invocation);
  const id = await resolveRun(store.backend, command.positionals[0] ?? "");
  const run = await store.backend.getRun(id);
  if (run === undefined) throw new RepriseError("RUN_NOT_FOUND", `Run ${id} was removed meanwhile.`);
  readValuesFrom(store);
  const report = await whyRun(store, run);
  const output = outputOf(host);
  if (json) output.json(report);
  else output.lines(whyLines(report, output, { diffs: command.values["no-diff"] !== true }));
  return 0;
};
