import { SilentRunner } from "reprise";
import { expect, test } from "vitest";
import { pipeline } from "./pipeline.ts";

test("measures the words of a line", async () => {
  expect(await new SilentRunner().run(pipeline("To be or not"))).toEqual({ meanLength: 9 / 4, letters: 12 });
});
