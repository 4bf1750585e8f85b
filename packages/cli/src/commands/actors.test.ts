import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { Project } from "../testing/project.ts";

const pipeline = `
import { appendFileSync, existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ActorEnvironment, context, func } from "reprise";

const actor = new ActorEnvironment({ name: "embedder", replicas: 2, ttl: "60s", env: { TOKEN: "hidden" } });
const load = actor.cache((name: string) => ({ name }), { name: "model", dispose: ({ name }) => appendFileSync("disposed.txt", name) });
const embed = actor.func("embed", (text: string) => load("small").name + text.length);
const slow = actor.func("slow", async () => {
  console.log("executing");
  while (!existsSync("go")) await sleep(20, undefined, { signal: context().signal });
  return 1;
});
export const pipeline = func("main", () => [embed("a"), embed("bb")]);
export const waits = func("waits", () => slow());
`;

interface Pools {
  readonly pools: readonly { readonly id: string; readonly replicas: readonly { readonly pid: number }[] }[];
}

/** A project whose actors are gone when the test is over. */
function projectWith(files: Readonly<Record<string, string>> = {}): Project {
  const project = new Project(files);
  onTestFinished(async () => {
    await project.run("actors", "stop", "--all", "--now");
    project[Symbol.dispose]();
  });
  return project;
}

describe("reprise actors", () => {
  it("lists and shows pools with replicas, tasks and caches, and no values of variables", async () => {
    const project = projectWith({ "pipeline.ts": pipeline });
    expect((await project.run("actors", "ls")).stdout).toMatch(/^No actor has a pool now/);
    expect(await project.json("actors", "ls")).toEqual({ pools: [] });
    expect((await project.run("run", "pipeline.ts:pipeline", "-q")).stderr).toBe("");

    const { stdout: list } = await project.run("actors", "ls");
    expect(list).toMatch(/^pool +actor +state +replicas +tasks +waiting +age +used\n/);
    expect(list).toMatch(/^[0-9a-f]{8} +embedder +○ idle +[12] of 2 +0 of 2 +.* ago\n$/m);
    const listed = await project.json("actors", "ls");
    expect(listed).toMatchObject({
      pools: [{ name: "embedder", state: "idle", queued: 0, definition: { env: ["TOKEN"], replicas: { max: 2 } } }],
    });

    const { stdout: shown } = await project.run("actors", "show", "embedder");
    expect(shown).toMatch(
      /^○ idle {2}embedder {2}[0-9a-f]{64}\n0 to 2 replicas × 1, ttl 1 min 0 s, isolation shared\n/,
    );
    expect(shown).toContain("\nenvironment variables: TOKEN\n");
    expect(shown).toMatch(/\nReplicas\n +replica +state +process .*\n +embedder-1 +✔ ready +\d+ +0 of 1/);
    expect(shown).toMatch(/\nEvents\n.*created\n.*embedder-1 starts/);
    expect(list + shown + JSON.stringify(listed)).not.toContain("hidden");
    const [{ id }] = (listed as Pools).pools as [Pools["pools"][number]];
    expect(await project.json("actors", "show", id.slice(0, 6))).toMatchObject({ pools: [{ id }] });
  });

  it("says which actors there are if one is unknown", async () => {
    const project = projectWith({ "pipeline.ts": pipeline });
    const none = await project.run("actors", "show", "embedder");
    expect([none.code, none.stderr]).toEqual([
      4,
      expect.stringMatching(/no pool of an actor "embedder"\. No actor has/),
    ]);
    await project.run("run", "pipeline.ts:pipeline", "-q");
    const wrong = await project.run("actors", "stop", "embeder");
    expect([wrong.code, wrong.stderr]).toEqual([
      4,
      expect.stringMatching(/`reprise actors ls`.* Did you mean "embedder"\?/),
    ]);
    expect((await project.run("actors", "stop")).code).toBe(2);
    expect((await project.run("actors", "stop", "embedder", "--all")).code).toBe(2);
    expect((await project.run("actors")).stderr).toMatch(/reprise actors ls, reprise actors show, reprise actors stop/);
  });

  it("stops pools when their bodies are done, with what is in caches", async () => {
    const project = projectWith({ "pipeline.ts": pipeline });
    await project.run("run", "pipeline.ts:pipeline", "-q");
    const run = project.start(["run", "pipeline.ts:waits"]);
    await run.seen("executing");
    const stop = project.start(["actors", "stop", "embedder"]);
    await stop.seen("Waiting for the bodies that execute");
    project.write("go", "");
    expect((await run.finished).code).toBe(0);
    expect(await stop.finished).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Stopped the pool [0-9a-f]{8} of actor embedder\.\n$/) as string,
    });
    expect(readFileSync(join(project.folder, "disposed.txt"), "utf8")).toMatch(/^(small)+$/);
    expect(await project.json("actors", "ls")).toEqual({ pools: [] });
  });

  it("stops pools at once; the pipeline run goes on with another", async () => {
    const project = projectWith({ "pipeline.ts": pipeline });
    const run = project.start(["run", "pipeline.ts:waits"]);
    await run.seen("executing");
    const { pools } = (await project.json("actors", "ls")) as Pools;
    const { stopped } = (await project.json("actors", "stop", "--all", "--now")) as { readonly stopped: object[] };
    expect(stopped).toEqual(pools.map(({ id }) => ({ id, name: "embedder" })));
    project.write("go", "");
    expect((await run.finished).code).toBe(0);
    const { pools: next } = (await project.json("actors", "ls")) as Pools;
    expect(next[0]?.replicas[0]?.pid).not.toBe(pools[0]?.replicas[0]?.pid);
    expect(existsSync(join(project.home, "supervisor.log"))).toBe(true);
  });
});
