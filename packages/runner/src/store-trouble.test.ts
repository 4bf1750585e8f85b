import { chmodSync, cpSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { RepriseError } from "@reprise/core";
import { type Home, openHome } from "@reprise/store";
import { describe, expect, test } from "vitest";
import { context } from "./context.ts";
import { func } from "./func.ts";
import { LocalRunner } from "./local-runner.ts";
import type { LocalRunnerOptions } from "./local-runner-options.ts";
import { runChild } from "./testing/child.ts";
import { homeOf, temporaryFolder } from "./testing/temporary-home.ts";
import { verifyHome } from "./testing/verify-home.ts";

/** A runner whose database may grow to so many pages of 4 KiB. */
class SmallRunner extends LocalRunner {
  readonly #path: string;
  readonly #maxPages: number;

  constructor(path: string, maxPages: number, options: LocalRunnerOptions = {}) {
    super(options);
    this.#path = path;
    this.#maxPages = maxPages;
  }

  protected override openHome(): Promise<Home> {
    return openHome({ path: this.#path, maxPages: this.#maxPages });
  }
}

async function failureOf(running: Promise<unknown>): Promise<RepriseError> {
  const error: unknown = await running.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!RepriseError.is(error)) throw new Error(`not an error of ours: ${String(error)}`);
  return error;
}

let stopped: unknown;
const listens = func("listens", async () => {
  const { signal } = context();
  await pause(60_000, undefined, { signal }).catch(() => {
    stopped = signal.reason;
  });
});
const value = func("value", async (number: number, size: number) => {
  await pause(1);
  return `${number} ${"x".repeat(size)}`;
});
const fills = func("fills", async (size: number) => {
  listens();
  for (let number = 0; number < 5_000; number += 1) await value(number, size).$value();
});
const small = func("small", () => "done");
const seen: string[] = [];
const sees = func("sees", async (size: number) => {
  listens();
  for (let number = 0; number < 5_000; number += 1) {
    const made = marked(number, size);
    seen.push((await made.$value()).id);
  }
});
const marked = func("marked", (number: number, size: number) => ({
  id: context().runId,
  number,
  load: "x".repeat(size),
}));

describe("a home that cannot be used", () => {
  test("one that may not be written is an error that says so, before anything runs", async () => {
    const folder = temporaryFolder();
    const home = `${folder}/home`;
    mkdirSync(home);
    for (const path of [folder, home]) chmodSync(path, 0o555);
    const { stdout, code } = await runChild("unwritable-scenario.ts", [home], { unprivileged: true });
    expect(stdout).toMatch(
      /^STORE_READ_ONLY .*home.* cannot be written: .* choose another home with REPRISE_HOME\.\n$/,
    );
    expect(code).toBe(0);
    const missing = await runChild("unwritable-scenario.ts", [`${folder}/missing`], { unprivileged: true });
    expect(missing.stdout).toMatch(/^STORE_READ_ONLY .*missing cannot be written/);
  });

  test("one of a newer release is refused, and a later run of the same runner may succeed", async () => {
    const path = temporaryFolder();
    const runner = new LocalRunner({ home: path });
    await new LocalRunner({ home: path }).run(small());
    const database = new DatabaseSync(`${path}/reprise.db`);
    const { user_version: version } = database.prepare("PRAGMA user_version").get() as { user_version: number };
    database.exec("PRAGMA user_version = 999");
    const error = await failureOf(runner.run(small()));
    expect(error).toMatchObject({
      code: "STORE_TOO_NEW",
      message: expect.stringContaining("Upgrade reprise") as string,
    });
    database.exec(`PRAGMA user_version = ${version}`);
    database.close();
    expect(await runner.run(small())).toBe("done");
  });

  test("blobs that cannot be written stop the pipeline run with the reason", async () => {
    const path = temporaryFolder();
    await new LocalRunner({ home: path }).run(small());
    rmSync(`${path}/blobs`, { recursive: true, force: true });
    writeFileSync(`${path}/blobs`, "in the way");
    stopped = undefined;
    const error = await failureOf(new LocalRunner({ home: path }).run(fills(100_000)));
    expect(error.code).toBe("STORE_FAILED");
    expect(error.message).toMatch(
      /^Pipeline run .* of func "fills" was stopped, .* can no longer be recorded: The blob store /,
    );
    expect(stopped).toMatchObject({ name: "RunCanceledError" });
    const home = await homeOf(path);
    expect((await home.backend.listPipelineRuns()).at(-1)).toMatchObject({ state: "COMPLETE" });
    rmSync(`${path}/blobs`);
    await verifyHome(home);
  });

  test("blobs that this user may not write stop the pipeline run with the remedy", async () => {
    const home = temporaryFolder();
    mkdirSync(`${home}/blobs`);
    chmodSync(home, 0o777);
    chmodSync(`${home}/blobs`, 0o555);
    const { stdout } = await runChild("unwritable-scenario.ts", [home], { unprivileged: true });
    expect(stdout).toMatch(/^STORE_READ_ONLY Pipeline run .* Make it accessible, or choose another home/);
  });
});

describe("a database that is full in the midst of a pipeline run", () => {
  test.for(["ordered", "step"] as const)(
    "ends it with what is wrong, and keeps what was recorded: %s",
    async (durability) => {
      const path = temporaryFolder();
      await new LocalRunner({ home: path }).run(small());
      const events: string[] = [];
      stopped = undefined;
      seen.length = 0;
      const runner = new SmallRunner(path, 400, {
        durability,
        onEvent: (event) => event.type === "pipeline" && events.push(event.state),
      });
      const error = await failureOf(runner.run(sees(5_000)));
      expect(error.code).toBe("STORE_FULL");
      expect(error.message).toMatch(
        /was stopped, .* is full; .* Free some space .*What was recorded before is whole\.$/,
      );
      expect(stopped).toMatchObject({ name: "RunCanceledError" });
      expect(events).toEqual(["RUNNING"]);
      await runner[Symbol.asyncDispose]();

      const home = await homeOf(path);
      const { runs, resolved } = await verifyHome(home);
      expect(resolved).toBeGreaterThan(20);
      expect((await home.backend.listPipelineRuns()).at(-1)).toMatchObject({ funcId: "small", state: "COMPLETE" });
      const lost = seen.filter((id) => runs.get(id)?.state !== "RESOLVED");
      expect(lost.length).toBeLessThanOrEqual(durability === "step" ? 0 : 600);
      // There is room again.
      expect(await new LocalRunner({ home: path }).run(small())).toBe("done");
    },
  );
});

describe("a home that goes away in the midst of a pipeline run", () => {
  const removes = func("removes", async (path: string, back: string) => {
    listens();
    await value(1, 10).$value();
    await pause(20);
    if (back === "") rmSync(path, { recursive: true });
    else {
      renameSync(path, `${path} moved`);
      cpSync(back, path, { recursive: true });
    }
    await value(2, 10).$value();
    await pause(60_000, undefined, { signal: context().signal });
  });

  test("by being removed", async () => {
    const path = `${temporaryFolder()}/home`;
    stopped = undefined;
    const error = await failureOf(new LocalRunner({ home: path }).run(removes(path, "")));
    expect(error.code).toBe("STORE_FAILED");
    expect(error.message).toContain("was removed or replaced while it was in use");
    expect(stopped).toMatchObject({ name: "RunCanceledError" });
    expect(existsSync(`${path}/reprise.db`)).toBe(false);
  });

  test("by being replaced", async () => {
    const folder = temporaryFolder();
    const other = `${folder}/other`;
    await using runner = new LocalRunner({ home: other });
    await runner.run(small());
    await runner[Symbol.asyncDispose]();
    const path = `${folder}/home`;
    const error = await failureOf(new LocalRunner({ home: path }).run(removes(path, other)));
    expect(error.message).toContain("was removed or replaced while it was in use");
    const home = await homeOf(path);
    expect(await home.backend.listPipelineRuns()).toMatchObject([{ funcId: "small" }]);
  });
});

test("arguments that cannot be stored leave no trace", async () => {
  const path = temporaryFolder();
  const takes = func("takes", (callback: unknown) => typeof callback);
  const error = await failureOf(new LocalRunner({ home: path }).run(takes(() => undefined)));
  expect(error.code).toBe("VALUE_NOT_STORABLE");
  const home = await homeOf(path);
  expect(await home.backend.listPipelineRuns()).toEqual([]);
});

test("a pipeline run that somebody else canceled in the store stops", async () => {
  const path = temporaryFolder();
  const { backend } = await homeOf(path);
  stopped = undefined;
  const canceledBy = func("canceled by", async () => {
    listens();
    await value(1, 1).$value();
    await pause(20);
    await backend.cancelPipelineRun(context().rootId, "by hand", Date.now());
    for (let number = 0; number < 100; number += 1) await value(number, 1).$value();
  });
  const error = await failureOf(new LocalRunner({ home: path }).run(canceledBy()));
  expect(error).toMatchObject({ name: "PipelineRunError", state: "CANCELED" });
  expect(stopped).toMatchObject({ name: "RunCanceledError" });
  expect(await backend.listPipelineRuns()).toMatchObject([{ state: "CANCELED" }]);
  await verifyHome(await homeOf(path));
});
