import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../testing/temporary-home.ts";
import type { MakeLab } from "./executor.testsuite.ts";
import { Gate } from "../../testing/gate.ts";

/** Processes that end, or seem to have. */
export function testLosses(make: MakeLab): void {
  describe("a process that is lost", () => {
    test("during a body: the task is, with pid and signal; others find another process", async () => {
      await using lab = await make(1);
      const task = await lab.start("ex waits for file", ["/nowhere"]);
      const pid = await task.pid();
      process.kill(pid, "SIGKILL");
      const end = await task.end;
      expect(end).toMatchObject({
        type: "lost",
        isFinal: false,
        failure: { name: "WorkerLostError", message: expect.stringMatching(`pid ${pid}\\b.*SIGKILL`) as string },
      });
      expect(await lab.result("ex pid")).not.toBe(pid);
      expect(task.ends).toHaveLength(1);
    });

    test("after the result: the result counts, and the next task finds another process", async () => {
      await using lab = await make(1);
      const task = await lab.start("ex pid");
      const pid = Number(await lab.valueOf(task));
      process.kill(pid, "SIGKILL");
      expect(await lab.result("ex inner", [7])).toBe(7);
      expect(await lab.result("ex pid")).not.toBe(pid);
      expect(task.ends).toHaveLength(1);
    });

    test("before the body begins: the task is moved", async () => {
      await using lab = await make(1);
      const pid = Number(await lab.result("ex pid"));
      // It hears nothing of the task: it is stopped, then killed.
      process.kill(pid, "SIGSTOP");
      const task = await lab.start("ex inner", [5]);
      process.kill(pid, "SIGKILL");
      expect(await lab.valueOf(task)).toBe(5);
      expect(await lab.result("ex pid")).not.toBe(pid);
      expect(task.types).toEqual(["started", "result"]);
    });

    test("by process.exit(): it says so, and what was said before is told", async () => {
      await using lab = await make(1);
      const task = await lab.start("ex exits", [0]);
      expect(await task.end).toMatchObject({
        type: "lost",
        failure: {
          code: "WORKER_LOST",
          message: expect.stringMatching(/exit code 0 before the body was done: .*process\.exit\(\)/) as string,
        },
      });
      expect(task.logs.map(({ text }) => text)).toContain("last words");
      expect(await (await lab.start("ex exits", [9])).end).toMatchObject({
        failure: { message: expect.stringContaining("exit code 9") as string },
      });
    });

    test("by an error after the result: the next tasks are done elsewhere", async () => {
      await using lab = await make(1);
      const folder = temporaryFolder();
      const pid = Number(await lab.result("ex fails later"));
      writeFileSync(join(folder, "go"), "");
      for (;;) {
        const end = await (await lab.start("ex waits for file", [join(folder, "go")])).end;
        if (end.type === "lost") continue;
        const value = end.type === "result" && end.value !== null ? await lab.read(end.value) : undefined;
        if (value !== pid) break;
      }
      expect(await lab.result("ex pid")).not.toBe(pid);
    });

    test("takes what its bodies have started with it", async () => {
      const lives = new Gate();
      await using lab = await make(1);
      const pid = Number(await lab.result("ex forks", [lives.path]));
      const [own, fork] = await Promise.all([lives.arrived("forks"), lives.arrived("fork")]);
      expect(own.pid).toBe(pid);
      process.kill(pid, "SIGKILL");
      await Promise.all([own.left, fork.left]);
      expect(lives.inside).toEqual([]);
    });

    test("by the end of the executor", async () => {
      const lives = new Gate();
      const lab = await make(2, { stopMs: 100, graceMs: 100 });
      const blocked = await lab.start("ex blocks", ["", lives.path]);
      await lab.result("ex forks", [lives.path]);
      const all = await Promise.all(["blocks", "forks", "fork"].map((name) => lives.arrived(name)));
      await lab[Symbol.asyncDispose]();
      await Promise.all(all.map(({ left }) => left));
      expect((await blocked.end).type).toBe("lost");
    });
  });

  describe("a process that is not heard of", () => {
    test("is alive while a body computes", async () => {
      await using lab = await make(1, { silenceMs: 1_000 });
      expect(await lab.result("ex computes", [3_000])).toBe(3_000);
    });

    test("is lost if it is stopped", async () => {
      await using lab = await make(1, { silenceMs: 1_000 });
      const task = await lab.start("ex waits for file", ["/nowhere"]);
      process.kill(await task.pid(), "SIGSTOP");
      expect(await task.end).toMatchObject({
        type: "lost",
        failure: { code: "WORKER_LOST", message: expect.stringContaining("no sign of life") as string },
      });
      expect(await lab.result("ex inner", [1])).toBe(1);
    });
  });
}
