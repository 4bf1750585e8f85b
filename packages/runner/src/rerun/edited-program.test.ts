import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Run } from "@reprise/core";
import { describe, expect, test } from "vitest";
import { type Files, writeProgram } from "../code-digest/testing/programs.ts";
import { runChild } from "../testing/child.ts";
import { homeOf, temporaryFolder } from "../testing/temporary-home.ts";
import { verifyHome } from "../testing/verify-home.ts";

const child = fileURLToPath(new URL("testing/rerun-child.ts", import.meta.url));

const steps = `import { func } from "reprise";
import { executed } from "./executed.ts";

export const load = func("load", (count: number) => {
  executed("load");
  return Array.from({ length: count }, (_, at) => at);
});

export const clean = func("clean", (list: readonly number[]) => {
  executed("clean");
  return list.filter((value) => value > 0);
});
`;

const pipeline = `import { func } from "reprise";
import { executed } from "./executed.ts";
import { clean, load } from "./steps.ts";

export const report = func("report", (list: readonly number[]) => {
  executed("report");
  return \`\${list.length} values\`;
});

const waiting = func("waiting", async (list: readonly number[]) => {
  executed("waiting");
  const cleaned = await clean(list).$value();
  return cleaned.length;
});

export const pipeline = func("pipeline", () => {
  executed("pipeline");
  const list = load(4);
  return { report: report(clean(list)), length: waiting(list) };
});
`;

const base: Files = {
  "pipeline.ts": pipeline,
  "steps.ts": steps,
  "executed.ts": `import { appendFileSync } from "node:fs";
export function executed(name: string): void {
  appendFileSync(process.env["EXECUTED"] as string, name + "\\n");
}
`,
};

/** What one process has said. */
interface Said {
  readonly id: string;
  readonly value: unknown;
  readonly code?: string;
  readonly message: string;
  /** Bodies that have executed, sorted. */
  readonly executed: readonly string[];
}

/** A program in a folder, and the home of its runs. */
class Program {
  readonly folder = temporaryFolder();
  readonly home = temporaryFolder();

  constructor(files: Files = {}) {
    this.write(files);
  }

  /** Writes the program anew, with these changes. */
  write(files: Files): void {
    writeProgram(this.folder, { ...base, ...files });
  }

  async run(...rerun: string[]): Promise<Said> {
    const log = join(this.folder, "executed.log");
    rmSync(log, { force: true });
    const ended = await runChild(child, [join(this.folder, "pipeline.ts"), this.home, ...rerun], {
      env: { EXECUTED: log, NODE_OPTIONS: "" },
    });
    if (ended.code !== 0) throw new Error(ended.stderr);
    const executed = existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n").sort() : [];
    return { ...(JSON.parse(ended.stdout) as Omit<Said, "executed">), executed };
  }

  /** The runs of a pipeline run, by the id of the func and, if there are several, a number. */
  async runs(id: string): Promise<ReadonlyMap<string, Run>> {
    const home = await homeOf(this.home);
    await verifyHome(home);
    const counts = new Map<string, number>();
    const runs = await home.backend.listRuns(id);
    return new Map(
      runs.map((run) => {
        const count = (counts.get(run.func.id) ?? 0) + 1;
        counts.set(run.func.id, count);
        return [count === 1 ? run.func.id : `${run.func.id} ${count}`, run];
      }),
    );
  }

  async runId(id: string, name: string): Promise<string> {
    const run = (await this.runs(id)).get(name);
    if (run === undefined) throw new Error(`no run ${name}`);
    return run.id;
  }
}

/** Replaces a text, which has to be there. */
function edit(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`there is no ${from}`);
  return text.replace(from, () => to);
}

const value = { report: "3 values", length: 3 };

