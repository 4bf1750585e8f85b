import { RepriseError } from "@reprise/core";
import type { Command, Invocation } from "../host.ts";
import { outputOf } from "../output.ts";
import type { Plan } from "../plan/plan.ts";
import { planLines } from "../plan/plan-lines.ts";
import { inspectFile } from "../run/inspect-file.ts";
import { readImports, readNamespace, splitTarget } from "../run/run-arguments.ts";

/** `reprise plan`: what a run or a re-run would reuse and what it would execute, and why; nothing executes. */
export const plan: Command = async (invocation) => {
  const from = invocation.command.values["rerun-from"];
  if (typeof from !== "string") return planFile(invocation);
  const { planRerunFrom } = await import("../rerun/plan-rerun.ts");
  return planRerunFrom(invocation, from);
};

async function planFile({ host, json, home, command }: Invocation): Promise<number> {
  const { positionals, values, rest } = command;
  const { input } = values;
  const [target] = positionals;
  if (target === undefined) {
    throw new RepriseError(
      "USAGE",
      "plan: FILE is missing.\nUsage: reprise plan FILE[:func], or reprise plan --rerun-from RUN\nSee: reprise plan --help",
    );
  }
  const only = ["continue", "current", "file"].find((name) => values[name] !== undefined);
  if (only !== undefined) {
    throw new RepriseError("USAGE", `plan: --${only} is for re-runs: reprise plan --rerun-from RUN --${only}`);
  }
  const found = (await inspectFile(host, {
    what: "plan",
    ...splitTarget(target, host.cwd),
    input: { text: typeof input === "string" ? input : null, fields: rest },
    home: home ?? null,
    cacheNamespace: readNamespace(values["cache-namespace"], "plan"),
    imports: readImports(command),
  })) as Plan;
  const output = outputOf(host);
  if (json) output.json(found);
  else output.lines(planLines(found, output, { all: values["all"] === true, now: Date.now() }));
  return 0;
}
