import { planRerun, RepriseError, rerunReasonWords, type RerunPlan, type Run, shortId } from "@reprise/core";
import { graphRunsOf } from "@reprise/runner";
import type { Home, RecordedRun } from "@reprise/store";
import { type Matching, matchRuns } from "../diff/match-runs.ts";
import { RecordedTree } from "../diff/recorded-tree.ts";
import { rerunWords } from "../rerun/rerun-words.ts";

/** Why a re-run executed a run or took it over, in sentences; undefined if the run is not part of a re-run. */
export async function rerunReason({ backend }: Home, run: Run): Promise<readonly string[] | undefined> {
  const rerun = (await backend.getPipelineRun(run.rootId))?.rerun ?? undefined;
  if (rerun === undefined) return undefined;
  const [original, current] = [await backend.readGraph(rerun.rootId), await backend.readGraph(run.rootId)];
  const begin = original?.runs.find(({ id }) => id === rerun.runId);
  const head = `This is a ${rerunWords(rerun, begin)}.`;
  const [before, after] = [original, current].map((graph) =>
    graph === undefined ? undefined : new RecordedTree(graph),
  );
  const now = after?.find(run.id);
  if (original === undefined || before === undefined || after === undefined || now === undefined) {
    return [
      head,
      `Of ${shortId(rerun.rootId)} nothing is recorded any more that says why this run was executed or not.`,
    ];
  }
  const matching = matchRuns(before, after);
  const plan = planOf(() => planRerun(graphRunsOf(original), { mode: rerun.mode, target: rerun.runId }));
  return [head, actionWords(now, after, matching, plan)];
}

/** What was recorded may not be what can be planned by today. */
function planOf(plan: () => RerunPlan): RerunPlan {
  try {
    return plan();
  } catch (error) {
    if (RepriseError.is(error)) return new Map();
    throw error;
  }
}

function actionWords(run: RecordedRun, tree: RecordedTree, matching: Matching, plan: RerunPlan): string {
  const before = matching.before(run.id);
  const planned = before === undefined ? undefined : plan.get(before.id);
  const label = (id: string) => {
    const found = matching.after(id);
    return found === undefined ? shortId(id) : `${found.name} ${shortId(found.id)}`;
  };
  const reason = planned === undefined ? "" : `: ${rerunReasonWords(planned.reason, label)}`;
  if (run.cache?.status === "CLONED") return `It was taken over${planned?.action === "clone" ? reason : ""}.`;
  switch (planned?.action) {
    case "reset":
    case "reexecute":
      return `It had to execute${reason}.`;
    case "wait":
      return `What its body had given was taken over, and it waited for those below it${reason}.`;
    default: {
      const parent = tree.find(run.parentId ?? "");
      if (parent === undefined) return "It had to execute.";
      return `${parent.name} ${shortId(parent.id)} executed again and called it; no recorded call answered that.`;
    }
  }
}
