import type { RerunReason } from "./rerun-plan.ts";

/**
 * Says in a few words of English why a re-run does with a run what it does. The words go on from what is done: "train
 * executes: it needs prepare#1234abcd, which executes again".
 *
 * @param label what to call the run with an id.
 */
export function rerunReasonWords(reason: RerunReason, label: (id: string) => string): string {
  switch (reason.type) {
    case "target":
      return "the re-run begins here";
    case "downstream":
      return `it needs ${label(reason.run)}, which executes again`;
    case "contains":
      return `${label(reason.run)}, which it contains, executes again`;
    case "waited":
      return `its body waited for ${label(reason.run)}, which executes again`;
    case "items":
      return `its body has to tell the items of ${label(reason.run)}, which never began`;
    case "unfinished":
      return "it has not succeeded";
    case "nested":
      return `it belongs to ${label(reason.run)}, which executes again`;
    case "retried":
      return `an earlier attempt of ${label(reason.run)} called it`;
    case "handled":
      return `${label(reason.run)} succeeded without it`;
    case "independent":
      return "nothing that it depends on changes";
  }
}
