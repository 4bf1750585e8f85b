import { ProcessPool } from "./process-pool.ts";
import { testExecutor } from "./testing/executor.testsuite.ts";

testExecutor("a pool of worker processes", (options) => {
  const pool = new ProcessPool(options);
  return Promise.resolve({
    executor: pool,
    lane: (limit) => ({ name: "standalone", limit }),
    close: () => pool[Symbol.asyncDispose](),
  });
});
