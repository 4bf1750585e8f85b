import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Func, func, type Future, LocalRunner, type LocalRunnerOptions } from "../index.ts";
import { verifyHome } from "../testing/verify-home.ts";
import { again, executes, Lab, named, type Recorded, taken } from "./testing/lab.ts";

const double = func("double", (value: number) => {
  executes();
  return value * 2;
});
const pipeline = func("pipeline", (value: number, options: { readonly list: readonly number[] }) => {
  executes();
  return double(value + options.list.length);
});
const other = func("other", (value: number, options: { readonly list: readonly number[] }) => {
  executes();
  return value + options.list.length;
});

async function original(): Promise<{ lab: Lab; first: Recorded<number> }> {
  const lab = await Lab.open();
  const first = await lab.run(pipeline(1, { list: [1, 2] }));
  expect(first.value).toBe(6);
  return { lab, first };
}

/** How much is recorded; without the size of the file, to which a driver that is at work may add. */
async function countsOf({ home }: Lab): Promise<readonly number[]> {
  const { pipelineRuns, runs, artifacts } = await home.backend.statistics();
  return [pipelineRuns, runs, artifacts];
}

/** What a runner refuses a future with; that it recorded and executed nothing. */
async function refusal(lab: Lab, future: Future<unknown>, options: LocalRunnerOptions): Promise<Error> {
  const before = await countsOf(lab);
  await using runner = new LocalRunner({ home: lab.path, forwardOutput: false, handleSignals: false, ...options });
  const error = await runner.run(future).then(
    (value) => {
      throw new Error(`not refused, but ${String(value)}`);
    },
    (thrown: unknown) => thrown as Error,
  );
  expect(await countsOf(lab)).toEqual(before);
  await expect(runner.submit(future).then(async (handle) => handle.result())).rejects.toMatchObject({
    message: error.message,
  });
  return error;
}

describe("a re-run is refused, and the caller gets the reason as it is, with nothing recorded", () => {
  test.each([
    ["that nobody knows", "0199c1de-0000-7000-8000-000000000000"],
    ["whose id is none", "nonsense"],
    ["whose id is empty", ""],
  ])("from a run %s", async (_, rerunFrom) => {
    const { lab } = await original();
    for (const rerunMode of ["from", "continue"] as const) {
      const error = await refusal(lab, again(pipeline), { rerunFrom, rerunMode });
      expect(error).toMatchObject({ code: "RUN_NOT_FOUND" });
      expect(error.message).toContain(rerunFrom);
    }
  });

  test("when a run that is not the root is to be continued", async () => {
    const { lab, first } = await original();
    const { id } = named(first, "double");
    const error = await refusal(lab, again(pipeline), { rerunFrom: id, rerunMode: "continue" });
    expect(error).toMatchObject({ code: "RERUN_REFUSED" });
    // What to do instead.
    expect(error.message).toContain(first.id);
  });

  test.each(["from", "continue"] as const)("with another func: %s", async (rerunMode) => {
    const { lab, first } = await original();
    for (const future of [again(other), other(1, { list: [1, 2] }), double(1)]) {
      const error = await refusal(lab, future, { rerunFrom: first.id, rerunMode });
      expect(error).toMatchObject({ code: "RERUN_REFUSED" });
      expect(error.message).toContain('"pipeline"');
    }
    const nested = named(first, "double").id;
    expect(await refusal(lab, double(3), { rerunFrom: nested })).toMatchObject({ code: "RERUN_REFUSED" });
  });

  test("with other arguments than the recorded ones, of which it names the first that differs", async () => {
    const { lab, first } = await original();
    const rerunFrom = named(first, "double").id;
    const inFirst = await refusal(lab, pipeline(2, { list: [1, 2] }), { rerunFrom });
    expect(inFirst).toMatchObject({ code: "RERUN_REFUSED" });
    expect(inFirst.message).toContain("value");
    expect(inFirst.message).toContain(first.id);
    const inSecond = await refusal(lab, pipeline(1, { list: [1, 3] }), { rerunFrom });
    expect(inSecond.message).toContain("options");
    for (const future of [pipeline(2, { list: [1, 2] }), pipeline(1, { list: [] })]) {
      const error = await refusal(lab, future, { rerunFrom: first.id, rerunMode: "continue" });
      expect(error).toMatchObject({ code: "RERUN_REFUSED" });
    }
    const fewer = (pipeline as unknown as Func<[number], number>)(1);
    expect(await refusal(lab, fewer, { rerunFrom })).toMatchObject({ code: "RERUN_REFUSED" });
    // Equal ones are no others.
    expect(await lab.rerun(first, named(first, "double"), pipeline(1, { list: [1, 2] }))).toMatchObject({ value: 6 });
    expect(await lab.continue(first, pipeline(1, { list: [1, 2] }))).toMatchObject({ value: 6, executed: {} });
  });

  test("while the pipeline run is still driven", async () => {
    const gate = Promise.withResolvers<void>();
    onTestFinished(() => gate.resolve());
    const started = Promise.withResolvers<void>();
    const held = func("held", async () => {
      started.resolve();
      await gate.promise;
      return 1;
    });
    const lab = await Lab.open();
    const runner = new LocalRunner({ home: lab.path, forwardOutput: false, handleSignals: false });
    const handle = await runner.submit(held());
    await started.promise;
    for (const rerunMode of ["from", "continue"] as const) {
      const error = await refusal(lab, held(), { rerunFrom: handle.id, rerunMode });
      expect(error).toMatchObject({ code: "RERUN_REFUSED" });
      expect(error.message).toContain(String(process.pid));
    }
    gate.resolve();
    expect(await handle.result()).toBe(1);
    await runner[Symbol.asyncDispose]();
    const ended = { id: handle.id, ...(await lab.read(handle.id)) } as Recorded;
    expect(await lab.continue(ended, held())).toMatchObject({ value: 1 });
  });

  test.each<[string, Record<string, unknown>]>([
    ["a mode without a run", { rerunMode: "from" }],
    ["a mode that there is not", { rerunFrom: "0199c1de-0000-7000-8000-000000000000", rerunMode: "again" }],
    [
      "resuming and re-running",
      { rerunFrom: "0199c1de-0000-7000-8000-000000000000", resume: "0199c1de-0000-7000-8000-000000000000" },
    ],
    ["resuming in a mode", { resume: "0199c1de-0000-7000-8000-000000000000", rerunMode: "continue" }],
    ["a run that is no text", { rerunFrom: 7 }],
  ])("with options that cannot be: %s", (_, options) => {
    expect(() => new LocalRunner(options as LocalRunnerOptions)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }) as Error,
    );
  });
});

