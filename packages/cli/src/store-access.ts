import { RepriseError } from "@reprise/core";
import { type Backend, type Home, openHomeForReading } from "@reprise/store";
import type { Invocation } from "./host.ts";

/** Opens the store of a command for reading; it creates nothing. */
export function openStore({ home }: Pick<Invocation, "home">): Promise<Home> {
  return openHomeForReading(home === undefined ? {} : { path: home });
}

const maxCandidates = 10;

/**
 * The full id of the run that a shortened one names: the whole id, its beginning or its last digits, or `latest`. Of
 * several, a pipeline run goes before the runs in it.
 *
 * @throws RepriseError `RUN_NOT_FOUND`; `USAGE` that lists the candidates if there are several.
 */
export async function resolveRun(backend: Backend, text: string): Promise<string> {
  if (text === "latest") {
    const [latest] = await backend.listPipelineRuns({ limit: 1 });
    if (latest === undefined) throw notFound(backend, "There are no pipeline runs yet");
    return latest.id;
  }
  const part = text.replace(/^.*#/, "").toLowerCase();
  if (!/^[0-9a-f-]{4,36}$/.test(part)) {
    throw new RepriseError(
      "USAGE",
      `"${text}" is no id of a run. Give at least four of its digits, as \`reprise ls\` shows them, or "latest".`,
    );
  }
  const found = await backend.findRuns(part, maxCandidates);
  if (found.length > 1) {
    const roots = await onlyRoots(backend, found);
    if (roots.length === 1) return roots[0] as string;
    throw await ambiguous(backend, text, found);
  }
  const [only] = found;
  if (only === undefined) throw notFound(backend, `There is no run whose id begins or ends with "${part}"`);
  return only;
}

/**
 * The full id of the artifact that a shortened one names.
 *
 * @throws RepriseError `USAGE` that lists the candidates if there are several.
 */
async function resolveArtifact(backend: Backend, text: string): Promise<string | undefined> {
  if (!/^[0-9a-f]{4,64}$/i.test(text)) return undefined;
  const found = await backend.findArtifacts(text.toLowerCase(), maxCandidates);
  if (found.length <= 1) return found[0];
  throw new RepriseError(
    "USAGE",
    `"${text}" is short for several artifacts. Give more digits:\n${found.map((id) => `  ${id}`).join("\n")}`,
  );
}

/** What an id names. */
export type ArtifactOrRun =
  | { readonly artifactId: string; readonly runId?: undefined }
  | { readonly artifactId?: undefined; readonly runId: string };

/**
 * The full id of the artifact or of the run that a shortened one names.
 *
 * @throws RepriseError `ARTIFACT_NOT_FOUND`; `USAGE` that lists the candidates if there are several.
 */
export async function resolveArtifactOrRun(backend: Backend, text: string): Promise<ArtifactOrRun> {
  const artifactId = await resolveArtifact(backend, text);
  if (artifactId !== undefined && text.length > 8) return { artifactId };
  let runId: string;
  try {
    runId = await resolveRun(backend, text);
  } catch (error) {
    if (artifactId !== undefined) return { artifactId };
    if (!RepriseError.is(error, "RUN_NOT_FOUND") && !/^[0-9a-f]{37,64}$/i.test(text)) throw error;
    throw new RepriseError(
      "ARTIFACT_NOT_FOUND",
      `There is no artifact and no run "${text}" in ${backend.place}. \`reprise show RUN\` names a run's artifacts.`,
    );
  }
  if (artifactId === undefined) return { runId };
  throw new RepriseError(
    "USAGE",
    `"${text}" is short for a run and for an artifact. Give more digits:\n  run ${runId}\n  artifact ${artifactId}`,
  );
}

async function onlyRoots(backend: Backend, ids: readonly string[]): Promise<string[]> {
  const roots: string[] = [];
  for (const id of ids) {
    if ((await backend.getPipelineRun(id)) !== undefined) roots.push(id);
  }
  return roots;
}

async function ambiguous(backend: Backend, text: string, ids: readonly string[]): Promise<RepriseError> {
  const lines: string[] = [];
  for (const id of ids) {
    const run = await backend.getRun(id);
    lines.push(`  ${id}  ${run?.name ?? ""}`);
  }
  const more = ids.length === maxCandidates ? "\n  …" : "";
  return new RepriseError(
    "USAGE",
    `"${text}" is short for several runs. Give more digits, or the last eight:\n${lines.join("\n")}${more}`,
  );
}

function notFound(backend: Backend, problem: string): RepriseError {
  return new RepriseError(
    "RUN_NOT_FOUND",
    `${problem} in ${backend.place}. \`reprise ls\` lists the pipeline runs; --home names another store.`,
  );
}

/** The short form of an artifact's id: its first digits, because it is a hash. */
export function shortArtifactId(id: string): string {
  return id.slice(0, 12);
}
