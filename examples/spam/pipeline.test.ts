import { SilentRunner } from "reprise";
import { expect, test } from "vitest";
import { spamFilter } from "./pipeline.ts";

test("learns from a tenth of the corpus to tell real mail apart, and tells the same every time", async () => {
  const runner = new SilentRunner();
  const small = { share: 0.1, vocabulary: 2000 };
  const report = await runner.run(spamFilter(small));
  expect(report.accuracy).toBeGreaterThan(0.9);
  expect(report.falsePositiveRate).toBeLessThan(0.1);
  expect(await runner.run(spamFilter(small))).toEqual(report);
});

test("refuses settings that make no sense", async () => {
  await expect(new SilentRunner().run(spamFilter({ share: 2 }))).rejects.toThrow(/share/);
});
