import type { LogLine } from "@reprise/core";
import { expect, test } from "vitest";
import { type Ended, runChild } from "./testing/child.ts";
import { homeOf, temporaryFolder } from "./testing/temporary-home.ts";

/** Runs a scenario: what the process printed, and what was recorded for each of its funcs. */
async function print(scenario: string): Promise<Ended & { readonly logs: ReadonlyMap<string, readonly LogLine[][]> }> {
  const folder = temporaryFolder();
  const ended = await runChild("output-scenarios.ts", [scenario, folder]);
  const { backend } = await homeOf(folder);
  const logs = new Map<string, LogLine[][]>();
  for (const pipeline of await backend.listPipelineRuns()) {
    for (const run of await backend.listRuns(pipeline.id)) {
      const list = logs.get(run.func.id) ?? [];
      logs.set(run.func.id, [...list, [...(await backend.logsOf(run.id))]]);
    }
  }
  return { ...ended, logs };
}

function linesOf(lines: readonly LogLine[] = [], stream?: LogLine["stream"]): string[] {
  return lines.filter((line) => stream === undefined || line.stream === stream).map((line) => line.text);
}

const printed = [
  "log 1",
  "a part, and the rest",
  "another line",
  "",
  "after an empty one",
  "zwölf 🐦",
  "é",
  "in a timer",
];

test("what a body prints is recorded line by line and reaches the terminal as it is", async () => {
  const { logs, stdout, stderr } = await print("kinds");
  const [lines] = logs.get("kinds") ?? [];
  expect(linesOf(lines, "stdout")).toEqual(printed);
  expect(linesOf(lines, "stderr")).toEqual(["error", "warn", "no end"]);
  expect(new Set(lines?.filter(({ stream }) => stream === "stderr").map(({ level }) => level))).toEqual(
    new Set(["error"]),
  );
  expect(stdout).toBe(printed.join("\n").replace("rest\n", "rest\r\n") + "\n");
  expect(stderr).toBe("error\nwarn\nno end");
});

test("the log of the context keeps data as it was, and never fails a run", async () => {
  const { logs, code } = await print("kinds");
  const lines = logs.get("kinds")?.[0]?.filter(({ stream }) => stream === "log");
  expect(code).toBe(0);
  expect(lines).toMatchObject([
    {
      level: "warn",
      text: "with data",
      data: { list: [1, 2], big: "12", not: "NaN", error: { name: "Error", message: "inside" } },
    },
    { level: "debug", text: "circular", data: expect.stringContaining("[Circular *1]") as string },
    { level: "info", text: "as it was", data: { value: "then" } },
  ]);
});

test("without forwarding, only what bodies print is held back", async () => {
  const { logs, stdout, stderr } = await print("silent");
  expect(stdout).toBe("before\noutside\nafterwards\n");
  expect(stderr).toBe("");
  expect(linesOf(logs.get("kinds")?.[0], "stdout")).toEqual(printed);
});

test("long lines are cut between characters, and nothing is added or lost", async () => {
  const { logs, stdout } = await print("long");
  const lines = linesOf(logs.get("long")?.[0]);
  const bird = "🐦".repeat(50_000);
  expect(lines.every((line) => line.length <= 65_536 && line.isWellFormed())).toBe(true);
  expect(lines.join("")).toBe(`${bird}${"x".repeat(40_000)}${"y".repeat(40_000)}end`);
  expect(lines.at(-1)).toBe("end");
  expect(lines).toHaveLength(5);
  expect(stdout).toBe(`${bird}\n${"x".repeat(40_000)}${"y".repeat(40_000)}\nend\n`);
});

test("sixty-four bodies at once have each their own lines", async () => {
  const { logs, stdout } = await print("crowd");
  const all = logs.get("chatty") ?? [];
  expect(all).toHaveLength(64);
  for (const [number, lines] of all.entries()) {
    expect(linesOf(lines)).toEqual(Array.from({ length: 20 }, (_, line) => `${number}:${line}`));
  }
  expect(stdout).toBe("");
});

test("a line without an end belongs to the attempt that wrote it", async () => {
  const { logs } = await print("retried");
  const lines = logs.get("retried")?.[0];
  expect(lines?.map(({ attempt, text }) => [attempt, text])).toEqual([
    [1, "attempt 1"],
    [2, "attempt 2"],
    [3, "attempt 3"],
  ]);
});

test.for(["callbacks", "silent callbacks"])("callbacks of writes are called: %s", async (scenario) => {
  const { logs, code } = await print(scenario);
  expect(code).toBe(0);
  expect(linesOf(logs.get("callbacks")?.[0])).toEqual(["one", "two", "three"]);
});

test("what a body prints after its end belongs to it as long as the pipeline run is under way", async () => {
  const { logs, stdout } = await print("late");
  expect(linesOf(logs.get("quick")?.[0])).toEqual(["after its body"]);
  expect(stdout).toBe("after its body\nafter its pipeline run\n");
});

test("runners at the same time keep to their own options", async () => {
  const { logs, stdout } = await print("two runners");
  const lines = (name: string) => Array.from({ length: 5 }, (_, line) => `${name} ${line}`);
  expect(
    logs
      .get("talker")
      ?.map((list) => linesOf(list))
      .sort(),
  ).toEqual([lines("loud"), lines("quiet")]);
  expect(stdout).toBe(`${lines("loud").join("\n")}\n`);
});

test("a stream that somebody else has wrapped is recorded once", async () => {
  const { logs, stdout } = await print("wrapped");
  const lines = (name: string) => Array.from({ length: 5 }, (_, line) => `${name} ${line}`);
  expect(
    logs
      .get("talker")
      ?.map((list) => linesOf(list))
      .sort(),
  ).toEqual([lines("first"), lines("second")]);
  expect(stdout).toBe(`${[...lines("first"), ...lines("second")].join("\n")}\n`);
});

test("what cannot be written fails as it does without a runner", async () => {
  const { stderr } = await print("invalid");
  expect(stderr).toContain("ERR_INVALID_ARG_TYPE");
});
