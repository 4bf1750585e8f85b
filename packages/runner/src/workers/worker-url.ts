import { readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { processVariable } from "./bundled-process.ts";

/** A process of the library's own. */
export type OwnProcess = "worker" | "supervisor";

const sources: Readonly<Record<OwnProcess, string>> = {
  worker: "./worker.ts",
  supervisor: "../actors/supervisor.ts",
};

/** This file; where the program was bundled to CommonJS there is no URL, but a name. */
const here = ((import.meta.url as string | undefined) ?? pathToFileURL(scriptPath()).href).replace(/[?#].*$/, "");

/**
 * The file that a process of the library's own executes. Where the library is part of the bundle of somebody's program, that
 * is the bundle: then the process needs {@link processEnv}, too.
 */
export function processUrl(kind: OwnProcess): URL {
  if (here.endsWith(".ts")) return new URL(sources[kind], here);
  return new URL(isBundled() ? here : `./${kind}.js`, here);
}

/** Environment variables that such a process is started with, besides those of whoever starts it. */
export function processEnv(kind: OwnProcess): Readonly<Record<string, string>> {
  return isBundled() ? { [processVariable]: kind } : {};
}

let bundled: boolean | undefined;

/** Whether the library is part of a bundle of somebody's program. */
export function isBundled(): boolean {
  bundled ??= !here.endsWith(".ts") && !isInstalled();
  return bundled;
}

function isInstalled(): boolean {
  if (!here.startsWith("file:") || basename(dirname(fileURLToPath(here))) !== "dist") return false;
  try {
    const { name } = JSON.parse(readFileSync(new URL("../package.json", here), "utf8")) as { name?: unknown };
    return name === "reprise";
  } catch {
    return false;
  }
}

function scriptPath(): string {
  return typeof __filename === "string" ? __filename : (process.argv[1] ?? process.execPath);
}
