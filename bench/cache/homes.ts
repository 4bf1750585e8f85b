import { cp } from "node:fs/promises";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { func, type Future, LocalRunner } from "reprise";
import { type Elapsed, startClock } from "../measure/stopwatch.ts";
import { TemporaryFolder } from "../temporary-folder.ts";
import { countCommits } from "../tracked/same-rows.ts";

/** Opens the store, and executes once what every pipeline run executes. */
const first = func("cache-homes.first", () => 0);

/** The time of one pipeline run in `home`; opening the store is not timed. */
async function timeRun(home: string, start: () => Future<unknown>): Promise<Elapsed> {
  await using runner = new LocalRunner({ home });
  await runner.run(first());
  const clock = startClock();
  await runner.run(start());
  return clock();
}

/** A home in which pipelines have run. Everything that is measured happens in copies. */
export class FilledHome implements AsyncDisposable {
  readonly #folder: TemporaryFolder;

  private constructor(folder: TemporaryFolder) {
    this.#folder = folder;
  }

  /** Runs what each of `starts` calls, one after the other, in a fresh home. */
  static async make(...starts: readonly (() => Future<unknown>)[]): Promise<FilledHome> {
    const folder = await TemporaryFolder.make();
    await using runner = new LocalRunner({ home: folder.path });
    await runner.run(first());
    for (const start of starts) await runner.run(start());
    return new FilledHome(folder);
  }

  /** Adds to it, before it is copied. */
  async change(add: (path: string) => Promise<void>): Promise<void> {
    await add(this.#folder.path);
  }

  /** Does something with a copy of its files, and removes the copy. */
  async withCopy<T>(use: (path: string) => T | Promise<T>): Promise<T> {
    await using copy = await TemporaryFolder.make();
    await cp(this.#folder.path, copy.path, { recursive: true });
    return await use(copy.path);
  }

  /** The time of one pipeline run in a copy of it. */
  time(start: () => Future<unknown>): Promise<Elapsed> {
    return this.withCopy((path) => timeRun(path, start));
  }

  /** What a pipeline run in a copy of it adds, and in how many commits. */
  added(start: () => Future<unknown>): Promise<Added> {
    return this.addedBy((path) => timeRun(path, start));
  }

  /** What `run` adds to a copy of it, and in how many commits. */
  addedBy(run: (path: string) => Promise<unknown>): Promise<Added> {
    return this.withCopy(async (path) => {
      const before = openAt(path, "reprise.db");
      const floors = tables.map((table) => highestKey(before, table));
      before.close();
      const commits = await countCommits(() => run(path));
      const database = openAt(path, "reprise.db");
      const rows = tables.map((table, at) => rowsAbove(database, table, floors[at] ?? 0));
      database.close();
      return { commits, rows };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]();
  }
}

interface Table {
  readonly name: string;
  readonly key: string;
}

const tables: readonly Table[] = [
  { name: "funcs", key: "key" },
  { name: "artifacts", key: "key" },
  { name: "pipeline_runs", key: "key" },
  { name: "runs", key: "key" },
  { name: "edges", key: "run_key" },
];

/** The rows that a pipeline run has written, by table. */
export interface Added {
  readonly commits: number;
  readonly rows: readonly { readonly insert: string; readonly rows: readonly (readonly SQLInputValue[])[] }[];
}

// As the stores set their connections; the ratio is only honest if the limit works under the same conditions.
const settings = "PRAGMA wal_autocheckpoint = 8000; PRAGMA cache_size = -32768; PRAGMA synchronous = ";

function openAt(path: string, name: "reprise.db" | "cache.db"): DatabaseSync {
  const database = new DatabaseSync(`${path}/${name}`, { enableForeignKeyConstraints: false });
  database.exec(settings + (name === "cache.db" ? "NORMAL" : "FULL"));
  return database;
}

function highestKey(database: DatabaseSync, { name, key }: Table): number {
  return (database.prepare(`SELECT coalesce(max(${key}), 0) AS key FROM ${name}`).get() as { key: number }).key;
}

function rowsAbove(database: DatabaseSync, { name, key }: Table, floor: number): Added["rows"][number] {
  const select = database.prepare(`SELECT * FROM ${name} WHERE ${key} > ?`);
  const insert = `INSERT INTO ${name} VALUES (${select
    .columns()
    .map(() => "?")
    .join(", ")})`;
  select.setReturnArrays(true);
  return { insert, rows: select.all(floor) as unknown as SQLInputValue[][] };
}

function allKeys(cache: DatabaseSync): readonly Uint8Array[] {
  const rows = cache.prepare("SELECT key FROM entries").all() as unknown as readonly { key: Uint8Array }[];
  return rows.map(({ key }) => key);
}

const selectEntry = `SELECT key, artifact, artifact_key, origin_run, origin_root, duration, size, created_at, rechecks
  FROM entries WHERE key = ?`;

/** Selects every entry of a cache by its key, and nothing else. */
export function selectEntries(path: string): Elapsed {
  const cache = openAt(path, "cache.db");
  try {
    const keys = allKeys(cache);
    const select = cache.prepare(selectEntry);
    select.get(keys[0] as Uint8Array);
    const clock = startClock();
    for (const key of keys) select.get(key);
    return clock();
  } finally {
    cache.close();
  }
}

/** Prepares to write rows that a pipeline run has written, each once, in as many transactions. */
function prepareWrites(records: DatabaseSync, { commits, rows: added }: Added): () => void {
  const inserts = added.map(({ insert, rows }) => ({ statement: records.prepare(insert), rows }));
  return () => {
    for (let batch = 0; batch < commits; batch += 1) {
      records.exec("BEGIN IMMEDIATE");
      for (const { statement, rows } of inserts) {
        const end = Math.floor(((batch + 1) * rows.length) / commits);
        for (let at = Math.floor((batch * rows.length) / commits); at < end; at += 1) {
          statement.run(...(rows[at] as readonly SQLInputValue[]));
        }
      }
      records.exec("COMMIT");
    }
  };
}

/** Writes the rows that a pipeline run has written. */
export function writeAdded(path: string, added: Added): Elapsed {
  const records = openAt(path, "reprise.db");
  try {
    const write = prepareWrites(records, added);
    const clock = startClock();
    write();
    return clock();
  } finally {
    records.close();
  }
}

/** For every entry of a cache: selects it and its artifact, and writes its share of the rows that a pipeline run has written. */
export function selectAndWrite(path: string, added: Added): Elapsed {
  const [cache, records] = [openAt(path, "cache.db"), openAt(path, "reprise.db")];
  try {
    const keys = allKeys(cache);
    const entry = cache.prepare(selectEntry);
    const artifact = records.prepare("SELECT * FROM artifacts WHERE key = ?");
    const write = prepareWrites(records, added);
    const clock = startClock();
    for (const key of keys) artifact.get((entry.get(key) as { artifact_key: number }).artifact_key);
    write();
    return clock();
  } finally {
    cache.close();
    records.close();
  }
}
