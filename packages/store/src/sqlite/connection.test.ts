import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type ErrorCode, RepriseError } from "@reprise/core";
import { describe, expect, test } from "vitest";
import { artifactOf, batch, idOf, runWrite, startPipeline } from "../testing/batches.ts";
import { batchesModule, runNode, storeIndex, temporaryFolder } from "../testing/processes.ts";
import { schemaVersion } from "./migrations.ts";
import { SqliteBackend } from "./sqlite-backend.ts";

/** Passes for an error of reprise with this code whose message matches. */
function failure(code: ErrorCode, message: RegExp) {
  return (error: unknown) => RepriseError.is(error, code) && message.test(error.message);
}

const imports = `
  import { SqliteBackend } from ${JSON.stringify(storeIndex)};
  import { artifactOf, batch, idOf, runWrite, startPipeline } from ${JSON.stringify(batchesModule)};`;

const report = "(error) => { console.log(error.code + ' ' + error.message); }";

async function newDatabase(): Promise<string> {
  const path = join(await temporaryFolder(), "reprise.db");
  await using backend = SqliteBackend.open(path);
  await startPipeline(backend);
  return path;
}

describe("opening", () => {
  test("a new database is closed to other users, and so is its folder", async () => {
    const folder = join(await temporaryFolder(), "a", "home");
    await using backend = SqliteBackend.open(join(folder, "reprise.db"));
    await startPipeline(backend);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    for (const file of await readdir(folder)) expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600);
  });

  test("processes that open a fresh database at the same moment all succeed, and it is made once", async () => {
    for (let round = 0; round < 3; round++) {
      const folder = await temporaryFolder();
      const path = join(folder, "reprise.db");
      const script = `${imports}
        import { readdirSync, writeFileSync } from "node:fs";
        writeFileSync(${JSON.stringify(folder)} + "/ready-" + process.pid, "");
        while (readdirSync(${JSON.stringify(folder)}).filter((name) => name.startsWith("ready-")).length < 8);
        const backend = SqliteBackend.open(${JSON.stringify(path)});
        await startPipeline(backend);
        await backend[Symbol.asyncDispose]();`;
      const ended = await Promise.all(Array.from({ length: 8 }, () => runNode(script)));
      expect(ended.map(({ code, stderr }) => (code === 0 ? "" : stderr)).join("")).toBe("");
      await using backend = SqliteBackend.open(path);
      expect(await backend.statistics()).toMatchObject({ pipelineRuns: 8, runs: 8 });
    }
  });

  test("a database of this release is opened as it is, and every commit is on disk when it returns", async () => {
    const path = await newDatabase();
    using database = new DatabaseSync(path, { readOnly: true });
    expect(database.prepare("PRAGMA user_version").get()).toEqual({ user_version: schemaVersion });
    expect(database.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
  });
});

describe("a home that cannot be written", () => {
  test("a read-only file or folder is an error that says so, and can still be read", async () => {
    const path = await newDatabase();
    const folder = join(path, "..");
    await chmod(folder, 0o777);
    await chmod(path, 0o444);
    const open = `${imports} try { SqliteBackend.open(${JSON.stringify(path)}) } catch (error) { (${report})(error) }`;
    const file = await runNode(open, { unprivileged: true });
    expect(file.stdout).toMatch(/^STORE_READ_ONLY .*reprise\.db cannot be written.*REPRISE_HOME/);

    await chmod(folder, 0o555);
    const read = await runNode(
      `${imports}
       await using backend = SqliteBackend.open(${JSON.stringify(path)}, { readOnly: true });
       console.log((await backend.listPipelineRuns()).length);
       await startPipeline(backend).catch(${report});`,
      { unprivileged: true },
    );
    expect(read.stdout).toMatch(/^1\nSTORE_READ_ONLY /);
    expect(await readdir(folder)).toEqual(["reprise.db"]);

    const missing = join(folder, "new.db");
    const create = await runNode(
      `${imports} try { SqliteBackend.open(${JSON.stringify(missing)}) } catch (error) { (${report})(error) }`,
      { unprivileged: true },
    );
    expect(create.stdout).toMatch(/^STORE_READ_ONLY .*new\.db cannot be written/);
    await chmod(folder, 0o755);
  });

  test("a full disk refuses the batch as a whole; what was there stays, and the batch can be written later", async () => {
    const path = join(await temporaryFolder(), "reprise.db");
    const small = SqliteBackend.open(path, { maxPages: 80 });
    const root = await startPipeline(small);
    const make = () => {
      const output = artifactOf(small, `${"x".repeat(20_000)}${Math.random()}`);
      return batch({ artifacts: [output], runs: [runWrite(root, { state: "RESOLVED", output: output.ref })] });
    };
    let written = 0;
    let failed = make();
    expect(() => {
      for (; ; written++) {
        failed = make();
        small.commit(failed);
      }
    }).toThrow(expect.toSatisfy(failure("STORE_FULL", /is full.*reprise gc/s)) as Error);
    expect(written).toBeGreaterThan(2);
    expect(failed.runs[0]?.ref.key).toBe(0);
    expect(await small.statistics()).toMatchObject({ runs: written + 1, artifacts: written });
    expect(() => small.commit(failed)).toThrow(/is full/);
    await small[Symbol.asyncDispose]();

    await using larger = SqliteBackend.open(path);
    expect(await larger.check()).toEqual([]);
    larger.commit(failed);
    expect(await larger.getPipelineRun(idOf(root))).toMatchObject({ runs: written + 2, finished: written + 1 });
  });
});

