import { join } from "node:path";
import { temporaryFolder } from "../testing/processes.ts";
import { testCacheStore } from "./cache-store.testsuite.ts";
import { SqliteCacheStore } from "./sqlite-cache-store.ts";

testCacheStore("SqliteCacheStore", async () => {
  const path = join(await temporaryFolder(), "home", "cache.db");
  return {
    open: async (lease = {}) => new SqliteCacheStore(path, { lease }),
    expression: `new store.SqliteCacheStore(${JSON.stringify(path)}, { lease })`,
  };
});
