import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import { jsonLines, Project } from "../testing/project.ts";
import { DriverProcess } from "./driver-process.ts";
import { Interrupts } from "./interrupts.ts";

const pipeline = `
import { context, func } from "reprise";
import { setTimeout as sleep } from "node:timers/promises";

const patient = func("patient", async (n: number) => {
  console.log("patient begins");
  await sleep(60_000, undefined, { signal: context().signal });
  return n;
});
const deaf = func("deaf", async () => { console.log("deaf begins"); await sleep(60_000); return 1; });
const after = func("after", (a: unknown) => a);
const block = func("block", () => { console.log("block begins"); for (;;) {} });
const quit = func("quit", () => { process.exit(7); });
const crash = func("crash", () => { process.kill(process.pid, "SIGSEGV"); return new Promise(() => {}); });
const leak = func("leak", () => { const all: unknown[] = []; for (;;) all.push(new Array(1_000_000).fill({})); });

// Long enough that what has begun is in the store.
const first = func("first", async () => { await sleep(50); return 1; });

const tidies = func({
  id: "tidies",
  standalone: true,
  run: async () => {
    process.on("SIGTERM", () => setTimeout(() => { console.log("tidied up"); process.exit(); }, 2_500));
    console.log("tidies begins");
    await sleep(60_000);
  },
});

export const worker = func("worker", () => tidies());
export const waits = func("waits", () => after([patient(1), patient(2)]));
export const ignores = func("ignores", () => after(deaf()));
export const blocks = func("blocks", async () => { await first().$value(); return after([patient(1), block()]); });
export const quits = func("quits", async () => { await first().$value(); return after([patient(1), quit()]); });
export const crashes = func("crashes", async () => { await first().$value(); return after([patient(1), crash()]); });
export const leaks = func("leaks", async () => { await first().$value(); return leak(); });
`;

async function states(
  project: Project,
): Promise<{ readonly pipeline: string; readonly runs: Record<string, string>; readonly reasons: string }> {
  const { pipelineRun, runs } = (await project.json("show", "latest")) as {
    pipelineRun: { state: string };
    runs: { name: string; state: string; reason: string | null }[];
  };
  return {
    pipeline: pipelineRun.state,
    runs: Object.fromEntries(runs.map(({ name, state }) => [name, state])),
    reasons: runs.map(({ reason }) => reason).join("; "),
  };
}

describe("Ctrl-C", () => {
  it("once cancels: every unfinished run is canceled in the store, the command exits with 130", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    const { child, seen, finished } = project.start(["run", "pipeline.ts:waits"]);
    await seen("patient begins");
    child.kill("SIGINT");
    const { code, stderr } = await finished;
    expect(code).toBe(130);
    expect(stderr).toMatch(/⊘ waits canceled/);
    const left = await states(project);
    expect(left).toMatchObject({
      pipeline: "CANCELED",
      runs: { waits: "CANCELED", patient: "CANCELED", after: "CANCELED" },
    });
    expect(left.reasons).toContain("Ctrl-C");
  });

  it("does not wait for a body that ignores the cancellation", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    const { child, seen, finished } = project.start(["run", "pipeline.ts:ignores", "--json"]);
    await seen("deaf begins");
    const start = Date.now();
    child.kill("SIGINT");
    const { code, stdout } = await finished;
    expect(code).toBe(130);
    expect(Date.now() - start).toBeLessThan(10_000);
    expect(jsonLines(stdout).at(-1)).toMatchObject({ type: "result", state: "CANCELED" });
    expect(await states(project)).toMatchObject({ pipeline: "CANCELED", runs: { deaf: "CANCELED" } });
  });

  it("gives a body in a worker process time to tidy up, and says that it waits for it", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    const { child, seen, finished } = project.start(["run", "pipeline.ts:worker"]);
    await seen("tidies begins");
    child.kill("SIGINT");
    const { code, stdout, stderr } = await finished;
    expect(code).toBe(130);
    expect(stdout).toMatch(/tidied up/);
    expect(stderr).toMatch(/Waiting for tidies#\w+ to stop/);
  });

  it("ends a pipeline whose body blocks the event loop, too", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    const { child, seen, finished } = project.start(["run", "pipeline.ts:blocks"]);
    await seen("block begins");
    child.kill("SIGINT");
    const { code, stderr } = await finished;
    expect(code).toBe(130);
    expect(stderr).toContain("marked as canceled");
    expect(await states(project)).toMatchObject({
      pipeline: "CANCELED",
      runs: { blocks: "CANCELED" },
    });
  });

  it("twice quits at once", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    const { child, seen, finished } = project.start(["run", "pipeline.ts:blocks"]);
    await seen("block begins");
    child.kill("SIGINT");
    await seen("Canceling");
    child.kill("SIGINT");
    expect((await finished).code).toBe(130);
    expect(await states(project)).toMatchObject({ pipeline: "CANCELED", runs: { blocks: "CANCELED" } });
  });

  it("does not end the command when the store cannot be marked while the driver still goes on", async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    const driver = new DriverProcess(child);
    const marked = Promise.withResolvers<string>();
    using interrupts = new Interrupts({
      driver,
      say: () => undefined,
      prepare: () => undefined,
      markCanceled: (reason) => {
        marked.resolve(reason);
        return Promise.reject(new Error("the disk is full"));
      },
    });
    interrupts.interrupt("SIGINT");
    interrupts.answered();
    expect(await marked.promise).toBe("canceled by Ctrl-C");
    // A second signal still does what it should.
    interrupts.interrupt("SIGINT");
    expect(await driver.ended).toMatchObject({ signal: "SIGKILL" });
  });

  it("is also what SIGTERM does, with 143", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    const { child, seen, finished } = project.start(["run", "pipeline.ts:waits"]);
    await seen("patient begins");
    child.kill("SIGTERM");
    expect((await finished).code).toBe(143);
    expect((await states(project)).reasons).toContain("SIGTERM");
  });

  it("before anything runs ends the command and records nothing", async () => {
    using project = new Project({
      "slow.ts": 'console.log("loading"); await new Promise(() => setInterval(() => {}, 1000)); export {};',
    });
    const { child, seen, finished } = project.start(["run", "slow.ts"]);
    await seen("loading");
    child.kill("SIGINT");
    expect((await finished).code).toBe(130);
  });
});

