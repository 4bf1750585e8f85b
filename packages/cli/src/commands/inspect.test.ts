import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jsonLines, Project } from "../testing/project.ts";

const pipeline = `
import { context, DirectoryArtifact, FileArtifact, func, Link } from "reprise";
import { mkdirSync, writeFileSync } from "node:fs";

export const file = func("file", () => FileArtifact.of("the content of a file"));
export const folder = func("folder", () => {
  mkdirSync(context().workdir + "/sub");
  writeFileSync(context().workdir + "/sub/a.txt", "in a folder");
  return DirectoryArtifact.from(context().workdir);
});
export const both = func("both", async () => ({
  files: [1],
  link: new Link({ url: "https://example.com/7", label: "Run 7" }),
  nested: [await FileArtifact.of("a b", { name: "a.txt" }), 1],
  some: part.map([7], { tolerate: 1 }),
}));
const load = func("load", (path: string) => {
  console.log("loading " + path);
  context().log.warn("two lines", { skipped: 2 });
  context().metric("rows", 40, "count");
  context().metric("rows", 2, "count");
  return { rows: [1, 2, 3], path };
});
const flaky = func({ id: "flaky", retry: { retries: 1 }, run: (rows: number[]) => {
  if (context().attempt === 1) throw new Error("not yet");
  return rows.length;
} });
const part = func("part", (n: number) => { if (n === 7) throw new RangeError("seven"); return n; });

/** Counts the rows of a file. */
export const count = func({ id: "count", tags: ["nightly"], run: ({ path }: { path: string }) => flaky(load(path).rows) });
export const many = func("many", () => Array.from({ length: 12 }, (_, n) => part(n)));
export const values = func("values", () => ({ text: "some text", when: new Date(0), map: new Map([["a", 1]]), bytes: new Uint8Array([1, 2, 3]), none: Number.NaN }));
export const text = func("text", () => "line one\\nline two");
export const bytes = func("bytes", () => new Uint8Array([0, 255, 10]));
`;

let project: Project;
let countId: string;
let manyId: string;
let bytesId: string;

async function runId(target: string, ...args: readonly string[]): Promise<string> {
  const lines = jsonLines((await project.run("run", `pipeline.ts:${target}`, "--json", ...args)).stdout);
  return String(lines.at(-1)?.["id"]);
}

beforeAll(async () => {
  project = new Project({ "pipeline.ts": pipeline });
  countId = await runId("count", "--path=data.csv");
  manyId = await runId("many");
  bytesId = await runId("bytes");
});

afterAll(() => project[Symbol.dispose]());

describe("reprise ls", () => {
  it("lists pipeline runs, newest first, with state, duration and counts", async () => {
    const { stdout, code } = await project.run("ls");
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^id +state +pipeline +started +duration +runs +tags$/);
    expect(lines).toHaveLength(4);
    expect(lines[1]).toMatch(new RegExp(`^${bytesId.slice(-8)} +✔ complete +bytes`));
    expect(lines[2]).toMatch(/✖ failed +many .*13, 2 failed/);
    expect(lines[3]).toMatch(/✔ complete +count .* 3 +nightly$/);
    expect(code).toBe(0);
  });

  it("filters, limits and goes on behind a run", async () => {
    const names = async (...args: readonly string[]) =>
      ((await project.json("ls", ...args)) as { pipelineRuns: { name: string }[] }).pipelineRuns.map(
        ({ name }) => name,
      );
    expect(await names("--state", "failed")).toEqual(["many"]);
    expect(await names("--tag=nightly")).toEqual(["count"]);
    expect(await names("--func=bytes")).toEqual(["bytes"]);
    expect(await names("-n", "2")).toEqual(["bytes", "many"]);
    expect(await names("-n", "2", "--after", manyId.slice(-8))).toEqual(["count"]);
  });

  it("refuses what it does not know with what it knows", async () => {
    const { code, stderr } = await project.run("ls", "--state", "compleet");
    expect(stderr).toContain('Did you mean "complete"?');
    expect(code).toBe(2);
    expect((await project.run("ls", "--limit", "0")).code).toBe(2);
  });
});

