import { chmod, mkdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ordered } from "@reprise/core";
import { describe, expect, test, vi } from "vitest";
import { func } from "../func.ts";
import { temporaryFolder } from "../testing/temporary-home.ts";
import { DirectoryArtifact } from "../values/directory-artifact.ts";
import { FileArtifact } from "../values/file-artifact.ts";
import { resolveNamespace } from "./namespace.ts";
import { count, counts, resetCounts, runnerFor } from "./testing/watched-runner.ts";

const cache = { version: "1" };

describe("arguments", () => {
  test("count as they were at the call, whatever becomes of them before the body has them", async () => {
    resetCounts();
    const home = temporaryFolder();
    const sum = func({
      id: "sum",
      cache,
      run: (numbers: number[]) => count("sum") && numbers.reduce((total, value) => total + value, 0),
    });
    const changing = func("changing", () => {
      const numbers = [1, 2];
      const before = sum(numbers);
      numbers.push(3);
      return [before, sum(numbers)];
    });
    expect(await runnerFor(home).runner.run(changing())).toEqual([3, 6]);
    expect(await runnerFor(home).runner.run(sum([1, 2]))).toBe(3);
    expect(await runnerFor(home).runner.run(sum([1, 2, 3]))).toBe(6);
    expect(counts).toEqual({ sum: 2 });
  });

  test("that are left out are undefined ones, and not what a default parameter makes of them", async () => {
    resetCounts();
    const home = temporaryFolder();
    const scaled = func({ id: "scaled", cache, run: (value: number, by: number = 3) => count("scaled") && value * by });
    for (const call of [() => scaled(2), () => scaled(2, undefined), () => scaled(2, 3)]) {
      expect(await runnerFor(home).runner.run(call())).toBe(6);
    }
    expect(counts).toEqual({ scaled: 2 });
  });

  test("whose order does not count give the first caller's answer; ordered ones do not", async () => {
    resetCounts();
    const home = temporaryFolder();
    const first = func({ id: "first", cache, run: (set: Set<string>) => count("first") && [...set][0] });
    const ask = (...names: string[]): Promise<unknown> => runnerFor(home).runner.run(first(new Set(names)));
    expect(await ask("a", "b")).toBe(await ask("b", "a"));
    expect(counts).toEqual({ first: 1 });
    const askInOrder = (...names: string[]): Promise<unknown> =>
      runnerFor(home).runner.run(first(ordered(new Set(names))));
    expect([await askInOrder("a", "b"), await askInOrder("b", "a")]).toEqual(["a", "b"]);
  });
});

describe("files", () => {
  const length = func({ id: "length", cache, run: async (file: FileArtifact) => count("length") && file.text() });
  const lengthOf = func("length of", async (path: string) => length(await FileArtifact.from(path)));

  test("count by their content, not by path or time; one changed byte counts, although size and time are as before", async () => {
    resetCounts();
    const home = temporaryFolder();
    const folder = temporaryFolder();
    const [here, there] = [join(folder, "here.txt"), join(folder, "there.txt")];
    const read = (path: string): Promise<unknown> => runnerFor(home).runner.run(lengthOf(path));
    await writeFile(here, "content");
    await writeFile(there, "content");
    await utimes(there, 1, 1);
    expect([await read(here), await read(there)]).toEqual(["content", "content"]);
    const { atime, mtime } = await stat(here);
    await utimes(here, new Date(), new Date());
    expect(await read(here)).toBe("content");
    expect(counts).toEqual({ length: 1 });
    await writeFile(here, "Content");
    await utimes(here, atime, mtime);
    expect(await read(here)).toBe("Content");
    expect(counts).toEqual({ length: 2 });
  });

  test("that come from a hit are whole, and whoever changes a copy harms nobody", async () => {
    resetCounts();
    const home = temporaryFolder();
    const folder = temporaryFolder();
    const made = func({
      id: "made",
      cache,
      run: async () => {
        count("made");
        await writeFile(join(folder, "tool.sh"), "#!/bin/sh\n");
        await chmod(join(folder, "tool.sh"), 0o755);
        return { tool: await FileArtifact.from(join(folder, "tool.sh")) };
      },
    });
    const spoiled = func("spoiled", async ({ tool }: { tool: FileArtifact }) => {
      const path = await tool.download();
      const text = await readFile(path, "utf8");
      const { mode } = await stat(path);
      await writeFile(path, "spoiled");
      return [text, (mode & 0o100) > 0];
    });
    const spoils = func("spoils", () => spoiled(made()));
    for (let time = 0; time < 3; time += 1) {
      expect(await runnerFor(home).runner.run(spoils())).toEqual(["#!/bin/sh\n", true]);
    }
    expect(counts).toEqual({ made: 1 });
  });
});

test("directories count by their tree: names, contents, executable bits, links as links", async () => {
  resetCounts();
  const home = temporaryFolder();
  const names = func({
    id: "names",
    cache,
    run: (directory: DirectoryArtifact) => count("names") && directory.entries().map(({ path }) => path),
  });
  const namesOf = func("names of", async (path: string) => names(await DirectoryArtifact.from(path)));
  const make = async (): Promise<string> => {
    const folder = join(temporaryFolder(), "tree");
    await mkdir(join(folder, "empty"), { recursive: true });
    await writeFile(join(folder, "a"), "a");
    await writeFile(join(folder, "b"), "b");
    await symlink("a", join(folder, "link"));
    return folder;
  };
  const ask = (folder: string): Promise<unknown> => runnerFor(home).runner.run(namesOf(folder));
  await ask(await make());
  await ask(await make());
  expect(counts).toEqual({ names: 1 });

  const edits: ((folder: string) => Promise<void>)[] = [
    (folder) => writeFile(join(folder, "c"), ""),
    (folder) => rm(join(folder, "b")),
    (folder) => writeFile(join(folder, "b"), "B"),
    (folder) => rm(join(folder, "empty"), { recursive: true }),
    (folder) => chmod(join(folder, "a"), 0o755),
    async (folder) => {
      await rm(join(folder, "link"));
      await symlink("b", join(folder, "link"));
    },
  ];
  for (const [at, edit] of edits.entries()) {
    const folder = await make();
    await edit(folder);
    await ask(folder);
    expect(counts).toEqual({ names: at + 2 });
  }
});

describe("who shares", () => {
  test("is every pipeline of the namespace or, with the scope pipeline, only runs of the same root func", async () => {
    resetCounts();
    const home = temporaryFolder();
    const shared = func({ id: "shared", cache, run: () => count("shared") });
    const apart = func({ id: "apart", cache: { ...cache, scope: "pipeline" }, run: () => count("apart") });
    const one = func("one pipeline", () => [shared(), apart()]);
    const other = func("another pipeline", () => [shared(), apart()]);
    for (let time = 0; time < 2; time += 1) {
      expect(await runnerFor(home).runner.run(one())).toEqual([1, 1]);
      expect(await runnerFor(home).runner.run(other())).toEqual([1, 2]);
    }
  });

  test("is not waited for longer than half a minute", async () => {
    vi.useFakeTimers();
    try {
      const root = func("root of a late namespace", () => 1)();
      const waiting = resolveNamespace(() => new Promise<string>(() => undefined), root) as Promise<string>;
      const outcome = waiting.catch((error: Error) => error.message);
      await vi.advanceTimersByTimeAsync(29_999);
      expect(vi.getTimerCount()).toBe(1);
      await vi.advanceTimersByTimeAsync(1);
      expect(await outcome).toBe("it gave none within 30 s");
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});
