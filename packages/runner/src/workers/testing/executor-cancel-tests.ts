import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../testing/temporary-home.ts";
import type { MakeLab } from "./executor.testsuite.ts";
import { Gate } from "../../testing/gate.ts";

/** Tasks that no longer count. */
export function testCancellation(make: MakeLab): void {
  describe("a task that is canceled", () => {
    test("hears why, may tidy up, and its process goes on", async () => {
      await using lab = await make(1);
      const before = await lab.result("ex pid");
      const task = await lab.start("ex obeys");
      await task.saidOf("log");
      task.remote.cancel("it is no longer wanted");
      task.remote.cancel("twice");
      expect(await task.end).toMatchObject({
        type: "failed",
        failure: { name: "RunCanceledError", message: expect.stringContaining("it is no longer wanted") as string },
      });
      expect(task.logs.map(({ text }) => text)).toEqual(["waits", "tidied up"]);
      expect(await lab.result("ex pid")).toBe(before);
    });

    test("ends its waits", async () => {
      await using lab = await make(1);
      const task = await lab.start("ex waits", [1]);
      const { wait } = await task.saidOf("await");
      task.remote.cancel("enough");
      expect(await task.end).toMatchObject({ type: "failed", failure: { name: "RunCanceledError" } });
      task.remote.answer({ type: "value", task: task.message.task, wait, artifact: await lab.artifact(1) });
      expect(await lab.result("ex inner", [3])).toBe(3);
      expect(task.ends).toHaveLength(1);
    });

    test("is ended with its process if it does not stop", async () => {
      const lives = new Gate();
      await using lab = await make(1, { stopMs: 100 });
      const task = await lab.start("ex blocks", ["", lives.path]);
      const life = await lives.arrived("blocks");
      task.remote.cancel("enough");
      // Its place is free at once.
      expect(await lab.result("ex inner", [1])).toBe(1);
      expect(await task.end).toMatchObject({
        type: "lost",
        failure: { code: "WORKER_LOST", message: expect.stringContaining("enough") as string },
      });
      await life.left;
    });

    test("is killed if its process ignores SIGTERM, too", async () => {
      const lives = new Gate();
      await using lab = await make(1, { stopMs: 100, graceMs: 300 });
      const task = await lab.start("ex blocks", ["ignores SIGTERM", lives.path]);
      const life = await lives.arrived("blocks");
      task.remote.cancel("enough");
      expect(await task.end).toMatchObject({ type: "lost", failure: { code: "WORKER_LOST" } });
      await life.left;
    });

    test("never begins if it has not", async () => {
      await using lab = await make(1);
      const folder = temporaryFolder();
      const go = join(folder, "go");
      const first = await lab.start("ex waits for file", [go]);
      await first.saidOf("log");
      const second = await lab.start("ex counts", [folder, "second", ""]);
      second.remote.cancel("not needed");
      expect(await second.end).toMatchObject({ type: expect.stringMatching(/lost|failed/) as string });
      const third = await lab.start("ex inner", [1]);
      expect([first.ends, third.ends]).toEqual([[], []]);
      writeFileSync(go, "");
      await lab.valueOf(first);
      expect(await lab.valueOf(third)).toBe(1);
      expect(existsSync(join(folder, "second"))).toBe(false);
      expect(second.types).not.toContain("started");
      expect(second.ends).toHaveLength(1);
    });

    test("after its end changes nothing", async () => {
      await using lab = await make(1);
      const task = await lab.start("ex inner", [1]);
      await lab.valueOf(task);
      task.remote.cancel("too late");
      expect(await lab.result("ex inner", [2])).toBe(2);
      expect(task.types).toEqual(["started", "result"]);
    });
  });
}