describe("reprise show", () => {
  it("tells the whole story of a pipeline run", async () => {
    const { stdout, code } = await project.run("show", countId);
    expect(code).toBe(0);
    expect(stdout).toContain(countId);
    expect(stdout).toMatch(/✔ done {2}count/);
    expect(stdout).toMatch(/by \S+ on \S+, process \d+, reprise \S+, Node \d+/);
    expect(stdout).toMatch(/command reprise run pipeline\.ts:count --json --path=data\.csv/);
    expect(stdout).toContain("tags nightly");
    expect(stdout).toMatch(/├─ ✔ load .*\n.*└─ ✔ flaky .*2 attempts/);
    expect(stdout).toMatch(/Input\n {2}input .*\n {4}\{ path: 'data\.csv' \}/);
    expect(stdout).toMatch(/Output .*\n {2}3\n/);
    expect(stdout).toMatch(/Events\n.*retry .*not yet/);
    expect(stdout).toMatch(/Source {2}\S+pipeline\.ts:\d+/);
  });

  it("tells of one run where its inputs came from, what failed before, and what it measured", async () => {
    const { runs } = (await project.json("show", countId)) as { runs: { id: string; name: string }[] };
    const idOf = (name: string) => runs.find((run) => run.name === name)?.id.slice(-8) ?? "";
    const flaky = (await project.run("show", idOf("flaky"))).stdout;
    expect(flaky).toMatch(/count › flaky/);
    expect(flaky).toMatch(new RegExp(`rows .*from load ${idOf("load")}\\.rows`));
    expect(flaky).toContain("[ 1, 2, 3 ]");
    expect(flaky).toMatch(/Attempts that failed\n {2}1 after .*Error: not yet/);
    expect((await project.run("show", idOf("load"))).stdout).toMatch(/Metrics\n {2}rows {2}42/);
  });

  it("puts many equal siblings on one line, with those that failed, and the user's error first", async () => {
    const { stdout } = await project.run("show", manyId);
    expect(stdout).toMatch(/Error\n {2}part \w+\n {2}RangeError: seven\n {6}at .*pipeline\.ts:\d+/);
    expect(stdout).toMatch(/part ×12: \d+ done, .*1 failed/);
    expect(stdout.match(/✔ part/g) ?? []).toHaveLength(0);
    expect((await project.run("show", manyId, "--all")).stdout.match(/✔ part/g)?.length).toBeGreaterThan(3);
  });

  it("takes shortened ids from either end, and `latest`", async () => {
    const found = async (id: string) => ((await project.json("show", id)) as { run: { id: string } }).run.id;
    expect(await found(countId.slice(-8))).toBe(countId);
    expect(await found(countId.slice(-5))).toBe(countId);
    expect(await found(countId.slice(0, 30))).toBe(countId);
    expect(await found(`count#${countId.slice(-8)}`)).toBe(countId);
    expect(await found("latest")).toBe(bytesId);
  });

  it("lists the candidates of an id that is too short, and says what is not there", async () => {
    const short = await project.run("show", countId.slice(0, 5));
    expect(short.stderr).toContain("is short for several runs");
    expect(short.stderr).toContain(`${countId}  count`);
    expect(short.code).toBe(2);
    const missing = await project.run("show", "deadbeefdeadbeef");
    expect(missing.stderr).toContain("reprise ls");
    expect(missing.code).toBe(4);
    expect((await project.run("show", "xyz")).code).toBe(2);
    expect(await project.json("show", "deadbeefdeadbeef")).toMatchObject({
      error: { code: "RUN_NOT_FOUND", exitCode: 4 },
    });
  });
});

describe("reprise logs", () => {
  it("prints what bodies wrote, of one run or of all below it", async () => {
    const nested = (await project.run("logs", countId)).stdout;
    expect(nested).toMatch(/\d\d:\d\d:\d\d load │ loading data\.csv/);
    expect(nested).toMatch(/load │ two lines \{"skipped":2\}/);
    const { runs } = (await project.json("show", countId)) as { runs: { id: string; name: string }[] };
    const load = runs.find((run) => run.name === "load")?.id ?? "";
    expect((await project.run("logs", load)).stdout).toMatch(/^\d\d:\d\d:\d\d │ loading data\.csv\n/);
    const lines = jsonLines((await project.run("logs", load, "--json")).stdout);
    expect(lines).toMatchObject([
      { runId: load, stream: "stdout", text: "loading data.csv", attempt: 1 },
      { runId: load, stream: "log", level: "warn", text: "two lines", data: { skipped: 2 } },
    ]);
    const silent = await project.run("logs", bytesId);
    expect(silent).toMatchObject({ code: 0, stdout: "" });
    expect(silent.stderr).toContain("wrote nothing");
  });
});

