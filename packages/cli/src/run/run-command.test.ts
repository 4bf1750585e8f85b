import { describe, expect, it } from "vitest";
import { jsonLines, Project } from "../testing/project.ts";

const pipeline = `
import { context, func } from "reprise";

const square = func("square", (n: number): number => {
  console.log("squaring", n);
  context().log.info("done with " + n);
  return n * n;
});
const fail = func("fail", (reason: string): number => { throw new TypeError(reason); });

export const squares = func("squares", ({ upTo = 3 }: { upTo?: number }) =>
  Array.from({ length: upTo }, (_, n) => square(n)));
export const add = func("add", (a: number, b: number) => a + b);
export const echo = func("echo", (value: unknown) => value);
export const broken = func("broken", () => fail("no such column"));
export const scores = func("scores", () => [
  { model: "bayes", accuracy: 0.98765 },
  { model: "logistic", accuracy: 0.5 },
]);
`;

describe("reprise run", () => {
  it("runs a func of a TypeScript file and prints its result and how to look at it", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    const { code, stdout, stderr } = await project.run("run", "pipeline.ts:squares", "--upTo=4");
    expect(stderr).toMatch(/✔ squares complete in \d+ ms|✔ squares complete in \d/);
    expect(stderr).toMatch(/squares: started/);
    expect(stderr).toMatch(/square#[0-9a-f]{8}: done in/);
    expect(stderr).toMatch(/reprise show [0-9a-f]{8}\n\s+reprise artifact get [0-9a-f]{8}/);
    expect(stdout).toMatch(/square#[0-9a-f]{8} \| squaring 3/);
    expect(stdout.trimEnd().split("\n").at(-1)).toBe("[ 0, 1, 4, 9 ]");
    expect(code).toBe(0);
  });

  it("takes input as JSON, as fields, as parameters, from a file and from standard input", async () => {
    using project = new Project({ "pipeline.ts": pipeline, "in.json": '{"n":1}' });
    const result = async (args: readonly string[], input = "") => {
      const { stdout, stderr } = await project.start(["run", "--quiet", ...args], { input }).finished;
      return `${stdout}${stderr}`.trim();
    };
    const echo = "pipeline.ts:echo";
    expect(await result(["pipeline.ts:add", "--input", "[1, 2]"])).toBe("3");
    expect(await result(["pipeline.ts:add", "--b=5", "--a=2"])).toBe("7");
    expect(await result([echo, "--input", '{"a":[1,{"b":null}]}'])).toContain("null");
    expect(await result([echo, "--input=@in.json"])).toBe("{ n: 1 }");
    expect(await result([echo, "--input=-"], '{"n":2}')).toBe("{ n: 2 }");
    expect(
      await result([echo, "--x=1", "--y=1.5e3", "--x=two", "--on", "--off=false", "--id=12345678901234567890"]),
    ).toBe(["id   12345678901234567890", "off  false", "on   true", "x    [ 1, 'two' ]", "y    1500"].join("\n"));
    expect(await result([echo, "--", "--home=here", "--json=1"])).toBe("{ home: 'here', json: 1 }");
  });

  it("says what is wrong with input that is no JSON, and shows no stack of its own", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    const { code, stderr } = await project.run("run", "pipeline.ts:add", "--input", "{a: 1}");
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: run: --input is no JSON: .*--name=value\.\n$/);
  });

  it("prints an array of flat objects as a table", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    const { stdout } = await project.run("run", "pipeline.ts:scores", "--quiet");
    expect(stdout).toBe("model     accuracy\nbayes       0.9877\nlogistic    0.5000\n");
  });

  it("tells the user's own error with the user's own frames, and exits with 1", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    const { code, stdout, stderr } = await project.run("run", "pipeline.ts:broken");
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/✖ broken failed after/);
    expect(stderr).toMatch(/broken › fail#[0-9a-f]{8} failed\nTypeError: no such column\n\s+at .*pipeline\.ts:9:/);
    expect(stderr).not.toContain("dist/");
    expect(stderr).toMatch(/reprise show [0-9a-f]{8}/);
  });

  it("prints one JSON object a line, the result last", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    const { code, stdout, stderr } = await project.run("run", "pipeline.ts:squares", "--json");
    expect(stderr).toBe("");
    expect(code).toBe(0);
    const lines = jsonLines(stdout);
    const result = lines.at(-1);
    expect(result).toMatchObject({ type: "result", state: "COMPLETE", value: [0, 1, 4], error: null });
    const own = lines
      .filter((line) => line["type"] === "run" && line["id"] === result?.["id"])
      .map((line) => line["state"]);
    expect(own).toContain("RUNNING");
    expect(own.at(-1)).toBe("RESOLVED");
    expect(lines.filter((line) => line["type"] === "log" && line["stream"] === "stdout")).toHaveLength(3);
    expect(lines.filter((line) => line["type"] === "log" && line["stream"] === "log")).toHaveLength(3);

    const failed = jsonLines((await project.run("run", "pipeline.ts:broken", "--json")).stdout).at(-1);
    expect(failed).toMatchObject({ type: "result", state: "FAILED" });
    expect(JSON.stringify(failed?.["error"])).toContain("no such column");
  });

  it("finds the func: the only one, the one named pipeline, the default; by export or by id", async () => {
    const one =
      'import { func } from "reprise";\nconst hidden = func("hidden", () => 1);\nexport const only = func("the only", () => hidden());';
    const two =
      'import { func } from "reprise";\nexport const other = func("other", () => 1);\nexport const pipeline = func("main", () => 2);';
    const three =
      'import { func } from "reprise";\nexport const other = func("other", () => 1);\nexport default func("main", () => 3);';
    using project = new Project({ "one.ts": one, "two.ts": two, "three.ts": three });
    const result = async (target: string) => (await project.run("run", target, "-q")).stdout.trim();
    expect(await Promise.all(["one.ts", "two.ts", "three.ts", "two.ts:other", "two.ts:main"].map(result))).toEqual([
      "1",
      "2",
      "3",
      "1",
      "2",
    ]);
  });

  it("shows how a standard schema found the input wrong", async () => {
    const text = `
      import { func } from "reprise";
      const schema = { "~standard": { version: 1 as const, vendor: "test", validate: (value: unknown) =>
        typeof (value as { size?: unknown }).size === "number" ? { value: value as { size: number } } : { issues: [{ message: "expected a number", path: ["size"] }] } } };
      export const sized = func({ id: "sized", input: schema, run: ({ size }) => size });`;
    using project = new Project({ "sized.ts": text });
    expect((await project.run("run", "sized.ts", "--size=3", "-q")).stdout.trim()).toBe("3");
    const { code, stderr } = await project.run("run", "sized.ts", "--size=big");
    expect(stderr).toContain("size");
    expect(stderr).toContain("expected a number");
    expect(code).not.toBe(0);
  });

  it("says what is wrong with a file and what to do, and exits with 2", async () => {
    using project = new Project({
      "pipeline.ts": pipeline,
      "enum.ts": "export enum Color { Red }",
      "throws.ts": 'throw new RangeError("at load");',
      "imports.ts": 'import "./nowhere.ts";',
      "view.tsx": "export {};",
    });
    const cases: readonly (readonly [string, RegExp])[] = [
      ["pipelin.ts", /There is no file .*pipelin\.ts\. Did you mean "pipeline\.ts"\?/],
      ["pipeline.ts", /exports 5 funcs, and none is named "pipeline"[\s\S]*pipeline\.ts:squares {2}\(id "squares"\)/],
      ["pipeline.ts:sqares", /exports no func "sqares"\. Did you mean "squares"/],
      ["enum.ts", /--import tsx/],
      ["throws.ts", /threw an error while it was loaded: at load[\s\S]*RangeError: at load[\s\S]*throws\.ts:1/],
      ["imports.ts", /nowhere\.ts/],
      ["view.tsx", /\.tsx/],
      ["pipeline.ts:add", /func "add" needs a, b\. Give: --a=… --b=…/],
    ];
    await Promise.all(
      cases.map(async ([target, message]) => {
        const { code, stderr } = await project.run("run", target);
        expect(stderr).toMatch(message);
        expect(code).toBe(2);
      }),
    );
    const { code, stdout } = await project.run("run", "nowhere.ts", "--json");
    expect(code).toBe(2);
    expect(jsonLines(stdout).at(-1)).toMatchObject({ type: "error", error: { code: "USAGE", exitCode: 2 } });
  });

  it("loads modules first that --import names", async () => {
    using project = new Project({
      "pipeline.ts":
        'import { func } from "reprise";\nexport const p = func("p", () => (globalThis as Record<string, unknown>)["first"]);',
      "first.mjs": 'globalThis.first = "loaded first";',
    });
    expect((await project.run("run", "pipeline.ts", "-q", "--import", "./first.mjs")).stdout.trim()).toBe(
      "loaded first",
    );
  });

  it("lets a file run by itself what it runs, and does not run it twice", async () => {
    using project = new Project({
      "own.ts":
        'import { func, LocalRunner } from "reprise";\nconst p = func("p", () => "by itself");\nconsole.log(await new LocalRunner().run(p()));',
    });
    const { code, stdout, stderr } = await project.run("run", "own.ts");
    expect(stdout).toBe("by itself\n");
    expect(stderr).toContain("exports no func");
    expect(code).toBe(0);
    expect(await project.json("ls")).toMatchObject({ pipelineRuns: [{ funcId: "p", state: "COMPLETE" }] });
  });

  it("keeps lines to counts where more than fifty siblings are equal", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    const { stderr } = await project.run("run", "pipeline.ts:squares", "--upTo=2000", "--plain");
    expect(stderr.match(/: (?:started|done in)/g)?.length).toBeLessThan(110);
    expect(stderr).toMatch(/square ×2,000: 2,000 done after/);
  });

  it("uses the store that --home names and repeats it in its advice", async () => {
    using project = new Project({ "pipeline.ts": pipeline });
    const { stderr } = await project.run("run", "pipeline.ts:scores", "--home", "elsewhere");
    expect(stderr).toMatch(/reprise show [0-9a-f]{8} --home elsewhere/);
    expect(await project.json("ls", "--home", "elsewhere")).toMatchObject({ pipelineRuns: [{ funcId: "scores" }] });
    expect(await project.json("ls")).toEqual({ pipelineRuns: [] });
  });
});
