import { type LogLine, type Run, shortId } from "@reprise/core";
import type { Command } from "../host.ts";
import { outputOf } from "../output.ts";
import { openStore, resolveRun } from "../store-access.ts";
import { tameLine } from "../terminal/text-width.ts";
import { formatDate } from "../when.ts";

/** `reprise logs RUN`: what bodies wrote, oldest first. */
export const logs: Command = async (invocation) => {
  const { host, json, command } = invocation;
  await using store = await openStore(invocation);
  const { backend } = store;
  const id = await resolveRun(backend, command.positionals[0] ?? "");
  const run = await backend.getRun(id);
  const nested = command.values["nested"] === true || run?.rootId === id;
  const lines = await backend.logsOf(id, { nested });
  const output = outputOf(host);
  if (json) {
    for (const line of lines) host.stdout.write(`${JSON.stringify(line)}\n`);
    return 0;
  }
  const names = nested && run !== undefined ? await namesOf(backend.listRuns(run.rootId)) : undefined;
  const severe = (line: LogLine) => line.level === "error" || line.stream === "stderr";
  output.lines(
    lines.flatMap((line) => {
      const who = names === undefined ? "" : `${output.paint("cyan", names.get(line.runId) ?? shortId(line.runId))} `;
      const bar = output.paint(severe(line) ? "red" : "dim", "│");
      const data =
        line.data === null || line.data === undefined ? "" : ` ${output.paint("dim", JSON.stringify(line.data))}`;
      const time = output.paint("dim", formatDate(line.time).slice(11));
      return line.text.split("\n").map((text) => `${time} ${who}${bar} ${tameLine(text, output.colored)}${data}`);
    }),
  );
  const origin = run?.cache.originRunId ?? null;
  if (lines.length === 0 && origin !== null)
    host.stderr.write(`Run ${shortId(id)} wrote nothing: its result was reused. See reprise logs ${shortId(origin)}\n`);
  else if (lines.length === 0)
    host.stderr.write(`Run ${shortId(id)} wrote nothing.${nested ? "" : " --nested also shows the runs below it."}\n`);
  return 0;
};

/** Names of runs; with the id behind it where several have the same. */
async function namesOf(listing: Promise<readonly Run[]>): Promise<Map<string, string>> {
  const runs = await listing;
  const counts = new Map<string, number>();
  for (const { name } of runs) counts.set(name, (counts.get(name) ?? 0) + 1);
  return new Map(runs.map(({ id, name }) => [id, counts.get(name) === 1 ? name : `${name}#${shortId(id)}`]));
}
