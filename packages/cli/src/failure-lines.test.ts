import { describe, expect, it } from "vitest";
import { failureLines } from "./failure-lines.ts";
import { painter } from "./terminal/paint.ts";

describe("failureLines", () => {
  it("names a place alike, whether the program or its kept copy has thrown", () => {
    const frames = ["at file:///project/a.ts:3:7", "at async <anonymous> (file:///project/a.ts:9:1)"];
    const kept = ["at <anonymous> (file:///project/a.ts:3:7)", "at async <anonymous> (file:///project/a.ts:9:1)"];
    for (const stack of [frames, kept]) {
      const text = ["Error: no", ...stack.map((frame) => `    ${frame}`)].join("\n");
      expect(failureLines({ name: "Error", message: "no", classes: ["Error"], stack: text }, painter(false))).toEqual([
        "Error: no",
        "    at /project/a.ts:3:7",
        "    at async /project/a.ts:9:1",
      ]);
    }
  });
});
