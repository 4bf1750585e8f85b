import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { RealWorker } from "./testing/real-worker.ts";

const typeModule = { "package.json": '{ "type": "module" }' };

describe("a worker process", () => {
  it("executes the funcs of its program with the library that executes, wherever that has its own", async () => {
    const worker = new RealWorker({
      files: {
        "main.ts": `import { func } from "reprise"; func("add", (a: number, b: number) => a + b);`,
        "node_modules/reprise/package.json": '{ "name": "reprise", "type": "module", "exports": "./index.js" }',
        "node_modules/reprise/index.js": "export const func = () => { throw new Error('another copy'); };",
        ...typeModule,
      },
    });
    await worker.worker.ready;
    expect(await worker.run("add", 2, 3)).toBe(5);
  });

  it("loads no database", async () => {
    const text = `import { func } from "reprise";
      func("loaded", () => process.moduleLoadList.filter((name) => name.includes("sqlite")));`;
    const worker = new RealWorker({ files: { "main.ts": text, ...typeModule } });
    expect(await worker.run("loaded")).toEqual([]);
  });

  it("never executes the pipeline run that its program starts, nor what would come after it", async () => {
    const text = `import { writeFileSync } from "node:fs"; import { func, LocalRunner } from "reprise";
      const f = func("f", (n: number) => { writeFileSync("executed", ""); return n + 1; });
      console.log(await new LocalRunner().run(f(1)));
      writeFileSync("after", "");`;
    const worker = new RealWorker({ files: { "main.ts": text, ...typeModule } });
    await worker.worker.ready;
    expect(existsSync(join(worker.folder, "executed"))).toBe(false);
    expect(await worker.run("f", 1)).toBe(2);
    expect(existsSync(join(worker.folder, "after"))).toBe(false);
  });

  it("finds funcs that are defined only when the program has begun to run something", async () => {
    const text = `import { func, LocalRunner } from "reprise";
      const f = func("f", () => 1);
      void new LocalRunner().run(f());
      await new Promise((resolve) => setTimeout(resolve, 100));
      func("late", () => 2);`;
    const worker = new RealWorker({ files: { "main.ts": text, ...typeModule } });
    expect(await worker.run("late")).toBe(2);
  });

  it("loads the file of a func that its program does not load", async () => {
    const other = `import { func } from "reprise"; func("other", () => "found");`;
    const worker = new RealWorker({ files: { "main.ts": `import "reprise";`, "other.ts": other, ...typeModule } });
    expect(await worker.resultOf(worker.start("other", [], "other.ts"))).toBe("found");
    expect(await worker.resultOf(worker.start("none", [], "other.ts"))).toMatchObject({
      code: "WORKER_FAILED",
      message: expect.stringMatching(/func "none": it has loaded .*main\.ts, .*other\.ts, and none of it defines/),
    });
  });

  it("says why its program cannot be loaded", async () => {
    const worker = new RealWorker({ files: { "main.ts": `throw new TypeError("not today");`, ...typeModule } });
    await expect(worker.worker.ready).rejects.toMatchObject({
      code: "WORKER_FAILED",
      message: expect.stringMatching(/cannot load .*main\.ts: not today$/) as string,
      cause: { name: "TypeError", message: "not today" },
    });
    await worker.ended;
  });

  it("puts the environment and the folder back between tasks, whatever a task has done to them", async () => {
    const text = `import { func } from "reprise";
      const seen = () => [process.env["KEPT"], process.env["CHANGED"], process.env["NEW"], process.cwd()];
      func("change", (folder: string) => {
        const before = seen();
        delete process.env["KEPT"]; process.env["CHANGED"] = "by a task"; process.env["NEW"] = "new";
        process.chdir(folder);
        return before;
      });`;
    const worker = new RealWorker({ files: { "main.ts": text, ...typeModule }, env: { KEPT: "k", CHANGED: "c" } });
    for (let at = 0; at < 3; at += 1) {
      expect(await worker.run("change", "/")).toEqual(["k", "c", undefined, worker.folder]);
    }
  });

  it("ends by an error that nobody catches, which is told to the body that executes", async () => {
    const text = `import { func } from "reprise";
      func("rejects", async () => { void Promise.reject(new RangeError("nobody cares")); await new Promise(() => {}); });`;
    const worker = new RealWorker({ files: { "main.ts": text, ...typeModule } });
    const task = worker.start("rejects");
    expect((await worker.ended).message).toMatch(
      /exit code 1 before the body was done, because of a rejected promise that nobody handles: RangeError: nobody cares$/,
    );
    const lines = worker.told(task, "log").map(({ stream, text: line }) => `${stream} ${line}`);
    expect(lines[0]).toBe(
      "stderr The process ends because of a rejected promise that nobody handles: RangeError: nobody cares",
    );
    expect(lines.length).toBeGreaterThan(1);
    expect(worker.lines).toEqual([]);
  });

  it("ends by an error after the body, which is told to none", async () => {
    const text = `import { func } from "reprise";
      func("later", () => { setTimeout(() => { throw new Error("too late"); }, 20); return 1; });`;
    const worker = new RealWorker({ files: { "main.ts": text, ...typeModule } });
    expect(await worker.run("later")).toBe(1);
    await worker.ended;
    expect(worker.lines[0]).toBe("stderr: The process ends because of an uncaught error: Error: too late");
  });

  it("leaves errors alone that the program handles by itself", async () => {
    const text = `import { func } from "reprise";
      process.on("uncaughtException", (error) => { globalThis.handled = error.message; });
      func("throws", async () => {
        setTimeout(() => { throw new Error("handled"); });
        await new Promise((resolve) => setTimeout(resolve, 30));
        return globalThis.handled;
      });`;
    const worker = new RealWorker({ files: { "main.js": text, ...typeModule } });
    expect(await worker.run("throws")).toBe("handled");
  });

  it("tells all that a body has said before it ends the process", async () => {
    const text = `import { context, func } from "reprise";
      func("exits", () => {
        const { log, progress } = context();
        for (let at = 0; at < 200; at += 1) { log.info("line " + at); progress(at); }
        process.stdout.write("open");
        process.exit(7);
      });`;
    const worker = new RealWorker({ files: { "main.ts": text, ...typeModule } });
    const task = worker.start("exits");
    expect((await worker.ended).message).toContain("exit code 7");
    const lines = worker.told(task, "log").map(({ text: line }) => line);
    expect(lines).toEqual([...Array.from({ length: 200 }, (_, at) => `line ${at}`), "open"]);
    expect(worker.told(task, "progress").at(-1)).toMatchObject({ done: 199 });
    expect(existsSync(join(worker.folder, "home/tmp"))).toBe(false);
  });

  it("says that a body has begun, and what it says, before the body can block it", async () => {
    const text = `import { existsSync } from "node:fs"; import { context, func } from "reprise";
      func("block", (file) => { context().log.info("waits"); while (!existsSync(file)); return "done"; });`;
    const worker = new RealWorker({ files: { "main.js": text, ...typeModule } });
    const file = join(worker.folder, "go on");
    const task = worker.start("block", [file]);
    await vi.waitUntil(() => worker.told(task, "log").length > 0, { timeout: 30_000 });
    expect(worker.told(task, "started")).toHaveLength(1);
    writeFileSync(file, "");
    expect(await worker.resultOf(task)).toBe("done");
  });

  it("loses no message of bodies that are over in no time", async () => {
    const text = `import { func } from "reprise"; func("quick", (n) => n);`;
    const worker = new RealWorker({ files: { "main.js": text, ...typeModule } });
    const tasks = Array.from({ length: 50 }, (_, at) => worker.start("quick", [at]));
    expect(await Promise.all(tasks.map((task) => worker.resultOf(task)))).toEqual(tasks.map((_, at) => at));
    const types = worker.heard.map((message) => message.type).filter((type) => type !== "heartbeat");
    expect(types).toEqual(tasks.flatMap(() => ["started", "result"]));
  });
});

