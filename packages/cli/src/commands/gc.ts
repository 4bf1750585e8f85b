import { collectGarbage, openHome } from "@reprise/store";
import type { Command } from "../host.ts";
import { readAge } from "../option-values.ts";
import { outputOf } from "../output.ts";
import { formatBytes } from "../when.ts";

/** `reprise gc`: removes what nothing needs. */
export const gc: Command = async ({ host, json, home, command }) => {
  const dryRun = command.values["dry-run"] === true;
  const olderThan = readAge("gc", "older-than", command.values["older-than"]);
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