describe("a file that runs by itself", () => {
  it("hears of the cancellation, too, and the command exits with 130", async () => {
    const own = `${pipeline}
      import { LocalRunner } from "reprise";
      void new LocalRunner().run(waits()).catch((error: Error) => console.log(error.message));`;
    using project = new Project({ "own.ts": own.replaceAll(/^export /gm, "") });
    const { child, seen, finished } = project.start(["run", "own.ts"]);
    await seen("patient begins");
    child.kill("SIGTERM");
    expect((await finished).code).toBe(143);
    expect(await states(project)).toMatchObject({ pipeline: "CANCELED", runs: { waits: "CANCELED" } });
  });
});

describe("a driver that dies", () => {
  it("because a body ends the process is told, and its runs are canceled", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    const { code, stderr } = await project.run("run", "pipeline.ts:quits");
    expect(code).toBe(1);
    expect(stderr).toMatch(/process\.exit\(\)/);
    const left = await states(project);
    expect(left).toMatchObject({ pipeline: "CANCELED", runs: { quits: "CANCELED", first: "RESOLVED" } });
    expect(left.reasons).toMatch(/exit(?:ed with)? code 7/);
    expect(stderr).toMatch(/⊘ quits canceled\n/);
  });

  it("by a crash is told, and its pipeline run can be resumed", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    const { code, stderr } = await project.run("run", "pipeline.ts:crashes");
    expect(code).toBe(1);
    expect(stderr).toMatch(/signal SIGSEGV.*native module/);
    expect(stderr).toMatch(/! crashes interrupted\n.*Resume it: reprise resume [0-9a-f]{8}\n/);
    expect(stderr).not.toContain("canceled");
    expect((await states(project)).pipeline).toBe("RUNNING");
  });

  it("for want of memory is told with what to do", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    const { code, stdout } = await project.start(["run", "pipeline.ts:leaks", "--json"], {
      env: { NODE_OPTIONS: "--max-old-space-size=40" },
    }).finished;
    expect(code).toBe(1);
    expect(jsonLines(stdout).at(-1)).toMatchObject({
      type: "result",
      state: "RUNNING",
      interrupted: true,
      error: { code: "DRIVER_DIED", message: expect.stringContaining("--max-old-space-size") },
    });
    expect(await project.json("ls")).toMatchObject({ pipelineRuns: [{ funcId: "leaks", interrupted: true }] });
  });

  it("notices when the command is killed, cancels and ends", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    const { child, seen, finished } = project.start(["run", "pipeline.ts:waits"]);
    await seen("patient begins");
    child.kill("SIGKILL");
    // The pipes close when the driver, which shares them, has ended as well.
    await finished;
    await expect.poll(async () => (await states(project)).pipeline, { timeout: 10_000 }).toBe("CANCELED");
    expect((await states(project)).reasons).toContain("the command that started it is gone");
  });
});