describe("reprise artifact get", () => {
  it("prints values to read, as JSON, and raw", async () => {
    const id = await runId("values");
    const shown = (await project.run("artifact", "get", id)).stdout;
    expect(shown).toContain("some text");
    expect(shown).toContain("1970-01-01T00:00:00.000Z");
    const { id: artifactId, value } = (await project.json("artifact", "get", id)) as { id: string; value: unknown };
    expect(value).toEqual({
      bytes: { $bytes: "AQID" },
      map: { $map: [["a", 1]] },
      none: { $number: "NaN" },
      text: "some text",
      when: { $date: "1970-01-01T00:00:00.000Z" },
    });
    expect(await project.json("artifact", "get", artifactId.slice(0, 12))).toMatchObject({ id: artifactId });
    const text = await runId("text");
    expect((await project.run("artifact", "get", text, "--raw")).stdout).toBe("line one\nline two");
    expect((await project.run("artifact", "get", text)).stdout).toBe("line one\nline two\n");
  });

  it("writes bytes to a file", async () => {
    const { code, stdout } = await project.run("artifact", "get", bytesId.slice(-8), "--out", "out.bin");
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
    expect([...readFileSync(join(project.folder, "out.bin"))]).toEqual([0, 255, 10]);
  });

  it("gives files and folders back, from the store that is named", async () => {
    const elsewhere = ["--home", "elsewhere"];
    const idIn = async (target: string) =>
      String(
        jsonLines((await project.run("run", `pipeline.ts:${target}`, "--json", ...elsewhere)).stdout).at(-1)?.["id"],
      );
    const file = await idIn("file");
    expect((await project.run("artifact", "get", file, "--raw", ...elsewhere)).stdout).toBe("the content of a file");
    expect((await project.run("artifact", "get", file, ...elsewhere)).stdout).toContain("FileArtifact");
    await project.run("artifact", "get", file, "--out", "file.txt", ...elsewhere);
    expect(readFileSync(join(project.folder, "file.txt"), "utf8")).toBe("the content of a file");
    const folder = await idIn("folder");
    expect((await project.run("artifact", "get", folder, ...elsewhere)).stdout).toMatch(
      /^DirectoryArtifact: 1 file, 11 B, [0-9a-f]{12}\n {2}sub {2}11 B\n {2}sub\/a\.txt {2}11 B\n$/,
    );
    const both = await idIn("both");
    expect((await project.run("show", both, ...elsewhere)).stdout).toContain("Link: Run 7, https://example.com/7");
    expect((await project.run("artifact", "get", both, ...elsewhere)).stdout).toMatch(
      /^files {2}\[ 1 \]\nlink {3}Link: Run 7, https:\/\/example\.com\/7\nnested\n {2}- FileArtifact: a\.txt, 3 B, [0-9a-f]{12}\n {2}- 1\nsome\n {2}- RunFailure\(part#[0-9a-f]{8}: RangeError: seven\)\n$/,
    );
    await project.run("artifact", "get", folder, "--out", "restored", ...elsewhere);
    expect(readFileSync(join(project.folder, "restored/sub/a.txt"), "utf8")).toBe("in a folder");
    expect((await project.run("artifact", "get", folder, "--raw", ...elsewhere)).stderr).toContain("--out FOLDER");
  });

  it("says why there is nothing", async () => {
    const failed = await project.run("artifact", "get", manyId);
    expect(failed.stderr).toMatch(/has no output: it is (?:NESTED_)?FAILED/);
    expect(failed.code).toBe(4);
    expect((await project.run("artifact", "get", "0".repeat(64))).code).toBe(4);
  });
});
