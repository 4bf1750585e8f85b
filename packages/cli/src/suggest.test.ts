import { describe, expect, it } from "vitest";
import { didYouMean, suggest } from "./suggest.ts";

describe("suggest", () => {
  it("finds swapped, missing, superfluous and wrong letters", () => {
    for (const typo of ["shwo", "sho", "shoow", "shaw"])
      expect(suggest(typo, ["ls", "show", "logs"])).toEqual(["show"]);
  });

  it("completes a beginning", () => {
    expect(suggest("set", ["settings get", "ls"])).toEqual(["settings get"]);
  });

  it("keeps silent when nothing is near", () => {
    expect(suggest("frobnicate", ["ls", "show"])).toEqual([]);
    expect(didYouMean("frobnicate", ["ls"])).toBe("");
  });

  it("puts the nearest first", () => {
    expect(didYouMean("conurrency", ["currency", "concurrency"], "--")).toBe(
      ' Did you mean "--concurrency" or "--currency"?',
    );
  });
});
