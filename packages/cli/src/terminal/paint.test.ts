import { describe, expect, it } from "vitest";
import { painter, wantsColor } from "./paint.ts";

describe("wantsColor", () => {
  it("colors terminals only, unless the environment says otherwise", () => {
    expect(wantsColor(true, {})).toBe(true);
    expect(wantsColor(false, {})).toBe(false);
    expect(wantsColor(true, { NO_COLOR: "1" })).toBe(false);
    expect(wantsColor(true, { NO_COLOR: "" })).toBe(true);
    expect(wantsColor(true, { TERM: "dumb" })).toBe(false);
    expect(wantsColor(false, { FORCE_COLOR: "1", NO_COLOR: "1" })).toBe(true);
    expect(wantsColor(true, { FORCE_COLOR: "0" })).toBe(false);
  });
});

describe("painter", () => {
  it("writes escape sequences only if asked to, wherever it writes to", () => {
    expect(painter(true)("red", "x")).toBe("\x1b[31mx\x1b[39m");
    expect(painter(false)("red", "x")).toBe("x");
  });
});
