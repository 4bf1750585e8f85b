import type { Edge } from "@reprise/core";
import type { Home } from "@reprise/store";

/** Larger values are compared by their digests alone: reading them would take longer than anybody waits. */
const readUpTo = 64_000_000;

/** An argument of a recorded run. */
export interface RunInput {
  /** As cache keys name it: a rest parameter's arguments are `items[0]`, `items[1]`, … */
  readonly name: string;
  readonly argument: number;
  /** Id of the artifact of the whole argument; undefined if it was not recorded. */
  readonly artifactId: string | undefined;
  /** Edges from other runs into it. */
  readonly sources: readonly Edge[];
}

/** The arguments of a recorded run, in order. */
export async function runInputs({ backend }: Home, runId: string): Promise<RunInput[]> {
  const edges = (await backend.edgesOf(runId)).filter(({ kind }) => kind === "data");
  const count = edges.reduce((most, { argument }) => Math.max(most, argument + 1), 0);
  const inputs: RunInput[] = [];
  for (let argument = 0; argument < count; argument++) {
    const own = edges.filter((edge) => edge.argument === argument);
    const whole = own.find(({ artifactId, argumentPath }) => artifactId !== null && argumentPath === "");
    const sources = own.filter(({ sourceRunId }) => sourceRunId !== null);
    const [only] = sources;
    // The output of another run as it is has no artifact of its own.
    const isOutput = whole === undefined && sources.length === 1 && only?.argumentPath === "" && only.sourcePath === "";
    const source = isOutput ? await backend.getRun(only?.sourceRunId ?? "") : undefined;
    const declared = own[0]?.name ?? "";
    inputs.push({
      name: keyName(edges, declared, argument),
      argument,
      artifactId: whole?.artifactId ?? source?.output ?? undefined,
      sources,
    });
  }
  return inputs;
}

function keyName(edges: readonly Edge[], declared: string, argument: number): string {
  if (declared === "") return `argument ${argument + 1}`;
  if (!declared.startsWith("...")) return declared;
  const first = Math.min(...edges.filter(({ name }) => name === declared).map((edge) => edge.argument));
  return `${declared.slice(3)}[${argument - first}]`;
}

/** A value of the store; undefined if it is gone, too large, or of a type that only its program knows. */
export async function readStored(
  { backend, artifacts }: Home,
  artifactId: string | undefined,
): Promise<{ readonly value: unknown } | undefined> {
  if (artifactId === undefined) return undefined;
  try {
    const stored = await backend.getArtifact(artifactId);
    if (stored === undefined || stored.artifact.size > readUpTo) return undefined;
    return { value: await artifacts.read(artifactId) };
  } catch {
    return undefined;
  }
}
