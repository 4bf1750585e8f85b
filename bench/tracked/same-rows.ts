// The limit of recording: a prepared loop that writes the rows that a tracked run has written, and knows nothing else.
import { DatabaseSync, type SQLInputValue, StatementSync } from "node:sqlite";
import { type Elapsed, startClock } from "../measure/stopwatch.ts";

/** The rows of one table, in the order of its key, and the statement that inserts one. */
interface TableRows {
  readonly insert: string;
  readonly rows: readonly (readonly SQLInputValue[])[];
}

/** What a database holds: enough to write it again. */
export interface Contents {
  readonly schema: readonly string[];
  readonly tables: readonly TableRows[];
}

// As the embedded store sets its connections; the ratio is only honest if the limit writes under the same conditions.
const settings =
  "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 8000; PRAGMA cache_size = -32768";

/** A fresh database with the schema of another. */
export function freshDatabase(path: string, { schema }: Contents): DatabaseSync {
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  database.exec(settings);
  for (const statement of schema) database.exec(statement);
  return database;
}

/** Reads everything that a database file holds. */
export function readContents(path: string): Contents {
  const database = new DatabaseSync(path, { readOnly: true });
  const objects = database
    .prepare("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'")
    .all() as unknown as readonly { readonly type: string; readonly name: string; readonly sql: string }[];
  const tables = objects
    .filter(({ type }) => type === "table")
    .map(({ name }) => {
      const select = database.prepare(`SELECT * FROM ${name}`);
      const columns = select.columns().map(() => "?");
      select.setReturnArrays(true);
      const rows = select.all() as unknown as readonly SQLInputValue[][];
      return { insert: `INSERT INTO ${name} VALUES (${columns.join(", ")})`, rows };
    });
  database.close();
  return { schema: objects.map(({ sql }) => sql), tables: tables.filter(({ rows }) => rows.length > 0) };
}

/** How many rows there are in all tables. */
export function countRows({ tables }: Contents): number {
  return tables.reduce((sum, { rows }) => sum + rows.length, 0);
}

/**
 * Writes all rows in `batches` transactions of equal shares of every table, and returns what they took. Each statement is prepared once.
 */
export function writeRows(database: DatabaseSync, { tables }: Contents, batches: number): Elapsed {
  const begin = database.prepare("BEGIN IMMEDIATE");
  const commit = database.prepare("COMMIT");
  const inserts = tables.map(({ insert, rows }) => ({ statement: database.prepare(insert), rows }));
  const clock = startClock();
  for (let batch = 0; batch < batches; batch += 1) {
    begin.run();
    for (const { statement, rows } of inserts) {
      const end = Math.floor(((batch + 1) * rows.length) / batches);
      for (let at = Math.floor((batch * rows.length) / batches); at < end; at += 1) {
        statement.run(...(rows[at] as SQLInputValue[]));
      }
    }
    commit.run();
  }
  return clock();
}

/** How many transactions this process commits while `work` is done, counted where the driver executes statements. */
export async function countCommits(work: () => Promise<unknown>): Promise<number> {
  const original = Object.getOwnPropertyDescriptor(StatementSync.prototype, "run") as PropertyDescriptor;
  let commits = 0;
  const counted = function (this: StatementSync, ...values: unknown[]): unknown {
    if (this.sourceSQL === "COMMIT") commits += 1;
    return Reflect.apply(original.value as () => unknown, this, values);
  };
  Object.defineProperty(StatementSync.prototype, "run", { ...original, value: counted });
  try {
    await work();
  } finally {
    Object.defineProperty(StatementSync.prototype, "run", original);
  }
  return commits;
}
