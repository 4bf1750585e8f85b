import type { WorkerProcessOptions } from "../worker-process.ts";

/** The worker of the tests: see `odd-worker.ts`. */
const oddWorker = new URL("odd-worker.ts", import.meta.url);

/** Options of a process that executes it, and tells nobody anything. */
export function oddOptions(
  changes: Partial<WorkerProcessOptions> & { readonly memory?: number },
): WorkerProcessOptions {
  const { memory = null, ...options } = changes;
  return {
    hello: {
      type: "hello",
      protocol: 1,
      home: "/nowhere",
      program: { kind: "files", files: [] },
      actor: null,
      heartbeat: 1_000,
      memory,
    },
    execArgv: [],
    cwd: process.cwd(),
    env: process.env,
    heard: () => undefined,
    output: () => undefined,
    ended: () => undefined,
    entry: oddWorker,
    ...options,
  };
}