describe("a replica", () => {
  const counter = `let n = 0; export const next = () => (n += 1);`;
  const program = `import { func, registerClass } from "reprise";
    import { next } from "./mine.js"; import { next as packaged } from "packaged"; import { next as common } from "./common.cjs";
    class Point { constructor(x) { this.x = x; } }
    registerClass(Point, { name: "test/Point", encode: ({ x }) => x, decode: (x) => new Point(x) });
    func("counts", () => {
      const seen = [next(), packaged(), common(), globalThis.left ?? null, process.env["LEFT"] ?? null, Array.isArray(globalThis.Array)];
      globalThis.left = "here"; process.env["LEFT"] = "here"; globalThis.structuredClone = undefined;
      return seen;
    });
    func("point", () => new Point(3));
    func("clones", () => typeof structuredClone);`;
  const files = {
    "main.ts": `import { ActorEnvironment } from "reprise"; new ActorEnvironment({ name: "a" }); await import("./funcs.js");`,
    "funcs.js": program,
    "mine.js": counter,
    "common.cjs": `let n = 0; exports.next = () => (n += 1);`,
    "node_modules/packaged/package.json": '{ "name": "packaged", "type": "module", "exports": "./index.js" }',
    "node_modules/packaged/index.js": counter,
    ...typeModule,
  };

  it("with shared isolation leaves all as bodies leave it", async () => {
    const worker = new RealWorker({ files, actor: {} });
    expect(await worker.run("counts")).toEqual([1, 1, 1, null, null, false]);
    expect(await worker.run("counts")).toEqual([2, 2, 2, "here", "here", false]);
    expect(await worker.run("clones")).toBe("undefined");
  });

  it("with clean isolation loads the user's modules anew for each body, packages not, and puts globals back", async () => {
    const worker = new RealWorker({ files, actor: { isolation: "clean" } });
    expect(await worker.run("counts")).toEqual([1, 1, 1, null, null, false]);
    expect(await worker.run("counts")).toEqual([1, 2, 1, null, null, false]);
    expect(await worker.run("counts")).toEqual([1, 3, 1, null, null, false]);
    expect(await worker.run("clones")).toBe("function");
    const task = worker.start("point");
    expect(await worker.run("clones")).toBe("function");
    expect(worker.told(task, "result")).toMatchObject([{ value: { typeName: "test/Point" } }]);
  });

  it("ends when something cannot be put back", async () => {
    const text = `import { ActorEnvironment, func } from "reprise"; new ActorEnvironment({ name: "a" });
      func("freezes", () => { Object.defineProperty(globalThis, "stays", { value: 1 }); return 1; });`;
    const worker = new RealWorker({ files: { "main.ts": text, ...typeModule }, actor: { isolation: "clean" } });
    expect(await worker.run("freezes")).toBe(1);
    await worker.ended;
  });

  it("warms up before it is ready, and disposes of what it keeps when it ends", async () => {
    const text = `import { appendFileSync } from "node:fs"; import { ActorEnvironment, func } from "reprise";
      const actor = new ActorEnvironment({ name: "a" });
      const load = actor.cache((name: string) => ({ name }), { dispose: ({ name }) => appendFileSync("disposed", name) });
      actor.warmup(() => load("model"));
      func("loaded", () => load("model").name);`;
    const worker = new RealWorker({ files: { "main.ts": text, ...typeModule }, actor: {} });
    await worker.worker.ready;
    expect(await worker.run("loaded")).toBe("model");
    await vi.waitUntil(() => worker.worker.heartbeat?.caches[0]?.hits === 1);
    expect(worker.worker.heartbeat?.caches).toMatchObject([{ entries: 1, hits: 1, misses: 1 }]);
    await worker.worker.end();
    expect(readFileSync(join(worker.folder, "disposed"), "utf8")).toBe("model");
  });

  it("whose warm-up fails is of no use", async () => {
    const text = `import { ActorEnvironment } from "reprise";
      new ActorEnvironment({ name: "a" }).warmup(() => { throw new Error("no model"); });`;
    const worker = new RealWorker({ files: { "main.ts": text, ...typeModule }, actor: {} });
    await expect(worker.worker.ready).rejects.toMatchObject({
      code: "WORKER_FAILED",
      message: expect.stringMatching(/The warm-up of actor "a" at .*main\.ts:2:\d+ failed: no model$/) as string,
    });
  });
});
