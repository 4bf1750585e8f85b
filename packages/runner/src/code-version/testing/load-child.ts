// Loads a kept program and executes its func "pipeline": a home, a digest, arguments in JSON (none: only load it).
import nodeModule from "node:module";
import { RepriseError } from "@reprise/core";
import { openHome } from "@reprise/store";
import { funcRecord } from "../../func-definition.ts";
import { callOf, definedFuncs, loadKeptProgram, LocalRunner } from "../../index.ts";
import type { LoadReport } from "./kept-programs.ts";

const [path = "", digest = "", input = ""] = process.argv.slice(2);
// As Node before 22.15.
if (process.env["NO_REGISTER_HOOKS"] === "1") Object.assign(nodeModule, { registerHooks: undefined });
nodeModule.syncBuiltinESMExports();

async function load(): Promise<LoadReport> {
  await using home = await openHome({ path });
  const kept = await home.code.find(digest);
  if (kept === undefined) return { code: "nothing", funcs: [] };
  try {
    await loadKeptProgram(kept);
  } catch (error) {
    if (!RepriseError.is(error)) throw error;
    return { code: error.code, message: error.message, funcs: [] };
  }
  const funcs = Array.from(definedFuncs().values(), (definition) => ({
    place: definition.place,
    record: funcRecord(definition),
  }));
  const root = definedFuncs().get("pipeline");
  if (root === undefined || input === "") return { funcs };
  await using runner = new LocalRunner({ home: path });
  try {
    const handle = await runner.submit(callOf(root, JSON.parse(input) as unknown[]));
    const result = await handle.result();
    const runs = await home.backend.listRuns(handle.id);
    return { funcs, result, cache: Object.fromEntries(runs.map(({ func, cache }) => [func.id, cache?.status ?? ""])) };
  } catch (error) {
    const { cause } = (error as Error).cause as Error;
    return { funcs, stack: (cause as Error).stack ?? "" };
  }
}

process.stdout.write(`\n${JSON.stringify(await load())}`);
// What a program left open does not keep the process.
process.exit(0);
