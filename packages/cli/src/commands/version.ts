import { readFileSync } from "node:fs";
import type { Command } from "../host.ts";

/** `reprise version`. */
export const version: Command = async ({ host, json }) => {
  const { version } = JSON.parse(readFileSync(host.packageFile, "utf8")) as { version: string };
  const text = json
    ? JSON.stringify({ version, node: process.versions.node, platform: `${process.platform}-${process.arch}` })
    : version;
  host.stdout.write(`${text}\n`);
  return 0;
};
