/** The tables as the query builder sees them; `migrations.ts` makes them and says what they hold. */

interface FuncTable {
  key: number;
  id: string;
  name: string;
  description: string | null;
  source: string | null;
  file: string | null;
  line: number | null;
}

interface ArtifactTable {
  key: number;
  digest: Uint8Array;
  type_name: string;
  type: string | null;
  size: number;
  summary: string | null;
  document_size: number;
  created_at: number;
  document: Uint8Array | null;
}

interface PipelineRunTable {
  key: number;
  uuid: Uint8Array;
  state: number;
  kind: string;
  func_id: string;
  name: string;
  tags: string | null;
  origin: string;
  git: string | null;
  code: Uint8Array | null;
  rerun: string | null;
  created_at: number;
  started_at: number | null;
  finished_at: number | null;
  reason: string | null;
  fence: number;
  driver: string | null;
  alive_at: number | null;
  runs: number;
  finished: number;
  failed: number;
  hits: number;
  saved: number;
}

interface RunTable {
  key: number;
  uuid: Uint8Array;
  root_key: number;
  parent_key: number | null;
  parent_attempt: number;
  awaited: number;
  func_key: number;
  kind: string;
  name: string | null;
  tags: string | null;
  position: number;
  options: string | null;
  created_at: number;
  state: number;
  attempt: number;
  scheduled_at: number | null;
  started_at: number | null;
  ran_at: number | null;
  finished_at: number | null;
  output_key: number | null;
  failure: string | null;
  reason: string | null;
  progress: string | null;
  cache_status: number | null;
  cache_key: Uint8Array | null;
  origin_run: Uint8Array | null;
  saved: number | null;
  cache_note: string | null;
}

interface EdgeTable {
  run_key: number;
  number: number;
  kind: string;
  argument: number;
  name: string;
  argument_path: string;
  source_key: number | null;
  source_path: string;
  artifact_key: number | null;
}

/** The schema for kysely. */
export interface Tables {
  meta: { key: number; indexed_artifact_key: number };
  funcs: FuncTable;
  artifacts: ArtifactTable;
  artifact_index: { digest: Uint8Array; artifact_key: number };
  artifact_blobs: { artifact_key: number; number: number; digest: Uint8Array; size: number };
  pipeline_runs: PipelineRunTable;
  runs: RunTable;
  edges: EdgeTable;
  attempts: { run_key: number; attempt: number; started_at: number | null; ended_at: number; failure: string };
  events: { key: number; root_key: number; run_key: number | null; time: number; kind: string; message: string };
  logs: {
    key: number;
    run_key: number;
    attempt: number;
    time: number;
    stream: string;
    level: string;
    text: string;
    data: string | null;
  };
  metrics: { key: number; run_key: number; time: number; name: string; type: string; value: number | null };
}
