import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { fileURLToPath } from "node:url";
import type { Edge, Run } from "@reprise/core";
import type { Home } from "@reprise/store";
import { describe, expect, test } from "vitest";
import { runChild } from "./testing/child.ts";
import { homeOf, temporaryFolder } from "./testing/temporary-home.ts";
import { verifyHome } from "./testing/verify-home.ts";

const recorded = fileURLToPath(new URL("testing/recorded-pipeline.ts", import.meta.url));

async function record(args: readonly string[] = [], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}) {
  const path = temporaryFolder();
  const ended = await runChild(recorded, ["--home", path, ...args], options);
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  const home = await homeOf(path);
  const { runs } = await verifyHome(home);
  const [pipeline] = await home.backend.listPipelineRuns();
  return { home, pipeline: pipeline!, runs: [...runs.values()] };
}

function named(runs: readonly Run[], name: string): Run {
  const run = runs.find((one) => one.name === name);
  if (run === undefined) throw new Error(`no run is named ${name}`);
  return run;
}

describe("a run", () => {
  test("has the func's description, its text with types, and its place", async () => {
    const { runs } = await record();
    const { func } = named(runs, "double");
    const file = readFileSync(recorded, "utf8");
    expect(func).toMatchObject({ id: "double", description: "Doubles a number.\n\nTwice is enough.", file: recorded });
    expect(func.source).toBe("(value: number): number => value * 2");
    expect(file.split("\n")[func.line! - 1]).toContain('func("double"');
    expect(named(runs, "Described").func).toMatchObject({ id: "described", description: "In words of its own." });
    expect(named(runs, "shared").func.source).toContain("function body(value: readonly number[])");
  });

  test("has its own name, tags and what was set for it, else those of its func", async () => {
    const { runs } = await record();
    expect(named(runs, "Described")).toMatchObject({ name: "Described", tags: ["slow", "gpu"], options: null });
    expect(named(runs, "renamed")).toMatchObject({
      tags: ["mine"],
      options: { name: "renamed", tags: ["mine"], timeout: 60_000, retry: { retries: 1 } },
    });
  });

  test("has its place in the order of creation, its parent, and times in order", async () => {
    const { runs, pipeline } = await record();
    expect(runs.map(({ position }) => position).sort((a, b) => a - b)).toEqual(runs.map((_, at) => at));
    const root = runs.find(({ parentId }) => parentId === null)!;
    expect(root.id).toBe(pipeline.id);
    expect(named(runs, "inner").parentId).toBe(named(runs, "outer").id);
    for (const { createdAt, scheduledAt, startedAt, ranAt, finishedAt } of runs) {
      const times = [createdAt, scheduledAt, startedAt, ranAt, finishedAt];
      expect(times).toEqual(times.toSorted((a, b) => a! - b!));
      expect(times).not.toContain(null);
    }
    expect(pipeline).toMatchObject({ state: "COMPLETE", runs: runs.length, finished: runs.length, failed: 0 });
  });

  test("has its attempts with their failures, and says so in the events", async () => {
    const { home, runs, pipeline } = await record();
    const flaky = named(runs, "flaky");
    expect(flaky).toMatchObject({ state: "RESOLVED", attempt: 3, failure: null });
    const attempts = await home.backend.attemptsOf(flaky.id);
    expect(attempts).toMatchObject([
      { attempt: 1, failure: { name: "RangeError", message: "attempt 1", code: "E_FLAKY" } },
      { attempt: 2, failure: { name: "RangeError", message: "attempt 2" } },
    ]);
    for (const { startedAt, endedAt } of attempts) expect(startedAt).toBeLessThanOrEqual(endedAt);
    const events = await home.backend.eventsOf(pipeline.id);
    expect(events.filter(({ runId }) => runId === flaky.id).map(({ kind, message }) => [kind, message])).toEqual([
      [
        "retry",
        expect.stringMatching(/^attempt 1 of flaky#\w+ failed \(RangeError: attempt 1\); it is tried again at once$/),
      ],
      ["retry", expect.stringMatching(/^attempt 2 of flaky#\w+ failed/)],
    ]);
  });

  test("has its metrics, and its last progress however fast it came", async () => {
    const { home, runs } = await record();
    const reports = named(runs, "reports");
    expect(await home.backend.metricsOf(reports.id)).toMatchObject([
      { name: "loss", value: 0.5, type: "gauge" },
      { name: "rows", value: 10, type: "count" },
      { name: "rows", value: 5, type: "count" },
    ]);
    expect(reports.progress).toEqual({ done: 7, total: 20, note: "seventh" });
    expect(named(runs, "flaky").progress).toEqual({ done: 3, total: null, note: null });
  });
});

describe("edges", () => {
  let home: Home;
  let runs: readonly Run[];

  async function begin(): Promise<void> {
    ({ home, runs } = await record());
  }

  async function edgesInto(name: string): Promise<readonly Partial<Edge>[]> {
    const edges = await home.backend.edgesOf(named(runs, name).id);
    return edges.map(({ runId: _run, ...edge }) => edge);
  }

  const data = { kind: "data", argumentPath: "", sourceRunId: null, sourcePath: "", artifactId: null } as const;

  async function artifactOf(value: unknown): Promise<string> {
    for (const run of runs) {
      for (const { artifactId } of await home.backend.edgesOf(run.id)) {
        if (artifactId === null) continue;
        const stored = JSON.stringify(await home.artifacts.read(artifactId));
        if (stored === JSON.stringify(value)) return artifactId;
      }
    }
    throw new Error(`no argument is ${JSON.stringify(value)}`);
  }

  test("of values as they were given name their artifacts", async () => {
    await begin();
    expect(await edgesInto("literals")).toEqual([
      { ...data, argument: 0, name: "text", artifactId: await artifactOf("text") },
      { ...data, argument: 1, name: "list", artifactId: await artifactOf([1, 2]) },
    ]);
  });

  test("of whole futures name their source", async () => {
    await begin();
    expect(await edgesInto("whole")).toEqual([
      { ...data, argument: 0, name: "value", sourceRunId: named(runs, "double").id },
    ]);
  });

  test("of parts name source and path, and what the body got", async () => {
    await begin();
    const sourceRunId = named(runs, "record").id;
    expect(await edgesInto("part")).toEqual([
      { ...data, argument: 0, name: "value", sourceRunId, sourcePath: ".list[1]" },
      { ...data, argument: 0, name: "value", artifactId: await artifactOf(20) },
    ]);
  });

  test("of values with futures inside name where each of them stood", async () => {
    await begin();
    const double = named(runs, "double").id;
    const source = named(runs, "record").id;
    const [template, ...edges] = await edgesInto("nested");
    expect(template).toMatchObject({ kind: "template", argument: 0, name: "value" });
    expect(edges).toEqual([
      { ...data, argument: 0, name: "value", argumentPath: ".items[0]", sourceRunId: double },
      { ...data, argument: 0, name: "value", argumentPath: ".items[1].deep", sourceRunId: source, sourcePath: ".name" },
      { ...data, argument: 0, name: "value", artifactId: await artifactOf({ items: [8, { deep: "n" }], own: 1 }) },
    ]);
  });

  test("of order carry no value", async () => {
    await begin();
    expect(await edgesInto("afterwards")).toEqual([
      { ...data, kind: "order", argument: -1, name: "", sourceRunId: named(runs, "double").id },
    ]);
  });

  test("of the elements of a map name their items", async () => {
    await begin();
    const elements = runs.filter(({ func, kind }) => func.id === "element" && kind === "func");
    const group = runs.find(({ kind }) => kind === "map")!;
    expect(elements.map(({ parentId }) => parentId)).toEqual(elements.map(() => group.id));
    const [first, second] = elements.sort((a, b) => a.position - b.position);
    const double = named(runs, "double").id;
    expect(await home.backend.edgesOf(first!.id)).toMatchObject([
      { ...data, name: "item", artifactId: await artifactOf(5) },
    ]);
    expect(await home.backend.edgesOf(second!.id)).toMatchObject([{ ...data, name: "item", sourceRunId: double }]);
    expect(await home.artifacts.read(group.output!)).toEqual([5, 8]);
  });
});

describe("a pipeline run", () => {
  test("has who and what executed it, without secrets", async () => {
    const args = ["--api-key", "hunter2", "--db=postgres://me:hunter3@host/db", "--name=value", '{"token":"hunter4"}'];
    const { pipeline } = await record([...args, "PASSWORD=hunter5", "--authToken=hunter6"]);
    const { origin } = pipeline;
    expect(origin).toMatchObject({ user: userInfo().username, host: hostname() });
    expect(origin.versions).toEqual({
      reprise: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
      node: process.versions.node,
      platform: `${process.platform} ${process.arch}`,
    });
    expect(Math.abs(origin.processStartedAt - pipeline.createdAt)).toBeLessThan(60_000);
    expect(origin.command).toContain(recorded);
    expect(origin.command).toContain(
      '--api-key … --db=postgres://…@host/db --name=value "{\\"token\\":\\"…\\"}" PASSWORD=… --authToken=…',
    );
    expect(origin.command).not.toContain("hunter");
  });

  test("has the state of the git work tree, without credentials", async () => {
    const cwd = temporaryFolder();
    const env = { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" };
    const git = (...args: string[]) =>
      execFileSync("git", ["-c", "user.name=A", "-c", "user.email=a@example.com", ...args], {
        cwd,
        encoding: "utf8",
        env: { ...process.env, ...env },
      }).trim();
    git("init", "-q", "-b", "trunk");
    const inside = `${cwd}/inside`;
    mkdirSync(inside);
    expect((await record([], { cwd, env })).pipeline.git).toEqual({
      commit: null,
      branch: "trunk",
      dirty: false,
      remote: null,
    });
    writeFileSync(`${cwd}/file`, "one");
    git("add", "file");
    git("commit", "-q", "-m", "one");
    git("remote", "add", "origin", "https://me:secret@example.com/team/repository.git");
    const commit = git("rev-parse", "HEAD");
    const clean = { commit, branch: "trunk", dirty: false, remote: "https://example.com/team/repository.git" };
    expect((await record([], { cwd: inside, env })).pipeline.git).toEqual(clean);
    writeFileSync(`${cwd}/file`, "two");
    git("checkout", "-q", "--detach");
    expect((await record([], { cwd, env })).pipeline.git).toEqual({ ...clean, branch: null, dirty: true });
  });

  test("has no git state outside a work tree", async () => {
    expect((await record([], { cwd: temporaryFolder() })).pipeline.git).toBeNull();
  });
});
