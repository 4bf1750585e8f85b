import type { RecordedEdge, RecordedRun } from "@reprise/store";
import { type Call, type Composite, none } from "../call.ts";
import { parsePath } from "../part-path.ts";
import type { ArtifactValues } from "../stored-values.ts";
import type { TemplatePart } from "../template.ts";

/** What stands for the runs of a record in the graph that is built of it. */
export interface RecordedSources {
  readonly values: ArtifactValues;
  /** The call that stands for a recorded run. */
  readonly callOf: (runId: string) => Call;
}

/** The arguments of a recorded run, with calls where futures had stood. */
export function argumentsOf({ edges }: RecordedRun, sources: RecordedSources): readonly Composite[] {
  const args: RecordedEdge[][] = [];
  for (const edge of edges) {
    if (edge.kind === "data" || edge.kind === "template") (args[edge.argument] ??= []).push(edge);
  }
  return args.length === 0 ? none : Array.from(args, (given) => compositeOf(given, sources));
}

/** What a recorded run's result was made of; undefined if its body gave a value. */
export function resultOf({ edges }: RecordedRun, sources: RecordedSources): Composite | undefined {
  const given = edges.filter(({ kind }) => kind === "result");
  return given.length === 0 ? undefined : compositeOf(given, sources);
}

/** The calls after whose success a recorded run was to start. */
export function predecessorsOf({ edges }: RecordedRun, { callOf }: RecordedSources): Call[] | undefined {
  const ids = edges.flatMap(({ kind, sourceRunId }) => (kind === "order" && sourceRunId !== null ? [sourceRunId] : []));
  return ids.length === 0 ? undefined : ids.map((id) => callOf(id));
}

function compositeOf(edges: readonly RecordedEdge[], { values, callOf }: RecordedSources): Composite {
  const parts: TemplatePart[] = [];
  for (const { sourceRunId, sourcePath, argumentPath } of edges) {
    if (sourceRunId !== null) parts.push({ call: callOf(sourceRunId), path: parsePath(sourcePath), at: argumentPath });
  }
  // A `data` edge without a source beside others holds what was put together for the body; the slots are elsewhere.
  const around = edges.find(({ kind, sourceRunId }) => sourceRunId === null && (parts.length === 0 || kind !== "data"));
  const artifact = around?.artifact;
  return { stored: artifact == null ? undefined : values.known(artifact), parts: parts.length === 0 ? none : parts };
}
