import { describe, expect, test } from "vitest";
import type { AwaitMessage } from "../protocol.ts";
import type { MakeLab } from "./executor.testsuite.ts";

/** Calls of other funcs, and waiting for them. */
export function testCalls(make: MakeLab): void {
  describe("a body that calls", () => {
    test("tells the call and waits for its value", async () => {
      await using lab = await make(1);
      const task = await lab.start("ex waits", [41]);
      const { calls } = await task.saidOf("calls");
      expect(calls).toMatchObject([{ func: "ex inner", options: null, after: [], isMap: false, elements: null }]);
      expect(await lab.read(calls[0]!.args[0]!.stored!)).toBe(41);
      const { wait, run } = await task.saidOf("await");
      expect(run).toBe(calls[0]!.run);
      task.remote.answer({ type: "value", task: task.message.task, wait, artifact: await lab.artifact(100) });
      expect(await lab.valueOf(task)).toBe(101);
      expect(task.types).toEqual(["started", "calls", "await", "result"]);
    });

    test("gets the values in any order, and each answer once", async () => {
      await using lab = await make(1);
      const task = await lab.start("ex waits for all", [3]);
      await task.said((message) => message.type === "await" && message.wait === lastWait(task.messages, 3));
      const awaits = task.messages.filter((message): message is AwaitMessage => message.type === "await");
      const all = task.messages.flatMap((message) => (message.type === "calls" ? message.calls : []));
      for (const { wait, run } of awaits.toReversed()) {
        const artifact = await lab.artifact(10 * all.findIndex((call) => call.run === run));
        task.remote.answer({ type: "value", task: task.message.task, wait, artifact });
        task.remote.answer({ type: "value", task: task.message.task, wait, artifact: await lab.artifact("late") });
      }
      expect(await lab.valueOf(task)).toEqual([0, 10, 20]);
    });

    test("fails with the child whose failure it passes on", async () => {
      await using lab = await make(1);
      const task = await lab.start("ex waits", [1]);
      const { wait, run } = await task.saidOf("await");
      const cause = { name: "RangeError", message: "too far", classes: ["RangeError", "Error"] };
      task.remote.answer({ type: "noValue", task: task.message.task, wait, message: `Run ${run} failed`, cause });
      expect(await task.end).toMatchObject({
        type: "failed",
        child: run,
        failure: { name: "RunFailedError", message: `Run ${run} failed`, cause },
      });
    });

    test("returns the futures of what it has called", async () => {
      await using lab = await make(1);
      const task = await lab.start("ex nested", [5]);
      const end = await task.end;
      const { calls } = await task.saidOf("calls");
      expect(calls).toMatchObject([{ func: "ex inner" }, { func: "ex inner" }]);
      expect(end).toMatchObject({
        type: "result",
        value: null,
        template: { parts: calls.map(({ run }) => ({ run, path: [] })) },
      });
    });
  });
}

/** The number of the wait of that number, if it has been told. */
function lastWait(messages: readonly { readonly type: string }[], count: number): number | undefined {
  const all = messages.filter((message): message is AwaitMessage => message.type === "await");
  return all.length < count ? undefined : all.at(-1)?.wait;
}
