import type * as Sqlite from "node:sqlite";
import { RepriseError } from "@reprise/core";

/**
 * Loads `node:sqlite` without the warning with which Node 22 would greet every user of every command: reprise has chosen
 * to build on it, and nobody who reads the warning can do anything about it. Other warnings go their way.
 *
 * Errors: `STORE_FAILED` if this Node has none, with the version that has.
 */
export function loadSqlite(): typeof Sqlite {
  // oxlint-disable-next-line typescript/unbound-method -- put back as it was
  const { emitWarning } = process;
  // Node warns while it loads the module, and only the first time; loading is synchronous, so nobody else is affected.
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (rest[0] === "ExperimentalWarning" && String(warning).startsWith("SQLite")) return;
    Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
  try {
    const sqlite = process.getBuiltinModule("node:sqlite") as typeof Sqlite | undefined;
    if (sqlite !== undefined) return sqlite;
  } finally {
    process.emitWarning = emitWarning;
  }
  throw new RepriseError(
    "STORE_FAILED",
    `reprise needs Node 22.13 or newer; this is Node ${process.versions.node} at ${process.execPath}, which has no SQLite. ` +
      `Install a newer Node, or one for this project alone: npm install --save-dev node, then npx node FILE.`,
  );
}
