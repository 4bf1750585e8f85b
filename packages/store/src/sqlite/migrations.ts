/**
 * The schema, as numbered steps that only go forward. A step that has been released never changes; what is to be
 * different comes as a new step.
 *
 * Rules of the schema: identities that people see (16-byte UUIDv7, 32-byte SHA-256) stand once, in the table that owns
 * them; everything else refers to integer keys. States are numbers (positions in `runStates`, `pipelineStates`). Times
 * are milliseconds since 1970 UTC. Indexes are few, and all of them grow at their end, save `artifact_index`.
 */

const tables = `
-- One row. Keys below the floors were in use once and must not come again; the epoch grows with every removal of
-- artifacts, so that keys remembered by other processes are known to be stale; artifacts above indexed_artifact_key are
-- not in artifact_index yet.
CREATE TABLE meta (
  key INTEGER PRIMARY KEY CHECK (key = 1),
  epoch INTEGER NOT NULL,
  run_floor INTEGER NOT NULL,
  artifact_floor INTEGER NOT NULL,
  indexed_artifact_key INTEGER NOT NULL,
  indexed_artifacts INTEGER NOT NULL
);
INSERT INTO meta VALUES (1, 0, 0, 0, 0, 0);

CREATE TABLE funcs (
  key INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  source TEXT,
  file TEXT,
  line INTEGER
);

CREATE TABLE artifacts (
  key INTEGER PRIMARY KEY,
  digest BLOB NOT NULL,
  type_name TEXT NOT NULL,
  type TEXT,
  size INTEGER NOT NULL,
  summary TEXT,
  document_size INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  document BLOB
);
CREATE TABLE artifact_index (digest BLOB NOT NULL PRIMARY KEY, artifact_key INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE artifact_blobs (
  artifact_key INTEGER NOT NULL REFERENCES artifacts (key),
  number INTEGER NOT NULL,
  digest BLOB NOT NULL,
  size INTEGER NOT NULL,
  PRIMARY KEY (artifact_key, number)
) WITHOUT ROWID;

-- The key is that of the root run. Who holds the fence drives it; the others may not write. The five counts are kept by whoever writes runs.
CREATE TABLE pipeline_runs (
  key INTEGER PRIMARY KEY,
  uuid BLOB NOT NULL UNIQUE,
  state INTEGER NOT NULL,
  kind TEXT NOT NULL,
  func_id TEXT NOT NULL,
  name TEXT NOT NULL,
  tags TEXT,
  origin TEXT NOT NULL,
  git TEXT,
  code BLOB,
  rerun TEXT,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  finished_at INTEGER,
  reason TEXT,
  fence INTEGER NOT NULL DEFAULT 0,
  driver TEXT,
  alive_at INTEGER,
  runs INTEGER NOT NULL DEFAULT 0,
  finished INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  hits INTEGER NOT NULL DEFAULT 0,
  saved INTEGER NOT NULL DEFAULT 0
);

-- The cache's columns are all null for a run for which it was not asked. origin_run is an id and no key, because that run
-- may be gone or in another database.
CREATE TABLE runs (
  key INTEGER PRIMARY KEY,
  uuid BLOB NOT NULL UNIQUE,
  root_key INTEGER NOT NULL REFERENCES pipeline_runs (key),
  parent_key INTEGER REFERENCES runs (key),
  parent_attempt INTEGER NOT NULL,
  awaited INTEGER NOT NULL,
  func_key INTEGER NOT NULL REFERENCES funcs (key),
  kind TEXT NOT NULL,
  name TEXT,
  tags TEXT,
  position INTEGER NOT NULL,
  options TEXT,
  created_at INTEGER NOT NULL,
  state INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  scheduled_at INTEGER,
  started_at INTEGER,
  ran_at INTEGER,
  finished_at INTEGER,
  output_key INTEGER REFERENCES artifacts (key),
  failure TEXT,
  reason TEXT,
  progress TEXT,
  cache_status INTEGER,
  cache_key BLOB,
  origin_run BLOB,
  saved INTEGER,
  cache_note TEXT
);
CREATE INDEX runs_by_root ON runs (root_key);

CREATE TABLE edges (
  run_key INTEGER NOT NULL REFERENCES runs (key),
  number INTEGER NOT NULL,
  kind TEXT NOT NULL,
  argument INTEGER NOT NULL,
  name TEXT NOT NULL,
  argument_path TEXT NOT NULL,
  source_key INTEGER REFERENCES runs (key),
  source_path TEXT NOT NULL,
  artifact_key INTEGER REFERENCES artifacts (key),
  PRIMARY KEY (run_key, number)
) WITHOUT ROWID;

CREATE TABLE attempts (
  run_key INTEGER NOT NULL REFERENCES runs (key),
  attempt INTEGER NOT NULL,
  started_at INTEGER,
  ended_at INTEGER NOT NULL,
  failure TEXT NOT NULL,
  PRIMARY KEY (run_key, attempt)
) WITHOUT ROWID;

CREATE TABLE events (
  key INTEGER PRIMARY KEY AUTOINCREMENT,
  root_key INTEGER NOT NULL REFERENCES pipeline_runs (key),
  run_key INTEGER REFERENCES runs (key),
  time INTEGER NOT NULL,
  kind TEXT NOT NULL,
  message TEXT NOT NULL
);
CREATE INDEX events_by_root ON events (root_key);

CREATE TABLE logs (
  key INTEGER PRIMARY KEY,
  run_key INTEGER NOT NULL REFERENCES runs (key),
  attempt INTEGER NOT NULL,
  time INTEGER NOT NULL,
  stream TEXT NOT NULL,
  level TEXT NOT NULL,
  text TEXT NOT NULL,
  data TEXT
);
CREATE INDEX logs_by_run ON logs (run_key);

CREATE TABLE metrics (
  key INTEGER PRIMARY KEY,
  run_key INTEGER NOT NULL REFERENCES runs (key),
  time INTEGER NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  value REAL
);
CREATE INDEX metrics_by_run ON metrics (run_key);
`;

/** Step `n` of the schema is at position `n - 1`. */
export const migrations: readonly string[] = [tables];

/** The version of the schema that this release writes and reads. */
export const schemaVersion = migrations.length;
