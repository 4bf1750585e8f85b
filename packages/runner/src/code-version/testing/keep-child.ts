// Keeps programs and says what came of it: a home, then entry files. Each is imported first, as it is when it executes.
import { pathToFileURL } from "node:url";
import { openHome } from "@reprise/store";
import { RepriseError } from "@reprise/core";
import { callOf, definedFuncs, keepProgram, LocalRunner } from "../../index.ts";
import type { KeepReport } from "./kept-programs.ts";

const [path = "", input = "[]", ...entries] = process.argv.slice(2);
await using home = await openHome({ path });
const reports: KeepReport[] = [];
for (const entry of entries) {
  await import(pathToFileURL(entry).href);
  const before = performance.now();
  let report: KeepReport;
  try {
    report = { ...(await keepProgram(home, entry)), ms: performance.now() - before };
  } catch (error) {
    if (!RepriseError.is(error)) throw error;
    report = { code: error.code, message: error.message, ms: performance.now() - before };
  }
  const root = definedFuncs().get("pipeline");
  if (root !== undefined && input !== "") {
    await using runner = new LocalRunner({ home: path });
    report = { ...report, result: await runner.run(callOf(root, JSON.parse(input) as unknown[])) };
  }
  reports.push(report);
}
process.stdout.write(`\n${JSON.stringify(reports)}`);
