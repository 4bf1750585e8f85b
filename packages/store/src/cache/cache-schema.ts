import type { Schema } from "../sqlite/connection.ts";

const tables = `
-- One row. The clock is the highest time ever written: one that jumps back makes no entry young again. Fences start at a
-- number that no other file has used, so that a lease of a file that was removed is no lease of the next one.
CREATE TABLE meta (
  key INTEGER PRIMARY KEY CHECK (key = 1),
  fence INTEGER NOT NULL,
  clock INTEGER NOT NULL
);
INSERT INTO meta VALUES (1, CAST(unixepoch('subsec') * 1000 AS INTEGER) * 1000, 0);

CREATE TABLE entries (
  key BLOB NOT NULL PRIMARY KEY,
  artifact BLOB NOT NULL,
  artifact_key INTEGER NOT NULL,
  origin_run TEXT NOT NULL,
  origin_root TEXT NOT NULL,
  func TEXT NOT NULL,
  namespace TEXT NOT NULL,
  version_kind TEXT NOT NULL,
  version TEXT NOT NULL,
  duration INTEGER NOT NULL,
  size INTEGER NOT NULL,
  rechecks INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  used_at INTEGER NOT NULL,
  hits INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX entries_by_func ON entries (func, created_at);

-- What keys were made of, also where nothing was stored.
CREATE TABLE key_records (
  key BLOB NOT NULL PRIMARY KEY,
  version TEXT NOT NULL,
  record TEXT NOT NULL,
  used_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE code (
  digest TEXT NOT NULL PRIMARY KEY,
  func TEXT NOT NULL,
  closure TEXT NOT NULL,
  used_at INTEGER NOT NULL
);

-- One row for each process that holds, or held, leases. It says itself after which silence it counts as gone.
CREATE TABLE owners (
  key INTEGER PRIMARY KEY AUTOINCREMENT,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  process_started_at INTEGER NOT NULL,
  heartbeat_at INTEGER NOT NULL,
  grace INTEGER NOT NULL
);

CREATE TABLE leases (
  key BLOB NOT NULL PRIMARY KEY,
  owner INTEGER NOT NULL REFERENCES owners (key),
  run_id TEXT NOT NULL,
  label TEXT NOT NULL,
  fence INTEGER NOT NULL,
  since INTEGER NOT NULL
) WITHOUT ROWID;

-- A run that waits for a key while its ancestors hold others; runs whose ancestors hold none are in nobody's way. A row
-- goes with the lease of held_key: what was said of one holder says nothing of the next.
CREATE TABLE waits (
  held_key BLOB NOT NULL,
  key BLOB NOT NULL,
  run_id TEXT NOT NULL,
  owner INTEGER NOT NULL REFERENCES owners (key),
  PRIMARY KEY (held_key, key, run_id)
) WITHOUT ROWID;
CREATE INDEX waits_by_run ON waits (run_id);
`;

/** The file of the cache. Losing its last entries in a power cut costs computing them again, and nothing else. */
export const cacheSchema: Schema = { migrations: [tables], synchronous: "NORMAL" };
