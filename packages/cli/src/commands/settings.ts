import { createInterface } from "node:readline/promises";
import { text as readAll } from "node:stream/consumers";
import { Writable } from "node:stream";
import { RepriseError } from "@reprise/core";
import type { Command, Host } from "../host.ts";
import { outputOf } from "../output.ts";
import { tableLines } from "../values/table.ts";
import { openSettings } from "./open-settings.ts";

/** `reprise settings list`: every known setting; secrets are masked. */
export const settingsList: Command = async ({ host, json, home }) => {
  const settings = await openSettings(home);
  const entries = await settings.list();
  const output = outputOf(host);
  if (json) {
    output.json({ settings: entries });
    return 0;
  }
  const rows = entries.map((entry) => [entry.key, entry.value ?? output.paint("dim", "not set"), entry.description]);
  const columns = ["setting", "value", "meaning"].map((title) => ({ title, align: "left" as const }));
  output.lines(tableLines({ columns, rows }, output.width, output.paint, output.width));
  return 0;
};

/** `reprise settings get KEY`. */
export const settingsGet: Command = async ({ host, json, home, command }) => {
  const key = command.positionals[0] ?? "";
  const settings = await openSettings(home);
  const value = await settings.get(key);
  if (json) outputOf(host).json({ key, value: value ?? null });
  else if (value !== undefined) host.stdout.write(`${value}\n`);
  else host.stderr.write(`${key} is not set. To set it: reprise settings set ${key} VALUE\n`);
  return value === undefined ? 4 : 0;
};

/** `reprise settings set KEY [VALUE]`. */
export const settingsSet: Command = async ({ host, json, home, command }) => {
  const [key = "", given] = command.positionals;
  const settings = await openSettings(home);
  // An unknown key is told before anybody types a secret.
  await settings.get(key);
  const value = given ?? (await readValue(host, key));
  if (value === "")
    throw new RepriseError(
      "USAGE",
      `settings set: the value of ${key} is empty. To remove it: reprise settings delete ${key}`,
    );
  await settings.set(key, value);
  if (json) outputOf(host).json({ key, set: true });
  else host.stderr.write(`${key} is set.\n`);
  return 0;
};

/** `reprise settings delete KEY`. */
export const settingsDelete: Command = async ({ host, json, home, command }) => {
  const key = command.positionals[0] ?? "";
  const settings = await openSettings(home);
  const deleted = await settings.delete(key);
  if (json) outputOf(host).json({ key, deleted });
  else host.stderr.write(deleted ? `${key} is deleted.\n` : `${key} was not set.\n`);
  return 0;
};

/** The value from standard input: typed without echo in a terminal, else all that the pipe brings, less its last newline. */
async function readValue(host: Host, key: string): Promise<string> {
  if (!host.stdin.isTTY) return (await readAll(host.stdin)).replace(/\r?\n$/, "");
  host.stderr.write(`Value of ${key} (not shown): `);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const prompt = createInterface({ input: host.stdin, output: silent, terminal: true });
  try {
    return await prompt.question("");
  } finally {
    prompt.close();
    host.stderr.write("\n");
  }
}
