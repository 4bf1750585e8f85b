import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Plan } from "../plan/plan.ts";
import { Project } from "../testing/project.ts";

const pipeline = `
import { appendFileSync } from "node:fs";
import { func } from "reprise";
import { scale } from "./scale.ts";

const count = (name: string) => appendFileSync("bodies.txt", name + "\\n");
const load = func({ id: "load", cache: true, run: (size: number) => { count("load"); return Array.from({ length: size }, (_, n) => n); } });
const each = func({ id: "each", cache: true, run: (n: number) => { count("each"); return scale(n); } });
const sum = func({ id: "sum", cache: true, run: (all: number[]) => { count("sum"); return all.reduce((a, b) => a + b, 0); } });
export const pipeline = func("main", ({ size = 12 }: { size?: number }) => { count("main"); return sum(each.map(load(size))); });
`;
const scale = (factor: number) => `export const scale = (n: number) => n * ${factor};\n`;

/** Names, sizes and times of all files of the store, save those that any look at a database makes and removes. */
function storeOf(project: Project): string[] {
  return readdirSync(project.home, { recursive: true, encoding: "utf8" })
    .filter((name) => !/-(?:wal|shm)$/.test(name))
    .sort()
    .map((name) => {
      const { size, mtimeMs } = statSync(join(project.home, name));
      return `${name} ${size} ${mtimeMs}`;
    });
}

describe("reprise plan", () => {
  it("tells what a run would reuse and execute, executes nothing and writes nothing", async () => {
    using project = new Project({ "pipeline.ts": pipeline, "scale.ts": scale(2) });
    const first = await project.run("plan", "pipeline.ts");
    expect(first.stdout).toMatch(/^It has not run to its end yet.*\n● run +main {2}not cached\n\n1 run: about/);
    expect([existsSync(project.home), existsSync(join(project.folder, "bodies.txt"))]).toEqual([false, false]);

    await project.run("run", "pipeline.ts", "-q");
    const executed = readFileSync(join(project.folder, "bodies.txt"), "utf8");
    const store = storeOf(project);
    const plan = (await project.json("plan", "pipeline.ts")) as Plan;
    expect(plan.total).toMatchObject({ hit: 14, run: 1, unknown: 0 });
    expect(plan.base).toMatchObject({ sameInput: true });

    project.write("scale.ts", scale(3));
    const { stdout, code } = await project.run("plan", "pipeline.ts");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^As in run [0-9a-f]{8} of \d.*, which had the same input\.\n● run +main {2}not cached.*\n/);
    expect(stdout).toMatch(/\n {2}✔ hit +load {2}from [0-9a-f]{8}/);
    expect(stdout).toMatch(/\n {2}● each\.map ×12: 12 run; {2}code: scale\(\) changed {2}\(scale\.ts\)\n/);
    expect(stdout).toMatch(/\n {2}\? unknown sum {2}until each\.map has run \(a hit, if that is as before\)/);
    expect(stdout).toMatch(
      /\n1 hit, 13 run, 1 unknown: about .* to execute; up to .* more for what is unknown; .* saved\.\n$/,
    );
    expect((await project.run("plan", "pipeline.ts", "--all")).stdout.match(/● run +each/g)).toHaveLength(12);

    expect(readFileSync(join(project.folder, "bodies.txt"), "utf8")).toBe(executed);
    expect(storeOf(project)).toEqual(store);
  });

  it("takes input and namespace as run does", async () => {
    using project = new Project({ "pipeline.ts": pipeline, "scale.ts": scale(2) });
    await project.run("run", "pipeline.ts", "-q", "--size=2");
    const planned = async (...args: readonly string[]) => ((await project.json("plan", ...args)) as Plan).total;
    expect(await planned("pipeline.ts:main", "--input", '{"size":2}')).toMatchObject({ hit: 4, run: 1 });
    expect(await planned("pipeline.ts", "--size=3")).toMatchObject({ hit: 0, run: 1, unknown: 4 });
    expect((await project.run("plan", "pipeline.ts", "--size=3")).stdout).toContain("which had another input");
    expect(await planned("pipeline.ts", "--size=2", "--cache-namespace=other")).toMatchObject({ hit: 0, run: 2 });
    await project.run("settings", "set", "CACHE_NAMESPACE", "other");
    expect(await planned("pipeline.ts", "--size=2")).toMatchObject({ hit: 0, run: 2 });
  });

  it("refuses what run refuses, and a file that would run by itself", async () => {
    using project = new Project({
      "own.ts": `
        import { func, LocalRunner } from "reprise";
        export const p = func("p", () => { console.log("executed"); return 1; });
        console.log("loading");
        await new LocalRunner().run(p());`,
      "ends.ts": "process.exit(3);",
      "two.ts":
        'import { func } from "reprise";\nexport const a = func("a", (n: number) => n);\nexport const b = func("b", () => 2);',
    });
    const told = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await project.run("plan", ...args);
      expect(code).toBe(2);
      expect(stdout).toBe("");
      return stderr;
    };
    const own = await told("own.ts");
    expect(own).toContain("`reprise plan` executes nothing, but a runner was started");
    expect(own).toMatch(/^loading\n/);
    expect(own).not.toContain("executed\n");
    expect(await told("ends.ts")).toContain("ended its process while it was loaded (exit code 3)");
    expect(await told("two.ts")).toContain("exports 2 funcs");
    expect(await told("two.ts:a")).toContain('plan: func "a" needs n');
    expect(await told("nowhere.ts")).toContain("There is no file");
    expect(await told("two.ts:b", "--cache-namespace", " ")).toContain("must not be empty");
  });
});
