import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { jsonLines, Project } from "../testing/project.ts";

const pipeline = `
import { func } from "reprise";
export const one = func("one", () => "x".repeat(100_000));
`;
const stuck = `
import { func } from "reprise";
import { setTimeout as sleep } from "node:timers/promises";
export const stuck = func("stuck", async () => { console.log("begins"); await sleep(50); console.log("goes on"); await sleep(60_000); });
`;

describe("reprise", () => {
  it("explains itself and each command", async () => {
    using project = new Project();
    const all = await project.run("--help");
    expect(all).toMatchObject({ code: 0, stderr: "" });
    for (const word of ["run", "ls", "show", "logs", "artifact get", "gc", "settings set", "doctor", "Exit codes"]) {
      expect(all.stdout).toContain(word);
    }
    expect((await project.run("run", "--help")).stdout).toContain("--input JSON");
    expect((await project.run("help", "artifact", "get")).stdout).toContain("--out FILE");
    expect((await project.run("help", "settings")).stdout).toContain("settings delete KEY");
    expect(await project.run()).toMatchObject({ code: 2, stdout: "" });
  });

  it("tells its version", async () => {
    using project = new Project();
    const manifest = JSON.parse(readFileSync(join(project.folder, "node_modules/reprise/package.json"), "utf8")) as {
      version: string;
    };
    expect((await project.run("version")).stdout).toBe(`${manifest.version}\n`);
    expect(await project.json("version")).toMatchObject({ version: manifest.version, node: process.versions.node });
  });

  it("knows what was meant by a command that is not there", async () => {
    using project = new Project();
    const told = async (...args: readonly string[]) => {
      const { code, stderr } = await project.run(...args);
      expect(code).toBe(2);
      return stderr;
    };
    expect(await told("shwo")).toContain('Did you mean "reprise show"?');
    expect(await told("pipeline.ts")).toContain("reprise run pipeline.ts");
    expect(await told("artifact")).toContain("reprise artifact get");
    expect(await told("settings", "ste")).toContain("reprise settings set");
    expect(await project.json("shwo")).toMatchObject({ type: "error", error: { code: "USAGE", exitCode: 2 } });
  });

  it("creates nothing when it only looks", async () => {
    using project = new Project();
    expect((await project.run("ls")).stdout).toContain("reprise run FILE");
    expect((await project.run("show", "latest")).code).toBe(4);
    expect((await project.run("doctor")).code).toBe(0);
    expect(existsSync(project.home)).toBe(false);
  });

  it("colors only when it is asked to", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    const escapes = async (env: Record<string, string>) =>
      (await project.start(["doctor"], { env }).finished).stdout.includes("\x1b[");
    expect(await escapes({})).toBe(false);
    expect(await escapes({ FORCE_COLOR: "1" })).toBe(true);
  });
});

describe("reprise settings", () => {
  it("sets, gets, lists and deletes; secrets come from standard input and are masked in the list", async () => {
    using project = new Project();
    expect((await project.run("settings", "set", "SNOWFLAKE_USER", "ada")).code).toBe(0);
    expect((await project.start(["settings", "set", "SNOWFLAKE_PASSWORD"], { input: "s3cret\n" }).finished).code).toBe(
      0,
    );
    expect((await project.run("settings", "get", "SNOWFLAKE_PASSWORD")).stdout).toBe("s3cret\n");
    const list = (await project.run("settings", "list")).stdout;
    expect(list).toMatch(/SNOWFLAKE_USER +ada/);
    expect(list).not.toContain("s3cret");
    expect(statSync(join(project.home, "settings.json")).mode & 0o077).toBe(0);
    expect((await project.run("settings", "delete", "SNOWFLAKE_USER")).code).toBe(0);
    expect(await project.run("settings", "get", "SNOWFLAKE_USER")).toMatchObject({ code: 4, stdout: "" });
  });

  it("refuses unknown keys before it asks for a value, and empty values", async () => {
    using project = new Project();
    const unknown = await project.run("settings", "set", "SNOWFLAKE_USR");
    expect(unknown.stderr).toContain("SNOWFLAKE_USER");
    expect(unknown.code).toBe(4);
    expect((await project.run("settings", "set", "SNOWFLAKE_USER")).stderr).toContain("is empty");
  });
});

