import { RepriseError } from "@reprise/core";
import { openHome } from "@reprise/store";
import { readCacheFilter } from "../cache/read-filter.ts";
import type { Command } from "../host.ts";
import { outputOf } from "../output.ts";
import { openStore } from "../store-access.ts";
import { formatBytes } from "../when.ts";

/** `reprise cache clear`: forgets results. */
export const cacheClear: Command = async (invocation) => {
  const { host, json, home, command } = invocation;
  const { values } = command;
  const dryRun = values["dry-run"] === true;
  checkIntent(
    filterNames.some((name) => values[name] !== undefined),
    values["all"] === true,
  );
  await using store = dryRun ? await openStore(invocation) : await openHome(home === undefined ? {} : { path: home });
  const filter = await readCacheFilter(command, "cache clear", () => store.backend);
  const { entries, bytes, keys } = await store.cache.clear(filter, { dryRun });
  const output = outputOf(host);
  if (json) output.json({ dryRun, entries, bytes, keys });
  else output.lines([clearedWords(entries, bytes, dryRun)]);
  return 0;
};

const filterNames = [
  "func",
  "version",
  "namespace",
  "run",
  "key",
  "older-than",
  "unused-for",
  "larger-than",
  "keep-bytes",
];

/** Everything must not go by mistake. */
function checkIntent(filtered: boolean, all: boolean): void {
  if (filtered && all) {
    throw new RepriseError("USAGE", "cache clear: --all is everything; leave it out, or leave out the filters.");
  }
  if (filtered || all) return;
  throw new RepriseError(
    "USAGE",
    `cache clear: say what to forget: ${filterNames.map((name) => `--${name}`).join(", ")}; or --all. --dry-run only tells.`,
  );
}

function clearedWords(entries: number, bytes: number, dryRun: boolean): string {
  if (entries === 0) return "No entry fits; nothing is forgotten.";
  const what = `${entries.toLocaleString("en-US")} ${entries === 1 ? "entry" : "entries"} of ${formatBytes(bytes)}`;
  return dryRun
    ? `Would forget ${what}.`
    : `Forgot ${what}. \`reprise gc\` frees the disk of what no run needs any more.`;
}
