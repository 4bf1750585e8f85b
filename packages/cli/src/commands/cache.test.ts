import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { jsonLines, Project } from "../testing/project.ts";

const pipeline = `
import { appendFileSync } from "node:fs";
import { func } from "reprise";

const count = (name: string) => appendFileSync("bodies.txt", name + "\\n");
const load = func({ id: "load", cache: true, run: (size: number) => { count("load"); return "x".repeat(size); } });
const add = func({ id: "add", cache: { version: "v1" }, run: (a: number, b: number) => { count("add"); return a + b; } });
export const pipeline = func("main", () => ({ small: load(10), large: load(5000), sum: add(1, 2) }));
`;

interface Listed {
  readonly entries: readonly {
    readonly key: string;
    readonly hits: number;
    readonly originRunId: string;
    readonly originRootId: string;
    readonly originRunExists: boolean;
    readonly typeName: string;
    readonly size: number;
    readonly record: { readonly func: string; readonly namespace: string };
  }[];
}

async function entriesOf(project: Project, ...filter: readonly string[]): Promise<Listed["entries"]> {
  return ((await project.json("cache", "ls", ...filter)) as Listed).entries;
}

/** How often each body has executed, since this was last asked. */
function bodies(project: Project): string[] {
  const text = readFileSync(join(project.folder, "bodies.txt"), "utf8");
  project.write("bodies.txt", "");
  return text.split("\n").filter(Boolean).sort();
}

describe("reprise cache ls and stats", () => {
  it("lists what may be reused, with hits, sizes, types and origin", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    expect((await project.run("cache", "ls")).stdout).toMatch(/^No entries yet in .*cache\.db/);
    await project.run("run", "pipeline.ts", "-q");
    await project.run("run", "pipeline.ts", "-q");
    const entries = await entriesOf(project);
    expect(entries.map(({ record, hits, typeName }) => `${record.func} ${hits} ${typeName}`).sort()).toEqual([
      "add 1 number",
      "load 1 string",
      "load 1 string",
    ]);
    expect(entries.every(({ originRunExists }) => originRunExists)).toBe(true);
    const { stdout } = await project.run("cache", "ls", "--func", "add");
    expect(stdout).toMatch(/^key +func +version +namespace +result +size +age +hits +saved +run\n/);
    expect(stdout).toMatch(/^[0-9a-f]{12} +add +v1 +default +number +\d+ B +.* 1 +\d+ ms +[0-9a-f]{8}\n$/m);
    expect(await entriesOf(project, "--limit", "1")).toHaveLength(1);
    expect((await project.run("cache", "ls", "--func", "nobody")).stdout).toBe("No entry fits.\n");
  });

  it("counts by func and namespace", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    await project.run("run", "pipeline.ts", "-q");
    await project.run("run", "pipeline.ts", "-q");
    await project.run("run", "pipeline.ts", "-q", "--cache-namespace=other");
    const stats = (await project.json("cache", "stats")) as { groups: object[]; total: object; running: object[] };
    expect(stats.groups).toMatchObject([
      { func: "add", namespace: "default", entries: 1, hits: 1, hitRate: 0.5 },
      { func: "add", namespace: "other", entries: 1, hits: 0, hitRate: 0 },
      { func: "load", namespace: "default", entries: 2, hits: 2 },
      { func: "load", namespace: "other", entries: 2, hits: 0 },
    ]);
    expect(stats.total).toMatchObject({ entries: 6, hits: 3 });
    expect(stats.running).toEqual([]);
    expect((await project.run("cache", "stats")).stdout).toMatch(/^all +6 +\S+ kB +3 +33 %/m);
  });

  it("tells who computes what now", async () => {
    using project = new Project({
      "slow.ts": `
        import { existsSync } from "node:fs";
        import { setTimeout as sleep } from "node:timers/promises";
        import { func } from "reprise";
        export const slow = func({ id: "slow", cache: true, run: async () => {
          console.log("computing");
          while (!existsSync("go")) await sleep(20);
        }});`,
    });
    const { seen, finished } = project.start(["run", "slow.ts"]);
    await seen("computing");
    expect((await project.run("cache", "stats")).stdout).toMatch(
      /Computing now\n {2}slow#[0-9a-f]{8} {2}for .*process \d+/,
    );
    project.write("go", "");
    expect((await finished).code).toBe(0);
    expect(await project.json("cache", "stats")).toMatchObject({ running: [] });
  });
});

