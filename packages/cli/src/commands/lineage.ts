import { RepriseError } from "@reprise/core";
import type { Command } from "../host.ts";
import { readLineage } from "../lineage/lineage.ts";
import { lineageLines } from "../lineage/lineage-lines.ts";
import { outputOf } from "../output.ts";
import { openStore, resolveArtifactOrRun } from "../store-access.ts";
import { readValuesFrom } from "../value-types.ts";

const defaultDepth = 10;
/** Steps shown of one run, and in one direction. */
const shown = { width: 12, steps: 100 };
/** As {@link shown}, for programs. */
const told = { width: 10_000, steps: 10_000 };

/** `reprise lineage ID`: what a value was made of, and what was made of it. */
export const lineage: Command = async (invocation) => {
  const { host, json, command } = invocation;
  const { positionals, values } = command;
  const depth = readDepth(values["depth"]);
  await using store = await openStore(invocation);
  const found = await resolveArtifactOrRun(store.backend, positionals[0] ?? "");
  readValuesFrom(store);
  const both = values["up"] === values["down"];
  const directions = { up: both || values["up"] === true, down: both || values["down"] === true };
  const report = await readLineage(store, found, { ...directions, depth, ...(json ? told : shown) });
  const output = outputOf(host);
  if (json) output.json(report);
  else output.lines(await lineageLines(store, report, output));
  return 0;
};

function readDepth(value: unknown): number {
  if (value === undefined) return defaultDepth;
  const depth = Number(value);
  if (Number.isInteger(depth) && depth > 0) return depth;
  throw new RepriseError("USAGE", `lineage: --depth must be a whole number from 1, not ${JSON.stringify(value)}.`);
}
