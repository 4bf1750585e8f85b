import { describe, expect, it } from "vitest";
import { fitText, padText, tameLine, textWidth } from "./text-width.ts";

describe("textWidth", () => {
  it("counts columns, not characters", () => {
    expect(textWidth("abc")).toBe(3);
    expect(textWidth("\x1b[31mabc\x1b[39m")).toBe(3);
    expect(textWidth("漢字")).toBe(4);
    expect(textWidth("e\u0301")).toBe(1);
    expect(textWidth("🚀 go")).toBe(5);
    expect(textWidth("├─ ✔")).toBe(4);
  });
});

describe("fitText", () => {
  it("cuts to the columns and closes what is styled", () => {
    expect(fitText("abcdef", 6)).toBe("abcdef");
    expect(fitText("abcdefg", 6)).toBe("abcde…");
    expect(fitText("\x1b[31mabcdefg\x1b[39m", 4)).toBe("\x1b[31mabc…\x1b[0m");
    expect(textWidth(fitText("漢字漢字", 4))).toBeLessThanOrEqual(4);
  });
});

describe("padText", () => {
  it("fills on either side by columns", () => {
    expect(padText("漢", 4)).toBe("漢  ");
    expect(padText("1", 3, "left")).toBe("  1");
  });
});

describe("tameLine", () => {
  it("removes what would move the cursor or erase, and keeps colors if they are wanted", () => {
    const line = "a\x1b[2Jb\x1b[31mred\x1b[0m\x1b[1;1H\x07\x1b]0;title\x07!\tx\r";
    expect(tameLine(line, true)).toBe("ab\x1b[31mred\x1b[0m!    x");
    expect(tameLine(line, false)).toBe("abred!    x");
  });
});
