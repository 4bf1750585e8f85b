import { type RerunOrigin, type Run, shortId } from "@reprise/core";

/** `re-run of 83acf676 from train 0535a80a, with the current code`. `from`: the run from which it was re-run, if it is known. */
export function rerunWords({ rootId, runId, mode, code }: RerunOrigin, from: Pick<Run, "name"> | undefined): string {
  const origin = shortId(rootId);
  const how = code === "stored" ? `with the code of ${origin}` : "with the current code";
  if (mode === "continue") return `re-run of what had not succeeded in ${origin}, ${how}`;
  const begin = runId === rootId ? "its root" : `${from?.name ?? "run"} ${shortId(runId)}`;
  return `re-run of ${origin} from ${begin}, ${how}`;
}

/** As {@link rerunWords}, for the line of a list. */
export function shortRerunWords({ rootId, mode }: RerunOrigin): string {
  return mode === "continue" ? `continues ${shortId(rootId)}` : `re-run of ${shortId(rootId)}`;
}