describe("reprise gc", () => {
  it("tells what it would remove, and removes it", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    await project.run("run", "pipeline.ts");
    expect((await project.run("gc", "--dry-run", "--older-than", "1ms")).stdout).toMatch(
      /^Would remove 1 pipeline runs, 1 runs/,
    );
    expect(await project.json("ls")).toMatchObject({ pipelineRuns: [{ name: "one" }] });
    expect(await project.json("gc", "--older-than", "1ms")).toMatchObject({ dryRun: false, pipelineRuns: 1, runs: 1 });
    expect(await project.json("ls")).toEqual({ pipelineRuns: [] });
    expect((await project.run("gc", "--older-than", "30")).stderr).toContain("30d");
  });
});

describe("reprise doctor", () => {
  it("finds pipeline runs whose process is gone, tells how to go on with them, and ends them", async () => {
    using project = new Project({ "stuck.ts": stuck });
    const { child, seen, finished } = project.start(["run", "stuck.ts", "--json"]);
    await seen("goes on");
    const { pipelineRuns } = (await project.json("ls")) as { pipelineRuns: { id: string; origin: { pid: number } }[] };
    const id = pipelineRuns[0]?.id.slice(-8) ?? "";
    expect((await project.run("doctor")).code).toBe(0);
    expect((await project.run("ls")).stdout).toMatch(/● running +stuck/);
    // Both at once, so that neither can record the end of the other.
    child.kill("SIGKILL");
    process.kill(pipelineRuns[0]!.origin.pid, "SIGKILL");
    await finished;
    expect((await project.run("ls")).stdout).toMatch(
      new RegExp(`! interrupted +stuck [\\s\\S]*\n\nTo go on: reprise resume ${id}\n$`),
    );
    expect(await project.json("ls")).toMatchObject({ pipelineRuns: [{ state: "RUNNING", interrupted: true }] });
    expect((await project.run("show", "latest")).stdout).toMatch(
      new RegExp(`^! interrupted {2}stuck .*\nstarted [-:\\d ]+\nnobody .* reprise resume ${id}\n`),
    );
    const before = (await project.json("doctor")) as {
      ok: boolean;
      findings: { check: string; status: string; remedy?: string }[];
    };
    expect(before.ok).toBe(false);
    const found = before.findings.find(({ check }) => check === "runs");
    expect(found).toMatchObject({ status: "problem", remedy: expect.stringContaining(`reprise resume ${id} `) });
    expect((await project.run("doctor")).code).toBe(1);
    expect((await project.run("doctor", "--fix")).stdout).toContain("canceled now");
    expect((await project.run("doctor")).code).toBe(0);
    expect(await project.json("ls")).toMatchObject({ pipelineRuns: [{ state: "CANCELED", interrupted: false }] });
  });

  it("closes a store that others may enter", async () => {
    using project = new Project();
    mkdirSync(project.home, { mode: 0o755 });
    chmodSync(project.home, 0o755);
    expect(await project.json("doctor")).toMatchObject({
      findings: expect.arrayContaining([expect.objectContaining({ check: "home", status: "warning" })]),
    });
    await project.run("doctor", "--fix");
    expect(statSync(project.home).mode & 0o777).toBe(0o700);
  });

  it("moves a damaged cache away, which costs time and no result", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    expect((await project.run("run", "pipeline.ts", "--quiet")).code).toBe(0);
    writeFileSync(join(project.home, "cache.db"), "this is no database, and long enough to be looked at ".repeat(100));
    const findings = async (...args: readonly string[]) => {
      const told = (await project.json("doctor", ...args)) as { findings: { check: string; status: string }[] };
      return told.findings.find(({ check }) => check === "cache")?.status;
    };
    expect(await findings()).toBe("problem");
    expect(await findings("--fix")).toBe("fixed");
    expect(await findings()).toBe("ok");
    expect(existsSync(join(project.home, "cache.db.damaged"))).toBe(true);
  });

  it("tells of a store that is no store, which is also what every other command does, with 3", async () => {
    using project = new Project();
    mkdirSync(project.home, { mode: 0o700 });
    writeFileSync(
      join(project.home, "reprise.db"),
      "this is no database, and long enough to be looked at ".repeat(100),
    );
    expect((await project.run("doctor")).code).toBe(1);
    const { code, stderr } = await project.run("ls");
    expect(stderr).toContain("reprise.db");
    expect(code).toBe(3);
    expect(jsonLines((await project.run("ls", "--json")).stdout)[0]).toMatchObject({ error: { exitCode: 3 } });
  });
});
