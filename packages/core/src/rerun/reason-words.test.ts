import { expect, it } from "vitest";
import { rerunReasonWords } from "./reason-words.ts";
import type { RerunReason } from "./rerun-plan.ts";

const run = "0000019abcde12345678";

it.each<[RerunReason, string]>([
  [{ type: "target" }, "the re-run begins here"],
  [{ type: "downstream", run }, "it needs train#12345678, which executes again"],
  [{ type: "contains", run }, "train#12345678, which it contains, executes again"],
  [{ type: "waited", run }, "its body waited for train#12345678, which executes again"],
  [{ type: "items", run }, "its body has to tell the items of train#12345678, which never began"],
  [{ type: "unfinished" }, "it has not succeeded"],
  [{ type: "nested", run }, "it belongs to train#12345678, which executes again"],
  [{ type: "retried", run }, "an earlier attempt of train#12345678 called it"],
  [{ type: "handled", run }, "train#12345678 succeeded without it"],
  [{ type: "independent" }, "nothing that it depends on changes"],
])("says in words: %j", (reason, words) => {
  expect(rerunReasonWords(reason, (id) => `train#${id.slice(-8)}`)).toBe(words);
});
