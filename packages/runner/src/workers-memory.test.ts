import { expect, it } from "vitest";
import { runChild } from "./testing/child.ts";
import { temporaryFolder } from "./testing/temporary-home.ts";

it("the driver keeps no runs, nor their values, that a body in a worker has called and can refer to no more", async () => {
  const { stdout, stderr } = await runChild("many-children.ts", [temporaryFolder()], { flags: ["--expose-gc"] });
  expect(stderr).toBe("");
  // With their values they would be some thousands.
  expect(Number(stdout)).toBeLessThan(1_000);
});

it("the driver keeps nothing of the tasks of bodies that are over", async () => {
  const { stdout, stderr } = await runChild("held-futures.ts", [temporaryFolder()], { flags: ["--expose-gc"] });
  expect(stderr).toBe("");
  // With the messages by which they were started they would be some tens of thousands.
  expect(Number(stdout)).toBeLessThan(10_000);
});