describe("an artifact that is gone", () => {
  const large = func("large", (value: number) => {
    executes();
    return { text: "x".repeat(100_000 + value) };
  });
  const size = func("size", (value: { readonly text: string }, more: number) => {
    executes();
    return value.text.length + more;
  });
  const sizes = func("sizes", () => {
    executes();
    const made = large(1);
    return { first: size(made, 0), second: double(size(made, double(1)).$set({ name: "second" })) };
  });

  async function withoutLarge(): Promise<{ lab: Lab; first: Recorded }> {
    const lab = await Lab.open();
    const first = await lab.run(sizes());
    expect(first.value).toEqual({ first: 100_001, second: 200_006 });
    const { output } = named(first, "large");
    const artifact = await lab.home.backend.getArtifact(output!);
    expect(artifact?.artifact.storage).toBe("blob");
    const digest = output!;
    rmSync(join(lab.path, "blobs", digest.slice(0, 2), digest.slice(2)));
    return { lab, first };
  }

  test("keeps a run that needs it from executing, which it names", async () => {
    const { lab, first } = await withoutLarge();
    for (const target of ["size", "second"]) {
      const { id } = named(first, target);
      const error = await refusal(lab, sizes(), { rerunFrom: id });
      expect(error).toMatchObject({ code: expect.stringMatching(/^(ARTIFACT|BLOB)_/) as string });
      expect(error.message).toContain(id);
    }
  });

  test("of a row, too", async () => {
    const lab = await Lab.open();
    const first = await lab.run(pipeline(1, { list: [1, 2] }));
    const [edge] = first.edges.get(named(first, "double").id)!;
    await lab.home.backend.discardArtifact(edge!.artifactId!);
    const { id } = named(first, "double");
    const error = await refusal(lab, again(pipeline), { rerunFrom: id });
    expect(error).toMatchObject({ code: "ARTIFACT_NOT_FOUND" });
    expect(error.message).toContain(id);
  });

  test("does not matter where nobody needs it, and is there again when it is computed again", async () => {
    const { lab, first } = await withoutLarge();
    await using runner = new LocalRunner({
      home: lab.path,
      forwardOutput: false,
      handleSignals: false,
      rerunFrom: named(first, "double", 1).id,
    });
    expect(await runner.run(sizes())).toEqual({ first: 100_001, second: 200_006 });
    await expect(verifyHome(lab.home)).rejects.toThrow(/blob|artifact/i);
    const computed = await lab.rerun(first, named(first, "large"), sizes());
    expect(computed).toMatchObject({ value: { first: 100_001, second: 200_006 }, executed: { large: 1, size: 2 } });
    expect(taken(computed)).toEqual(["double"]);
  });
});
