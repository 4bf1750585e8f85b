import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type Future, LocalRunner } from "../index.ts";
import { cleanTasks, leak, unpacked, usesOfTwo } from "../testing/actor-caches.ts";
import { Child } from "../testing/child.ts";
import { temporaryFolder } from "../testing/temporary-home.ts";
import { stopAllPools } from "./testing/stop-pools.ts";

function lab() {
  const home = temporaryFolder();
  const file = join(home, "notes");
  process.env["ACTOR_NOTES"] = file;
  let isStopped = false;
  const stop = async (): Promise<void> => {
    if (!isStopped) await stopAllPools(home);
    isStopped = true;
  };
  onTestFinished(stop);
  return {
    home,
    stop,
    run: async <T>(future: Future<T>): Promise<T> => {
      await using runner = new LocalRunner({ home, forwardOutput: false });
      return await runner.run(future);
    },
    notes: () => (existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : []),
  };
}

test("with clean isolation modules and globals begin anew for each task, and values of caches stay", async () => {
  const { run, notes } = lab();
  const results = await run(cleanTasks());
  expect(new Set(results.map(({ pid }) => pid)).size).toBe(1);
  expect(results.map(({ tasks, global }) => [tasks, global])).toEqual([
    [1, 1],
    [1, 1],
    [1, 1],
  ]);
  expect(results.map(({ digits }) => digits)).toEqual([1, 1, 2]);
  // Keys are objects of classes that each task has made anew.
  expect(notes()).toEqual(["load interval 1-1", "load currency 1", "load interval 1-2", "load currency 2"]);
});

test("tasks at once load each key once; what is evicted is disposed of when no task uses it, the rest with the replica", async () => {
  const { run, notes, stop } = lab();
  expect(await run(usesOfTwo())).toEqual(["a", "a", "a", "a", "b", "b", "b", "b"]);
  const before = notes();
  expect(before.filter((note) => note.startsWith("open")).toSorted()).toEqual(["open a", "open b"]);
  expect(before[0]).toBe("warm");
  await stop();
  const after = notes();
  for (const url of ["a", "b"]) {
    expect(after.filter((note) => note === `close ${url}`)).toHaveLength(1);
    expect(after.indexOf(`close ${url}`)).toBeGreaterThan(after.lastIndexOf(`done ${url}`));
  }
});

test("a live value as the result of a task on a replica is an error that names the cached function", async () => {
  const { run } = lab();
  await expect(run(leak())).rejects.toThrow(
    /output of func "leak": instance of Connection has no codec.* It came from the cached function "connect" of actor "shared caches"/s,
  );
});

test("files that a load has fetched are there for later tasks, and go with the replica", async () => {
  const { run, stop } = lab();
  const [first, second] = await run(unpacked());
  expect(second).toEqual(first);
  expect(second?.isThere).toBe(true);
  expect(existsSync(first?.path ?? "")).toBe(true);
  await stop();
  expect(existsSync(first?.path ?? "")).toBe(false);
});

test("a process that ends by itself disposes of its values, and leaves no files of theirs", async () => {
  const { code, stdout, stderr } = await new Child("cache-to-the-end.ts", []).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [first = "", second = "", last] = stdout.split("\n");
  expect(last).toBe("disposed, the file is there");
  expect([first, second].map((path) => existsSync(path) || existsSync(join(path, "..")))).toEqual([false, false]);
});
