import { createWriteStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { RepriseError, shortId } from "@reprise/core";
import type { Home } from "@reprise/store";
import type { Command, Host } from "../host.ts";
import { outputOf } from "../output.ts";
import { openStore, resolveArtifactOrRun } from "../store-access.ts";
import { isDirectory, isFile, readValuesFrom } from "../value-types.ts";
import { renderValue } from "../values/render-value.ts";
import { toJson } from "../values/to-json.ts";

/** `reprise artifact get ID`: the value itself. */
export const artifactGet: Command = async (invocation) => {
  const { host, json, command } = invocation;
  await using store = await openStore(invocation);
  const id = await findArtifact(store, command.positionals[0] ?? "");
  readValuesFrom(store);
  const { out } = command.values;
  const value = await store.artifacts.read(id);
  if (typeof out === "string") {
    const path = resolve(host.cwd, out);
    await writeOut(value, path);
    if (json) outputOf(host).json({ id, out: path });
    else host.stderr.write(`Written to ${path}\n`);
  } else if (json) {
    const stored = await store.backend.getArtifact(id);
    outputOf(host).json({ id, typeName: stored?.artifact.typeName, size: stored?.artifact.size, value: toJson(value) });
  } else if (command.values["raw"] === true) {
    await printRaw(host, value);
  } else {
    const output = outputOf(host);
    const maxLines = host.stdout.isTTY ? 500 : Number.POSITIVE_INFINITY;
    output.lines(renderValue(value, { colored: output.colored, paint: output.paint, width: output.width, maxLines }));
  }
  return 0;
};

/** The id of an artifact, or of a run, which stands for its output. */
async function findArtifact(store: Home, text: string): Promise<string> {
  const { artifactId, runId } = await resolveArtifactOrRun(store.backend, text);
  if (artifactId !== undefined) return artifactId;
  const run = await store.backend.getRun(runId);
  if (run?.output != null) return run.output;
  throw new RepriseError(
    "ARTIFACT_NOT_FOUND",
    `Run ${shortId(runId)} (${run?.name}) has no output: it is ${run?.state}. See: reprise show ${shortId(runId)}`,
  );
}

async function writeOut(value: unknown, path: string): Promise<void> {
  if (isDirectory(value)) await value.download(path);
  else if (isFile(value)) await pipeline(value.stream(), createWriteStream(path));
  else await writeFile(path, rawOf(value));
}

async function printRaw(host: Host, value: unknown): Promise<void> {
  if (isDirectory(value)) {
    throw new RepriseError("USAGE", "artifact get: a directory cannot be printed. Write it to a folder: --out FOLDER");
  }
  if (isFile(value)) await pipeline(value.stream(), host.stdout, { end: false });
  else host.stdout.write(rawOf(value));
}

/** Bytes and texts as they are; other values as JSON. */
function rawOf(value: unknown): string | Uint8Array {
  if (typeof value === "string" || value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return `${JSON.stringify(toJson(value), null, 2)}\n`;
}
