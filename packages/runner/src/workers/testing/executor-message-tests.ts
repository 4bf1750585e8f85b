import { expect, describe, test } from "vitest";
import type { MakeLab } from "./executor.testsuite.ts";

/** Values in and out, and what bodies tell. */
export function testMessages(make: MakeLab): void {
  describe("a task", () => {
    test("takes its arguments by id: with the message, from the blob store, in parts", async () => {
      await using lab = await make(1);
      expect(await lab.result("ex sum", [[1, 2, 3]])).toBe(6);
      const large = Array.from({ length: 50_000 }, (_, index) => index);
      expect((await lab.artifact(large)).document).toBeNull();
      expect(await lab.result("ex sum", [large])).toBe(1_249_975_000);
      expect(await lab.result("ex length", [new Float64Array(100_000)])).toBe(100_000);
    });

    test("tells an argument that it has put together from several values", async () => {
      await using lab = await make(1);
      const [one, list] = await Promise.all([lab.artifact(1), lab.artifact([10, { more: [20] }])]);
      const whole = { stored: null, parts: [{ artifact: list, path: [1, "more"] }] };
      const task = await lab.start("ex sum", [], { args: [whole] });
      expect(await lab.valueOf(task)).toBe(20);
      const { argument, artifact } = await task.saidOf("input");
      expect([argument, await lab.read(artifact)]).toEqual([0, [20]]);
      const direct = await lab.start("ex inner", [], {
        args: [{ stored: null, parts: [{ artifact: one, path: [] }] }],
      });
      expect(await lab.valueOf(direct)).toBe(1);
    });

    test("gives its result by id, with its large parts on disk", async () => {
      await using lab = await make(1);
      const array = await lab.start("ex make", [100_000]);
      expect(await lab.valueOf(array)).toEqual(new Float64Array(100_000).fill(1));
      const text = await lab.start("ex text", [200_000]);
      expect(await lab.valueOf(text)).toBe("x".repeat(200_000));
      expect(await text.end).toMatchObject({ value: { document: null, typeName: "string" }, template: null });
    });

    test("tells that it begins, then everything else in its order, then one end", async () => {
      await using lab = await make(1);
      const task = await lab.start("ex tell", [500], { attempt: 3 });
      expect(await lab.valueOf(task)).toEqual([3, task.message.run, "the root"]);
      const [started, ...rest] = task.messages;
      expect(started).toMatchObject({ type: "started", time: expect.closeTo(Date.now(), -5) as number });
      const lines = Array.from({ length: 500 }, (_, line) => ["stdout", "info", `line ${line}`]);
      expect(task.logs.map(({ stream, level, text }) => [stream, level, text])).toEqual([
        ...lines,
        ["stderr", "error", "error line"],
        ["log", "warn", "told"],
        ["stdout", "info", "no end"],
      ]);
      expect(task.logs.at(-2)).toMatchObject({ data: { deep: [1] } });
      expect(rest.slice(502)).toMatchObject([
        { type: "metric", name: "loss", value: 0.5, kind: "gauge" },
        { type: "metric", name: "seen", value: 2, kind: "count" },
        { type: "progress", done: 1, total: 4, note: "a quarter" },
        { type: "noCache" },
        { type: "log", text: "no end" },
        { type: "result" },
      ]);
      expect(task.ends).toHaveLength(1);
    });

    test("gets the lines that were written past JavaScript", async () => {
      await using lab = await make(1);
      await lab.result("ex raw");
      const task = await lab.start("ex raw");
      // All of it arrives while this process is busy: the end, told by another pipe, must not overtake the lines.
      await new Promise(setImmediate);
      const until = performance.now() + 1_000;
      while (performance.now() < until);
      await lab.valueOf(task);
      expect(task.logs.map(({ stream, text }) => `${stream} ${text}`).toSorted()).toEqual([
        "log between",
        "stderr of a child",
        "stdout raw out",
      ]);
    });

    test("fails with the whole of what was thrown", async () => {
      await using lab = await make(1);
      const task = await lab.start("ex fails", ["that went wrong"]);
      expect(await task.end).toMatchObject({
        type: "failed",
        child: null,
        failure: {
          name: "OddError",
          message: "that went wrong",
          code: "E_ODD",
          classes: ["OddError", "TypeError", "Error"],
          stack: expect.stringContaining("executor-funcs.ts") as string,
          cause: { name: "RangeError", message: "deep down" },
        },
      });
      expect(task.types).toEqual(["started", "failed"]);
    });

    test("of a func that the program does not define fails, and says so", async () => {
      await using lab = await make(1);
      const task = await lab.start("ex nowhere");
      expect(await task.end).toMatchObject({
        type: "failed",
        failure: { code: "WORKER_FAILED", message: expect.stringContaining('"ex nowhere"') as string },
      });
      expect(await lab.result("ex inner", [1])).toBe(1);
    });

    test("is told once, whatever is repeated, late, or of nobody", async () => {
      await using lab = await make(1);
      const task = await lab.start("ex repeats");
      expect(await lab.valueOf(task)).toBe("once");
      // What its process says late comes before the end of a body that takes longer.
      const other = await lab.start("ex computes", [1]);
      await lab.valueOf(other);
      await lab.result("ex computes", [50]);
      await lab.result("ex computes", [50]);
      expect(task.types).toEqual(["started", "log", "result"]);
      expect(task.logs).toMatchObject([{ text: "of this task" }]);
      expect(other.types).toEqual(["started", "result"]);
      expect([...task.ends, ...other.ends]).toHaveLength(2);
    });
  });
}
