import { chmod, readdir, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { RepriseError } from "@reprise/core";
import { expect, onTestFinished, test } from "vitest";
import { ask, put, write } from "./cache/testing/entries.ts";
import { until } from "./cache/testing/live-process.ts";
import { homePath, openHome, openHomeForReading } from "./home.ts";
import { thisProcess } from "./process-gone.ts";
import { artifactOf, batch, idOf, newRef, pipelineRun, startPipeline } from "./testing/batches.ts";
import { runNode, storeIndex, temporaryFolder } from "./testing/processes.ts";

test("the home is the given folder, else REPRISE_HOME, else .reprise in the user's", () => {
  const before = process.env["REPRISE_HOME"];
  onTestFinished(() => {
    if (before === undefined) delete process.env["REPRISE_HOME"];
    else process.env["REPRISE_HOME"] = before;
  });
  process.env["REPRISE_HOME"] = "some/home";
  expect(homePath("other")).toBe(resolve("other"));
  expect(homePath()).toBe(resolve("some/home"));
  delete process.env["REPRISE_HOME"];
  expect(homePath()).toBe(join(homedir(), ".reprise"));
});

test("a home is made closed to other users, and its parts when they are used", async () => {
  const path = join(await temporaryFolder(), "a", "home");
  await using home = await openHome({ path });
  expect((await stat(path)).mode & 0o777).toBe(0o700);
  expect(await readdir(path)).toEqual([]);
  await home.settings.set("CONCURRENCY", "1");
  expect(await readdir(path)).toEqual(["settings.json"]);
  await startPipeline(home.backend);
  expect(await readdir(path)).toContain("reprise.db");
  await chmod(path, 0o755);
  await using again = await openHome({ path });
  expect((await stat(again.path)).mode & 0o777).toBe(0o700);
});

test("looking at a home that is not there shows an empty one and creates nothing", async () => {
  const folder = await temporaryFolder();
  await using home = await openHomeForReading({ path: join(folder, "home") });
  expect(await home.backend.listPipelineRuns()).toEqual([]);
  expect(await home.backend.statistics()).toEqual({ pipelineRuns: 0, runs: 0, artifacts: 0, bytes: 0 });
  expect(home.backend.place).toBe(join(folder, "home", "reprise.db"));
  await expect(home.artifacts.read("ab".repeat(32))).rejects.toSatisfy((error) =>
    RepriseError.is(error, "ARTIFACT_NOT_FOUND"),
  );
  expect(await Array.fromAsync(home.blobs.list())).toEqual([]);
  expect(await home.settings.get("CONCURRENCY")).toBeUndefined();
  expect(await home.cache.list()).toEqual([]);
  expect(await ask(home.cache, "key", "run 1", { lease: false })).toEqual({ type: "free", expired: false });
  expect(await home.cache.clear({}, { dryRun: true })).toMatchObject({ entries: 0 });
  await expect(ask(home.cache, "key", "run 1")).rejects.toMatchObject({ code: "STORE_READ_ONLY" });
  await expect(async () => startPipeline(home.backend)).rejects.toSatisfy((error) =>
    RepriseError.is(error, "STORE_READ_ONLY"),
  );
  expect(await readdir(folder)).toEqual([]);
});

test("looking at a home sees what a running driver has written, and cannot change it", async () => {
  const path = await temporaryFolder();
  await using driver = await openHome({ path });
  await using reader = await openHomeForReading({ path });
  await startPipeline(driver.backend);
  expect(await reader.backend.listPipelineRuns()).toHaveLength(1);
  await startPipeline(driver.backend);
  expect(await reader.backend.listPipelineRuns()).toHaveLength(2);
  expect(() => reader.backend.commit(batch({ artifacts: [artifactOf(reader.backend, 1)] }))).toThrow(
    /cannot be written/,
  );
});

test("the cache is a file of its own that is opened by whoever uses it; its damage leaves the records alone", async () => {
  const path = await temporaryFolder();
  await writeFile(join(path, "cache.db"), "this is no database ".repeat(100));
  await using home = await openHome({ path });
  const { cache } = home;
  expect(cache.place).toBe(join(path, "cache.db"));
  await expect(cache.list()).rejects.toMatchObject({ code: "STORE_FAILED" });
  await startPipeline(home.backend);
  expect(await home.backend.listPipelineRuns()).toHaveLength(1);

  await rm(join(path, "cache.db"));
  await write(cache, { puts: [put("key")] });
  await using reader = await openHomeForReading({ path });
  expect(await reader.cache.list()).toHaveLength(1);
  expect((await stat(join(path, "cache.db"))).mode & 0o777).toBe(0o600);
});

test("a home that cannot be made is an error that says what to do", async () => {
  const folder = await temporaryFolder();
  const script = `
    import { openHome } from ${JSON.stringify(storeIndex)};
    await openHome({ path: ${JSON.stringify(join(folder, "home"))} }).catch(({ code, message }) => console.log(code, message));`;
  const { stdout } = await runNode(script, { unprivileged: true });
  expect(stdout).toMatch(/^STORE_READ_ONLY .*home cannot be written.*REPRISE_HOME/);
});

test.runIf(process.platform === "linux")("nor does one below a folder that takes none hang", async () => {
  // Node's own recursive mkdir never returns for this path, so it is tried in a process that can be killed.
  const script = `
    import { openHome } from ${JSON.stringify(storeIndex)};
    await openHome({ path: "/proc/reprise/home" }).catch(({ code, message }) => console.log(code, message));`;
  const { stdout } = await runNode(script, {});
  expect(stdout).toMatch(/^STORE_READ_ONLY .*home cannot be written/);
});

test("a home below a file is refused like any other that cannot be made", async () => {
  const file = join(await temporaryFolder(), "notes.txt");
  await writeFile(file, "not a folder");
  await expect(openHome({ path: join(file, "home") })).rejects.toMatchObject({ code: "STORE_READ_ONLY" });
});

test("times of leases that a home is opened with are those of the pipeline runs that it drives", async () => {
  const path = join(await temporaryFolder(), "home");
  await using home = await openHome({ path, lease: { heartbeat: 20, grace: 1_234 } });
  const root = newRef();
  await home.backend.commit(batch({ pipelineRuns: [{ root, run: pipelineRun(root), driver: thisProcess() }] }));
  await using _alive = home.backend.keepAlive({ root, fence: 1 });
  const patience = await until(async () => {
    const known = await home.backend.driverOf(idOf(root));
    return known?.patience === 600_000 ? undefined : known?.patience;
  });
  expect(patience).toBe(1_234);
});
