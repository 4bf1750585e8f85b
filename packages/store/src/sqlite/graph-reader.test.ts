import { join } from "node:path";
import { expect, test } from "vitest";
import { artifactOf, batch, idOf, rootWrite, runWrite, startPipeline } from "../testing/batches.ts";
import { runNode, storeIndex, temporaryFolder } from "../testing/processes.ts";
import { SqliteBackend } from "./sqlite-backend.ts";

test("a graph is read just so where SQLite gives rows as objects alone, as in the first releases of Node with it", async () => {
  const path = join(await temporaryFolder(), "reprise.db");
  await using backend = SqliteBackend.open(path);
  const root = await startPipeline(backend);
  const [output, constant] = [artifactOf(backend, "output"), artifactOf(backend, "constant")];
  const run = runWrite(root, { state: "RESOLVED", output: output.ref, tags: ["a"], options: { timeout: "5m" } });
  const plain = { kind: "data", argument: 0, name: "x", argumentPath: "", sourcePath: "" } as const;
  const edges = [
    { ...plain, run: run.ref, source: null, artifact: constant.ref },
    { ...plain, run: root, source: run.ref, artifact: output.ref },
  ];
  backend.commit(batch({ artifacts: [output, constant], runs: [run, rootWrite(root)], edges }));
  const { code, stdout, stderr } = await runNode(`
    import { StatementSync } from "node:sqlite";
    import { SqliteBackend } from ${JSON.stringify(storeIndex)};
    delete StatementSync.prototype.setReturnArrays;
    await using backend = SqliteBackend.open(${JSON.stringify(path)});
    console.log(JSON.stringify(backend.readGraph(${JSON.stringify(idOf(root))})));`);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const graph = backend.readGraph(idOf(root));
  expect(graph?.runs).toHaveLength(2);
  expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(graph)));
});
