import { type Duration, parseDuration, RepriseError } from "@reprise/core";
import { collectGarbage, openHome } from "@reprise/store";
import type { Command } from "../host.ts";
import { outputOf } from "../output.ts";
import { formatBytes } from "../when.ts";

/** `reprise gc`: removes what nothing needs. */
export const gc: Command = async ({ host, json, home, command }) => {
  const dryRun = command.values["dry-run"] === true;
  const olderThan = readAge(command.values["older-than"]);
  await using store = await openHome(home === undefined ? {} : { path: home });
  const result = await collectGarbage({ home: store, dryRun, ...(olderThan === undefined ? {} : { olderThan }) });
  const output = outputOf(host);
  if (json) {
    output.json({ dryRun, ...result });
    return 0;
  }
  const counts = Object.entries(result).filter(([, value]) => typeof value === "number" && value > 0);
  const words = counts.map(([name, value]) => {
    const unit = name.replace(/([A-Z])/g, " $1").toLowerCase();
    return /bytes/i.test(name) ? formatBytes(value as number) : `${(value as number).toLocaleString("en-US")} ${unit}`;
  });
  const verb = dryRun ? "Would remove" : "Removed";
  output.lines([words.length === 0 ? "Nothing to remove." : `${verb} ${words.join(", ")}.`]);
  return 0;
};

function readAge(value: unknown): number | undefined {
  if (typeof value !== "string") return undefined;
  if (/^\d+$/.test(value)) throw new RepriseError("USAGE", `gc: --older-than needs a unit, e.g. ${value}d, ${value}h.`);
  try {
    return parseDuration(value as Duration, "--older-than");
  } catch (error) {
    throw new RepriseError("USAGE", `gc: ${(error as Error).message}`);
  }
}
