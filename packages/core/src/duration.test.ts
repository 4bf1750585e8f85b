import { describe, expect, it } from "vitest";
import { type Duration, formatDuration, parseDuration } from "./duration.ts";
import { RepriseError } from "./errors.ts";

describe("parseDuration", () => {
  it.each<[Duration, number]>([
    [1, 1],
    [0.5, 0.5],
    ["250ms", 250],
    ["90s", 90_000],
    ["1.5h", 5_400_000],
    ["30m", 1_800_000],
    ["2d", 172_800_000],
  ])("%j is %d ms", (duration, ms) => {
    expect(parseDuration(duration, "timeout")).toBe(ms);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, "", "90", "s", "-5s", "1e3s", "5 s", "5m30s", "0s", null, {}])(
    "refuses %j and says what to give",
    (duration) => {
      const parse = (): number => parseDuration(duration as Duration, 'timeout of func "train"');
      expect(parse).toThrow(RepriseError);
      expect(parse).toThrow(/^timeout of func "train": .* is not a length of time\. .*"90s"/);
    },
  );
});

describe("formatDuration", () => {
  it.each([
    [0, "0 ms"],
    [12.4, "12 ms"],
    [999, "999 ms"],
    [3_400, "3.4 s"],
    [59_900, "59.9 s"],
    [59_960, "1 min 0 s"],
    [125_000, "2 min 5 s"],
    [3_599_600, "1 h 0 min"],
    [3_720_000, "1 h 2 min"],
  ])("%d ms reads %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});
