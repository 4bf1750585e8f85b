import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { testBackend } from "../backend.testsuite.ts";
import { temporaryFolder } from "../testing/processes.ts";
import { SqliteBackend } from "./sqlite-backend.ts";

testBackend("SqliteBackend", async () => {
  const path = join(await temporaryFolder(), "home", "reprise.db");
  return {
    open: async (lease) => SqliteBackend.open(path, lease === undefined ? {} : { lease }),
    expression: `store.SqliteBackend.open(${JSON.stringify(path)}, typeof lease === "undefined" ? {} : { lease })`,
    makeNewer: async () => {
      const database = new DatabaseSync(path);
      database.exec("PRAGMA user_version = 1000");
      database.close();
    },
  };
});