describe("damage", () => {
  test("a file that is no database, or a damaged one, is an error that says what to do", async () => {
    const path = join(await temporaryFolder(), "reprise.db");
    await writeFile(
      path,
      "this is no database at all, and long enough to have a header of one hundred bytes ".repeat(20),
    );
    expect(() => SqliteBackend.open(path)).toThrow(
      expect.toSatisfy(failure("STORE_FAILED", /is damaged.*backup.*move it away/s)) as Error,
    );
    expect(await readFile(path, "utf8")).toMatch(/^this is no database/);
  });

  test("a check finds pages that were overwritten and rows whose owner is gone", async () => {
    const path = await newDatabase();
    {
      await using backend = SqliteBackend.open(path);
      const root = await startPipeline(backend);
      const runs = Array.from({ length: 500 }, () => runWrite(root));
      backend.commit(batch({ runs, artifacts: runs.map((_, index) => artifactOf(backend, index)) }));
      expect(await backend.check()).toEqual([]);
    }
    {
      const database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
      database.exec("DELETE FROM funcs; PRAGMA wal_checkpoint(TRUNCATE)");
      database.close();
      await using backend = SqliteBackend.open(path);
      expect((await backend.check()).join("\n")).toMatch(/^runs \d+ has no funcs/);
    }
    const bytes = await readFile(path);
    bytes.fill(0x5a, 4096 * 10, 4096 * 14);
    await writeFile(path, bytes);
    await using damaged = SqliteBackend.open(path);
    const problems = await damaged.check().catch((error: unknown) => [String(error)]);
    expect(problems.length).toBeGreaterThan(0);
  });

  test("a database that its maker left empty is made by the next writer, and looks empty to a reader", async () => {
    const path = join(await temporaryFolder(), "reprise.db");
    await writeFile(path, "");
    {
      await using reader = SqliteBackend.open(path, { readOnly: true });
      expect(await reader.listPipelineRuns()).toEqual([]);
    }
    await using backend = SqliteBackend.open(path);
    await startPipeline(backend);
    expect(await backend.listPipelineRuns()).toHaveLength(1);
  });

  test("a writer that is killed at any moment leaves whole batches, every one that it reported", async () => {
    const path = join(await temporaryFolder(), "reprise.db");
    const script = `${imports}
      import { writeSync } from "node:fs";
      const backend = SqliteBackend.open(${JSON.stringify(path)});
      const root = await startPipeline(backend);
      const killAfter = Number(process.env.KILL_AFTER);
      setTimeout(() => {}, 60_000);
      // Its own timer cannot fire while commits run one after the other, so another thread kills.
      new (await import("node:worker_threads")).Worker(
        "setTimeout(() => process.kill(" + process.pid + ", 'SIGKILL'), " + killAfter + ")", { eval: true });
      for (let index = 0; ; index++) {
        const runs = Array.from({ length: 20 }, (_, part) => runWrite(root, { state: "RESOLVED", position: index }));
        const artifacts = runs.map((run, part) => artifactOf(backend, [process.pid, index, part]));
        runs.forEach((run, part) => { run.output = artifacts[part].ref });
        backend.commit(batch({ artifacts, runs }));
        writeSync(1, idOf(root) + " " + index + "\\n");
      }`;
    let kept = 0;
    for (const after of [30, 45, 60, 75, 90, 120, 150, 200]) {
      const { signal, stdout } = await runNode(script, { env: { KILL_AFTER: String(after) } });
      expect(signal).toBe("SIGKILL");
      await using backend = SqliteBackend.open(path);
      const [root = "", last = "-1"] = stdout.trim().split("\n").at(-1)?.split(" ") ?? [];
      if (root === "") continue;
      const runs = (await backend.listRuns(root)).slice(1);
      // One more batch may have been written than was reported, but never a part of one.
      expect(runs.length % 20).toBe(0);
      expect([Number(last) + 1, Number(last) + 2]).toContain(runs.length / 20);
      expect(runs.every(({ output }) => output !== null)).toBe(true);
      expect(await backend.getPipelineRun(root)).toMatchObject({ runs: runs.length + 1, finished: runs.length });
      expect(await backend.check()).toEqual([]);
      kept += runs.length;
    }
    expect(kept).toBeGreaterThan(0);
  });
});

test("the query builder is loaded at the first read, not by opening or writing", async () => {
  const path = join(await temporaryFolder(), "reprise.db");
  await mkdir(join(path, ".."), { recursive: true });
  const script = `
    import { registerHooks } from "node:module";
    const loaded = [];
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
    const { SqliteBackend } = await import(${JSON.stringify(storeIndex)});
    const { startPipeline } = await import(${JSON.stringify(batchesModule)});
    const backend = SqliteBackend.open(${JSON.stringify(path)});
    await startPipeline(backend);
    const builder = () => loaded.some((url) => url.includes("/kysely/"));
    console.log(builder());
    await backend.listPipelineRuns();
    console.log(builder());`;
  expect((await runNode(script)).stdout).toBe("false\ntrue\n");
});