describe("reprise cache clear", () => {
  it("refuses to forget everything by mistake", async () => {
    using project = new Project();
    for (const args of [[], ["--dry-run"], ["--all", "--func", "x"]]) {
      const { code, stderr } = await project.run("cache", "clear", ...args);
      expect(stderr).toContain("cache clear: ");
      expect(code).toBe(2);
    }
    expect((await project.run("cache", "clear", "--larger-than", "big")).stderr).toContain("2GiB");
    expect((await project.run("cache", "clear", "--all")).stdout).toBe("No entry fits; nothing is forgotten.\n");
  });

  it("forgets what fits all filters, after telling what that is", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    await project.run("run", "pipeline.ts", "-q");
    const [first] = await entriesOf(project, "--func", "load");
    const filters: readonly (readonly [readonly string[], number])[] = [
      [["--func", "load"], 2],
      [["--func", "load", "--larger-than", "1kB"], 1],
      [["--version", "v1"], 1],
      [["--namespace", "default"], 3],
      [["--namespace", "other"], 0],
      [["--run", first?.originRootId.slice(-8) ?? ""], 3],
      [["--run", first?.originRunId ?? ""], 1],
      [["--key", first?.key.slice(0, 12) ?? ""], 1],
      [["--older-than", "1h"], 0],
      [["--unused-for", "1ms"], 3],
      [["--keep-bytes", "0"], 3],
      [["--keep-bytes", "1MB"], 0],
      [["--all"], 3],
    ];
    for (const [filter, entries] of filters) {
      const told = (await project.json("cache", "clear", "--dry-run", ...filter)) as { keys: string[] };
      expect({ filter, ...told }).toMatchObject({ filter, dryRun: true, entries });
      expect(told.keys).toHaveLength(entries);
    }
    expect(await entriesOf(project)).toHaveLength(3);
    expect((await project.run("cache", "clear", "--larger-than", "1kB")).stdout).toMatch(
      /^Forgot 1 entry of 5\.0 kB\. `reprise gc` frees the disk/,
    );
    expect((await entriesOf(project)).map(({ size }) => size < 1000)).toEqual([true, true]);
    bodies(project);
    await project.run("run", "pipeline.ts", "-q");
    expect(bodies(project)).toEqual(["load"]);
  });
});

describe("reprise run --cache", () => {
  it("reads and writes, replaces, only reads, or does neither", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    const executed = async (...args: readonly string[]) => {
      project.write("bodies.txt", "");
      expect((await project.run("run", "pipeline.ts", "-q", ...args)).code).toBe(0);
      return bodies(project);
    };
    const all = ["add", "load", "load"];
    expect(await executed("--cache=readOnly")).toEqual(all);
    expect(await entriesOf(project)).toEqual([]);
    expect(await executed("--cache=off")).toEqual(all);
    expect(await entriesOf(project)).toEqual([]);
    expect(await executed("--cache=on")).toEqual(all);
    const before = await entriesOf(project);
    expect(await executed("--cache=read-only")).toEqual([]);
    expect(await executed("--cache=refresh")).toEqual(all);
    const after = await entriesOf(project);
    expect(after.map(({ key }) => key).sort()).toEqual(before.map(({ key }) => key).sort());
    expect(after.some(({ originRootId }) => before.some((entry) => entry.originRootId === originRootId))).toBe(false);
    expect(await executed("--cache=off")).toEqual(all);
    expect(await executed()).toEqual([]);
  });

  it("takes the namespace from the command line, else from the settings", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    await project.run("settings", "set", "CACHE_NAMESPACE", "team");
    await project.run("run", "pipeline.ts", "-q");
    await project.run("run", "pipeline.ts", "-q", "--cache-namespace", "mine");
    expect(await entriesOf(project, "--namespace", "team")).toHaveLength(3);
    expect(await entriesOf(project, "--namespace", "mine")).toHaveLength(3);
    expect(await entriesOf(project, "--namespace", "default")).toHaveLength(0);
  });

  it("refuses other modes and an empty namespace", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    const { code, stderr } = await project.run("run", "pipeline.ts", "--cache=refesh");
    expect(stderr).toContain('Did you mean "refresh"?');
    expect(code).toBe(2);
    const { stdout } = await project.run("run", "pipeline.ts", "--cache-namespace", " ", "--json");
    expect(jsonLines(stdout).at(-1)).toMatchObject({ error: { code: "USAGE" } });
  });
});
