// Imports programs and says what the code digests of their funcs are: one argument for each program, an entry file.
import { pathToFileURL } from "node:url";
import { CodeDigests, definitionOf } from "../../index.ts";

const registry = (globalThis as Record<symbol, unknown>)[Symbol.for("reprise.funcs")] as Map<string, unknown>;

const reports: unknown[] = [];
for (const entry of process.argv.slice(2)) {
  // Each program has its own funcs, of the same names.
  registry.clear();
  const digests = new CodeDigests();
  const report: Record<string, unknown> = {};
  for (const value of Object.values((await import(pathToFileURL(entry).href)) as Record<string, unknown>)) {
    const definition = definitionOf(value);
    if (definition === undefined) continue;
    const body = await digests.bodyDigest(definition);
    report[definition.id] = { ...(await digests.digestOf(definition)), body: body.digest };
  }
  reports.push(report);
}
process.stdout.write(JSON.stringify(reports));
