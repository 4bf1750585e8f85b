import type { Command } from "../host.ts";
import { outputOf } from "../output.ts";
import type { Plan } from "../plan/plan.ts";
import { planLines } from "../plan/plan-lines.ts";
import { inspectFile } from "../run/inspect-file.ts";
import { readImports, readNamespace, splitTarget } from "../run/run-arguments.ts";

/** `reprise plan`: what a run would reuse and what it would execute, and why; nothing executes. */
export const plan: Command = async ({ host, json, home, command }) => {
  const { positionals, values, rest } = command;
  const { input } = values;
  const found = (await inspectFile(host, {
    what: "plan",
    ...splitTarget(positionals[0] ?? "", host.cwd),
    input: { text: typeof input === "string" ? input : null, fields: rest },
    home: home ?? null,
    cacheNamespace: readNamespace(values["cache-namespace"], "plan"),
    imports: readImports(command),
  })) as Plan;
  const output = outputOf(host);
  if (json) output.json(found);
  else output.lines(planLines(found, output, { all: values["all"] === true, now: Date.now() }));
  return 0;
};
