import { formatDuration, shortId } from "@reprise/core";
import type { CacheEntryDetails, Home } from "@reprise/store";
import { formatAge, shortKey, versionText } from "../cache/entry-texts.ts";
import { readCacheFilter } from "../cache/read-filter.ts";
import type { Command } from "../host.ts";
import { readLimit } from "../option-values.ts";
import { type Output, outputOf } from "../output.ts";
import { openStore } from "../store-access.ts";
import { tableLines } from "../values/table.ts";
import { formatBytes } from "../when.ts";

/** An entry with what the records still know of its artifact and of the run that computed it. */
interface ListedEntry extends CacheEntryDetails {
  /** Null if the artifact is gone: then the entry counts as missing. */
  readonly typeName: string | null;
  readonly originRunExists: boolean;
}

/** `reprise cache ls`: results that may be reused, newest first. */
export const cacheLs: Command = async (invocation) => {
  const { host, json, command } = invocation;
  const limit = readLimit("cache ls", command.values["limit"], 20);
  await using store = await openStore(invocation);
  const filter = await readCacheFilter(command, "cache ls", () => store.backend);
  const entries = await Promise.all((await store.cache.list(filter, limit)).map((entry) => listed(store, entry)));
  const output = outputOf(host);
  if (json) output.json({ entries });
  else if (entries.length > 0) output.lines(listLines(entries, Date.now(), output));
  else if (Object.keys(filter).length > 0) output.lines(["No entry fits."]);
  else output.lines([`No entries yet in ${store.cache.place}. Funcs with \`cache: true\` make them.`]);
  return 0;
};

async function listed({ backend }: Home, entry: CacheEntryDetails): Promise<ListedEntry> {
  const [stored, run] = await Promise.all([backend.getArtifact(entry.artifact), backend.getRun(entry.originRunId)]);
  return { ...entry, typeName: stored?.artifact.typeName ?? null, originRunExists: run !== undefined };
}

function listLines(entries: readonly ListedEntry[], now: number, { paint, width }: Output): string[] {
  const rows = entries.map((entry) => [
    shortKey(entry.key),
    entry.record.func,
    versionText(entry.record.version),
    entry.record.namespace,
    entry.typeName ?? paint("red", "gone"),
    formatBytes(entry.size),
    formatAge(entry.createdAt, now),
    String(entry.hits),
    entry.hits === 0 ? "" : formatDuration(entry.hits * entry.duration),
    entry.originRunExists ? shortId(entry.originRunId) : paint("dim", `${shortId(entry.originRunId)} deleted`),
  ]);
  const titles = ["key", "func", "version", "namespace", "result", "size", "age", "hits", "saved", "run"];
  const right = new Set(["size", "hits", "saved"]);
  const columns = titles.map((title) => ({ title, align: right.has(title) ? ("right" as const) : ("left" as const) }));
  return tableLines({ columns, rows }, width, paint);
}
