import type { Edge } from "@reprise/core";
import type { Home } from "@reprise/store";

/** Larger values are compared by their digests alone: reading them would take longer than anybody waits. */
const readUpTo = 64_000_000;

/** What is read of an edge; of which run it is, is known. */
export type InputEdge = Omit<Edge, "runId">;

/** An argument of a recorded run. */
export interface RunInput {
  /** As cache keys name it: a rest parameter's arguments are `items[0]`, `items[1]`, … */
  readonly name: string;
  readonly argument: number;
  /** Id of the artifact of the whole argument; undefined if it was not recorded. */
  readonly artifactId: string | undefined;
  /** Id of the artifact of the value around the futures in it; undefined if there is none. */
  readonly templateId: string | undefined;
  /** Edges from other runs into it. */
  readonly sources: readonly InputEdge[];
}

/** The arguments of a recorded run, in order. */
export async function runInputs({ backend }: Home, runId: string): Promise<RunInput[]> {
  const edges = await backend.edgesOf(runId);
  const outputs = new Map<string, string | null>();
  for (const edge of edges) {
    const { sourceRunId } = edge;
    if (!isOutput(edge) || sourceRunId === null || outputs.has(sourceRunId)) continue;
    outputs.set(sourceRunId, (await backend.getRun(sourceRunId))?.output ?? null);
  }
  return inputsOf(edges, (id) => outputs.get(id) ?? undefined);
}

/** The arguments that the edges of a run tell of, in order. `outputOf` gives the id of the artifact of a run's output. */
export function inputsOf(edges: readonly InputEdge[], outputOf: (runId: string) => string | undefined): RunInput[] {
  const byArgument: InputEdge[][] = [];
  for (const edge of edges) {
    if (edge.kind === "data" || edge.kind === "template") (byArgument[edge.argument] ??= []).push(edge);
  }
  return Array.from({ length: byArgument.length }, (_, argument): RunInput => {
    const found = byArgument[argument] ?? [];
    const own = found.filter(({ kind }) => kind === "data");
    const whole = own.find(({ artifactId, argumentPath }) => artifactId !== null && argumentPath === "");
    const sources = own.filter(({ sourceRunId }) => sourceRunId !== null);
    const [only] = sources;
    const output =
      whole === undefined && sources.length === 1 && only !== undefined && isOutput(only)
        ? outputOf(only.sourceRunId ?? "")
        : undefined;
    return {
      name: keyName(edges, own[0]?.name ?? found[0]?.name ?? "", argument),
      argument,
      artifactId: whole?.artifactId ?? output,
      templateId: found.find(({ kind }) => kind === "template")?.artifactId ?? undefined,
      sources,
    };
  });
}

/** The output of another run as it is has no artifact of its own. */
function isOutput({ kind, artifactId, argumentPath, sourcePath, sourceRunId }: InputEdge): boolean {
  return kind === "data" && artifactId === null && argumentPath === "" && sourcePath === "" && sourceRunId !== null;
}

function keyName(edges: readonly InputEdge[], declared: string, argument: number): string {
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
