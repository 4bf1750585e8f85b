import { copyFileSync, mkdirSync, symlinkSync } from "node:fs";
import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { context } from "./context.ts";
import { func } from "./func.ts";
import { LocalRunner } from "./local-runner.ts";
import { runChild } from "./testing/child.ts";
import { SlowRunner } from "./testing/slow-blobs.ts";
import { homeOf, temporaryFolder } from "./testing/temporary-home.ts";
import { verifyHome } from "./testing/verify-home.ts";

const letters = func("letters", (length: number) => "a".repeat(length) + Math.random());
const both = func("both", (left: string, right: string) => left.length + right.length);
const flaky = func({
  id: "flaky",
  retry: { retries: 2 },
  run: async (length: number) => {
    await turn();
    if (context().attempt === 1) throw new Error("again");
    return length;
  },
});
const step = func("step", (length: number) => both(letters(length), letters(length * 100)));
const mixed = func("mixed", async () => {
  let length = 1;
  for (let round = 0; round < 12; round += 1) {
    length = (await step(length % 977).$value()) + round;
    // Time for the disk to keep up: what is on disk is to be seen at many stages.
    await pause(5);
  }
  return [flaky(length), step(3), flaky.map([1, 2, 3])];
});

describe("ordered", () => {
  test("what is on disk is at every moment a prefix of what happened", async () => {
    const path = temporaryFolder();
    const copies: string[] = [];
    const copy = (): void => {
      const to = `${path}/copies/${copies.length}`;
      mkdirSync(to, { recursive: true });
      // Commits are synchronous, so between two events no file is half written.
      for (const file of ["reprise.db", "reprise.db-wal"]) copyFileSync(`${path}/${file}`, `${to}/${file}`);
      symlinkSync(`${path}/blobs`, `${to}/blobs`);
      copies.push(to);
    };
    let events = 0;
    const runner = new LocalRunner({
      home: path,
      onEvent: (event) => {
        if (event.type === "run" && (events += 1) % 7 === 0) copy();
      },
    });
    await runner.run(mixed());
    const resolved: number[] = [];
    for (const folder of copies) {
      await using home = await homeOf(folder);
      resolved.push((await verifyHome(home)).resolved);
    }
    expect(resolved.length).toBeGreaterThan(15);
    expect(resolved).toEqual(resolved.toSorted((a, b) => a - b));
    expect(new Set(resolved).size).toBeGreaterThan(3);
  });

  test("a result is told when it is on disk, not before", async () => {
    const path = temporaryFolder();
    const gate = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const states: string[] = [];
    const runner = new SlowRunner(
      path,
      () => {
        asked.resolve();
        return gate.promise;
      },
      { onEvent: (event) => (event.type === "run" || event.type === "pipeline") && states.push(event.state) },
    );
    let told = false;
    const result = runner.run(letters(70_000)).then((value) => {
      told = true;
      return value;
    });
    await asked.promise;
    for (let turns = 0; turns < 50; turns += 1) await turn();
    expect(states).toContain("RESOLVED");
    expect(states).not.toContain("COMPLETE");
    expect(told).toBe(false);
    gate.resolve();
    expect((await result).length).toBeGreaterThan(70_000);
    expect(states.at(-1)).toBe("COMPLETE");
    const { backend } = await homeOf(path);
    expect(await backend.listPipelineRuns()).toMatchObject([{ state: "COMPLETE", runs: 1, finished: 1 }]);
  });
});

describe("step", () => {
  const id = func("id", (load: string) => ({ id: context().runId, load }));

  test("what a run depends on is on disk before it begins", async () => {
    const path = temporaryFolder();
    const { backend } = await homeOf(path);
    const states: (string | undefined)[] = [];
    const look = func("look", async (value: { id: string }) => {
      states.push((await backend.getRun(value.id))?.state);
    });
    const looks = func("looks", async () => {
      for (const length of [1, 70_000, 200_000]) {
        const value = id("a".repeat(length));
        look(value);
        states.push((await backend.getRun((await value.$value()).id))?.state);
      }
    });
    await new LocalRunner({ home: path, durability: "step" }).run(looks());
    expect(states).toEqual(Array.from({ length: 6 }, () => "RESOLVED"));
  });
});

describe("memory", () => {
  test("no body starts while too much waits for a slow disk", async () => {
    const gate = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    let waiting = 0;
    let most = 0;
    const runner = new SlowRunner(temporaryFolder(), async () => {
      waiting += 1;
      most = Math.max(most, waiting);
      asked.resolve();
      await gate.promise;
      waiting -= 1;
    });
    let started = 0;
    const large = func("large", (number: number) => {
      started += 1;
      return new Uint8Array(4 * 1024 * 1024).fill(number);
    });
    const size = func("size", (value: Uint8Array) => value.length);
    const many = func("many", () => Array.from({ length: 80 }, (_, number) => size(large(number))));
    const result = runner.run(many());
    await asked.promise;
    for (let turns = 0; turns < 200; turns += 1) await turn();
    // 128 MiB of values that are not on disk are enough.
    expect(started).toBeGreaterThanOrEqual(32);
    expect(started).toBeLessThan(40);
    gate.resolve();
    expect(await result).toHaveLength(80);
    expect(started).toBe(80);
    expect(most).toBeLessThan(40);
  });

  test("a driver that holds a gigabyte of values stays small, and reads them again", { timeout: 180_000 }, async () => {
    const count = 50;
    const args = [temporaryFolder(), String(count), String(20 * 1024 * 1024)];
    const { stdout, stderr } = await runChild("large-values.ts", args, { flags: ["--max-old-space-size=400"] });
    expect(stderr).toBe("");
    const { sum, megabytes } = JSON.parse(stdout) as { sum: number; megabytes: number };
    const numbers = Array.from({ length: count }, (_, number) => (number % 5 === 4 ? number % 10 : number));
    expect(sum).toBe(numbers.reduce((total, number) => total + number, 0));
    expect(megabytes).toBeLessThan(700);
  });
});