describe("a re-run in a new process", () => {
  test("does what one in the same process does", async () => {
    const program = new Program();
    const first = await program.run();
    expect(first).toMatchObject({ value, executed: ["clean", "clean", "load", "pipeline", "report", "waiting"] });
    const second = await program.run(await program.runId(first.id, "report"));
    expect(second).toMatchObject({ value, executed: ["report"] });
    const third = await program.run(await program.runId(second.id, "clean 2"));
    expect(third).toMatchObject({ value, executed: ["clean", "waiting"] });
    expect(await program.run(third.id, "continue")).toMatchObject({ value, executed: [] });
  });

  test("executes the code of now, and takes over what the code of then gave", async () => {
    const program = new Program();
    const first = await program.run();
    const changed = edit(edit(pipeline, "} values", "} of {"), 'executed("waiting")', 'executed("waits anew")');
    program.write({ "pipeline.ts": changed, "steps.ts": edit(steps, "value > 0", "value > 1") });
    expect(await program.run(await program.runId(first.id, "report"))).toMatchObject({
      value: { report: "3 of {", length: 3 },
      executed: ["report"],
    });
    expect(await program.run(await program.runId(first.id, "clean 2"))).toMatchObject({
      value: { report: "3 values", length: 2 },
      executed: ["clean", "waits anew"],
    });
    const second = await program.run(first.id);
    expect(second).toMatchObject({ value: { report: "2 of {", length: 2 } });
    // Who looks later sees which code each run had.
    const runs = await program.runs(second.id);
    expect(runs.get("clean")?.func.source).toContain("value > 1");
    const kept = await program.runs((await program.run(await program.runId(first.id, "report"))).id);
    expect(kept.get("clean")?.func.source).toContain("value > 0");
  });

  test("finds funcs by their ids, wherever they are now", async () => {
    const program = new Program();
    const first = await program.run();
    program.write({
      "moved/elsewhere.ts": steps.replace("./executed.ts", "../executed.ts"),
      "steps.ts": `export { clean, load } from "./moved/elsewhere.ts";\n`,
      "pipeline.ts": pipeline.replaceAll("report = func", "renamed = func").replaceAll("report(clean", "renamed(clean"),
    });
    const second = await program.run(await program.runId(first.id, "load"));
    expect(second).toMatchObject({ value, executed: ["clean", "clean", "load", "report", "waiting"] });
    const runs = await program.runs(second.id);
    expect(runs.get("load")?.func.file).toBe(join(program.folder, "moved/elsewhere.ts"));
  });

  test("needs no func of a run that is only taken over", async () => {
    const program = new Program();
    const first = await program.run();
    program.write({
      "steps.ts": `export {};\n`,
      "pipeline.ts": edit(
        edit(edit(pipeline, `import { clean, load } from "./steps.ts";\n`, ""), "await clean(list).$value()", "list"),
        "{ report: report(clean(list)), length: waiting(list) }",
        "{ report: report([]), length: waiting([]) }",
      ).replace("const list = load(4);", ""),
    });
    expect(await program.run(await program.runId(first.id, "report"))).toMatchObject({ value, executed: ["report"] });
    expect(await program.run(first.id, "continue")).toMatchObject({ value, executed: [] });
  });

  test("says which func is gone, which run needs it, and where it was", async () => {
    const program = new Program();
    const first = await program.run();
    const line = steps.slice(0, steps.indexOf(`func("clean"`)).split("\n").length;
    program.write({ "steps.ts": edit(steps, `func("clean"`, `func("clean anew"`) });
    const id = await program.runId(first.id, "clean");
    const refused = await program.run(id);
    expect(refused).toMatchObject({ code: "FUNC_NOT_FOUND", executed: [] });
    for (const part of [`"clean"`, id, `${join(program.folder, "steps.ts")}:${line}`]) {
      expect(refused.message).toContain(part);
    }
    // Downstream of what executes.
    expect(await program.run(await program.runId(first.id, "load"))).toMatchObject({ code: "FUNC_NOT_FOUND" });
    expect(await program.run(await program.runId(first.id, "report"))).toMatchObject({ value, executed: ["report"] });
    const home = await homeOf(program.home);
    expect((await home.backend.listPipelineRuns()).length).toBe(2);
    // A run that executes may call others instead.
    expect(await program.run(first.id)).toMatchObject({ value });
  });

  test("of a body that is executed again and is gone says so as well", async () => {
    const program = new Program();
    const first = await program.run();
    program.write({ "pipeline.ts": edit(pipeline, `func("waiting"`, `func("waiting anew"`) });
    const refused = await program.run(await program.runId(first.id, "clean 2"));
    expect(refused).toMatchObject({ code: "FUNC_NOT_FOUND", executed: [] });
    expect(refused.message).toContain(await program.runId(first.id, "waiting"));
  });

  test("of a failed pipeline run goes on with the mended code", async () => {
    const program = new Program({ "steps.ts": edit(steps, "list.filter", "list.filer") });
    const first = await program.run();
    expect(first.value).toEqual({ failed: expect.stringContaining("filer is not a function") as string });
    program.write({});
    const second = await program.run(first.id, "continue");
    expect(second).toMatchObject({ value });
    expect(second.executed).not.toContain("load");
    expect(second.executed).not.toContain("pipeline");
  });
});
