import { RepriseError } from "@reprise/core";
import type { Backend, CacheFilter } from "@reprise/store";
import type { ParsedCommand } from "../command-spec.ts";
import { readAge, readSize } from "../option-values.ts";
import { resolveRun } from "../store-access.ts";

/**
 * Which entries a command names; empty if it names none.
 *
 * @throws RepriseError `USAGE` naming the option; `RUN_NOT_FOUND`.
 */
export async function readCacheFilter(
  { values }: ParsedCommand,
  command: string,
  backend: () => Backend,
): Promise<CacheFilter> {
  const text = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  const run = text("run");
  const filter = {
    func: text("func"),
    version: text("version"),
    namespace: text("namespace"),
    runId: run === undefined ? undefined : await runNamed(backend(), run),
    key: readKey(command, text("key")),
    olderThan: readAge(command, "older-than", values["older-than"]),
    unusedFor: readAge(command, "unused-for", values["unused-for"]),
    largerThan: readSize(command, "larger-than", values["larger-than"]),
    keepBytes: readSize(command, "keep-bytes", values["keep-bytes"]),
  };
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}

/** The results of a run that was removed may still be there, so its whole id is taken as it is. */
async function runNamed(backend: Backend, text: string): Promise<string> {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text)
    ? text.toLowerCase()
    : resolveRun(backend, text);
}

function readKey(command: string, key: string | undefined): string | undefined {
  if (key === undefined || /^[0-9a-f]{4,64}$/i.test(key)) return key?.toLowerCase();
  throw new RepriseError(
    "USAGE",
    `${command}: --key: "${key}" is no key. Give at least four of its first digits, as \`reprise cache ls\` shows them.`,
  );
}
