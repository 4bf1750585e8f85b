import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../../testing/temporary-home.ts";
import type { MakeLab } from "./executor.testsuite.ts";
import type { TaskLab, TestTask } from "./test-task.ts";

/** More tasks than can execute. */
export function testQueues(make: MakeLab): void {
  describe("tasks above the limit", () => {
    test("all end, each once, and never more execute than may", async () => {
      await using lab = await make(2);
      const args = [await lab.argument(4)];
      let executing = 0;
      let most = 0;
      const tasks = Array.from({ length: 2_000 }, () => {
        const task = lab.startNow("ex inner", args);
        task.heard = (message) => {
          if (message.type === "started") most = Math.max(most, (executing += 1));
          if (message.type === "result") executing -= 1;
        };
        return task;
      });
      for (const task of tasks) expect(await lab.valueOf(task)).toBe(4);
      expect(tasks.every(({ ends }) => ends.length === 1)).toBe(true);
      expect(most).toBe(2);
    });

    test("are moved when the process in front of which they wait is lost", async () => {
      await using lab = await make(1);
      const folder = temporaryFolder();
      await makeShort(lab, folder);
      const names = Array.from({ length: 20 }, (_, index) => `task ${index}`);
      const tasks = await startAll(lab, folder, names, (name) => (name === "task 3" ? "dies" : ""));
      const ends = await Promise.all(tasks.map(({ end }) => end));
      expect(ends.filter(({ type }) => type === "lost")).toHaveLength(1);
      expect(ends[3]).toMatchObject({ type: "lost", failure: { code: "WORKER_LOST" } });
      // None was executed twice.
      expect(names.map((name) => readFileSync(join(folder, name), "utf8"))).toEqual(names.map(() => "x"));
    });

    test("never begin if they are canceled, wherever they wait", async () => {
      await using lab = await make(1);
      const folder = temporaryFolder();
      const go = join(folder, "go");
      await makeShort(lab, folder);
      const names = Array.from({ length: 12 }, (_, index) => `task ${index}`);
      const [first, ...rest] = await startAll(lab, folder, names, (name) => (name === "task 0" ? `until ${go}` : ""));
      for (const task of rest) task.remote.cancel("not needed");
      for (const task of rest) expect((await task.end).type).not.toBe("result");
      expect(first!.ends).toEqual([]);
      writeFileSync(go, "");
      await lab.valueOf(first!);
      expect(await lab.result("ex inner", [1])).toBe(1);
      expect(names.filter((name) => existsSync(join(folder, name)))).toEqual(["task 0"]);
      expect(rest.every(({ ends }) => ends.length === 1)).toBe(true);
    });

    test("do not wait for a body that takes long while others have a place", async () => {
      await using lab = await make(2);
      const folder = temporaryFolder();
      const go = join(folder, "go");
      await makeShort(lab, folder);
      const names = Array.from({ length: 12 }, (_, index) => `task ${index}`);
      const [slow, ...rest] = await startAll(lab, folder, names, (name) => (name === "task 0" ? `until ${go}` : ""));
      for (const task of rest) await lab.valueOf(task);
      expect(slow!.ends).toEqual([]);
      writeFileSync(go, "");
      await lab.valueOf(slow!);
      expect(names.map((name) => readFileSync(join(folder, name), "utf8"))).toEqual(names.map(() => "x"));
    });
  });
}

/** Bodies that wait for others, where that leaves their places free. */
export function testWaiting(make: MakeLab): void {
  describe("a body that waits", () => {
    test("leaves its place to others, as deep as they wait for one another", async () => {
      await using lab = await make(2);
      const waiting: { readonly task: TestTask; readonly wait: number }[] = [];
      for (let depth = 0; depth < 4; depth += 1) {
        const task = await lab.start("ex waits", [depth]);
        waiting.push({ task, wait: (await task.saidOf("await")).wait });
      }
      for (const { task, wait } of waiting.toReversed()) {
        task.remote.answer({ type: "value", task: task.message.task, wait, artifact: await lab.artifact(1) });
        expect(await lab.valueOf(task)).toBe(2);
      }
    });

    test("has none behind it", async () => {
      await using lab = await make(1);
      const folder = temporaryFolder();
      await makeShort(lab, folder);
      const names = Array.from({ length: 10 }, (_, index) => `task ${index}`);
      const [first, ...rest] = await startAll(lab, folder, names, (name) => (name === "task 0" ? "waits" : ""));
      for (const task of rest) await lab.valueOf(task);
      const { wait } = await first!.saidOf("await");
      const artifact = await lab.artifact(1);
      first!.remote.answer({ type: "value", task: first!.message.task, wait, artifact });
      expect(await lab.valueOf(first!)).toBe(2);
      expect(names.map((name) => readFileSync(join(folder, name), "utf8"))).toEqual(names.map(() => "x"));
    });
  });
}

/** Executes a func so often that it is known for taking no time. */
async function makeShort(lab: TaskLab, folder: string): Promise<void> {
  for (let count = 0; count < 30; count += 1) await lab.result("ex counts", [folder, "before", ""]);
}

/** Starts all at once. */
async function startAll(
  lab: TaskLab,
  folder: string,
  names: readonly string[],
  how: (name: string) => string,
): Promise<TestTask[]> {
  const args = await Promise.all(
    names.map((name) => Promise.all([folder, name, how(name)].map((value) => lab.argument(value)))),
  );
  return args.map((list) => lab.startNow("ex counts", list));
}
