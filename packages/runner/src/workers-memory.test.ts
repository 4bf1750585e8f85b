import { expect, it } from "vitest";
import { runChild } from "./testing/child.ts";
import { temporaryFolder } from "./testing/temporary-home.ts";

it("the driver keeps no runs, nor their values, that a body in a worker has called and can refer to no more", async () => {
  const { stdout, stderr } = await runChild("many-children.ts", [temporaryFolder()], { flags: ["--expose-gc"] });
  expect(stderr).toBe("");
  // With their values they would be some thousands.
  expect(Number(stdout)).toBeLessThan(1_000);
});
