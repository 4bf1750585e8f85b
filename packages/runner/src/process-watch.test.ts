import { isFinished } from "@reprise/core";
import { expect, test } from "vitest";
import { runChild } from "./testing/child.ts";
import { homeOf, temporaryFolder } from "./testing/temporary-home.ts";
import { verifyHome } from "./testing/verify-home.ts";

const crashed = "the process crashed by";

test.for([
  ["exit in a body", 3, "the process exited with code 3", ""],
  ["exit of the root", 9, "the process exited with code 9", ""],
  ["exit later", 4, "the process exited with code 4", ""],
  ["exit while values are written", 5, "the process exited with code 5", ""],
  ["exit while arguments are written", 6, "the process exited with code 6", ""],
  ["exception", 1, `${crashed} an uncaught exception: TypeError: in a timer`, "TypeError: in a timer"],
  ["rejection", 1, `${crashed} an unhandled rejection: RangeError: nobody listens`, "RangeError: nobody listens"],
  ["forgotten value", 1, `${crashed} an unhandled rejection: RunFailedError: Run `, "as a child"],
  ["nothing left to do", 13, "the process exited with code 13", "unsettled top-level await"],
  ["handled exception", 8, "the process exited with code 8", ""],
] as const)("the end of the process is recorded with its reason: %s", async ([scenario, code, reason, stderr]) => {
  const folder = temporaryFolder();
  const ended = await runChild("end-scenarios.ts", [scenario, folder]);
  expect(ended).toMatchObject({ code, signal: null });
  expect(ended.stderr).toContain(stderr);
  const home = await homeOf(folder);
  const { runs } = await verifyHome(home);
  const [pipeline] = await home.backend.listPipelineRuns();
  expect(pipeline).toMatchObject({ state: "CANCELED" });
  expect(runs.get(pipeline!.id)).toMatchObject({
    state: "CANCELED",
    reason: expect.stringContaining(reason) as string,
  });
  expect([...runs.values()].filter(({ state }) => !isFinished(state))).toEqual([]);
});

test("a signal ends the process in time while values cannot be written", async () => {
  const folder = temporaryFolder();
  const ended = await runChild("end-scenarios.ts", ["signal while values are written", folder]);
  expect(ended).toMatchObject({ signal: "SIGINT" });
  const home = await homeOf(folder);
  const { runs } = await verifyHome(home);
  expect(await home.backend.listPipelineRuns()).toMatchObject([{ state: "CANCELED" }]);
  expect([...runs.values()].map(({ reason }) => reason)).toContain("the process received SIGINT");
});
