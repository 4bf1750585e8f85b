import type { RepriseError } from "@reprise/core";
import { describe, expect, onTestFinished, test } from "vitest";
import { func, type Future, LocalRunner, type LocalRunnerOptions } from "./index.ts";
import { compileCache } from "./testing/compile-cache.ts";
import { CrashedHome, recorded } from "./testing/resume-home.ts";
import { noted } from "./testing/resume-log.ts";
import { temporaryFolder } from "./testing/temporary-home.ts";

const env = compileCache();
const noSuchRun = "01920000-0000-7000-8000-000000000000";

const quick = func("quick", (number: number) => noted(number, () => number * 2));
const waitsForOne = func("waits for one", async (number: number, text: string) => [
  await quick(number).$value(),
  text,
  await stays(number * 2).$value(),
]);
const stays = func("stays", (number: number) => noted(number, () => number + 100));

const simple = func("simple", (what: string) => {
  if (what === "fails") throw new Error("as told");
  return what;
});
const { promise: opened, resolve: open } = Promise.withResolvers<void>();
const begins = Promise.withResolvers<void>();
const held = func("held", async () => {
  begins.resolve();
  await opened;
  return "held";
});

/** The error with which a pipeline run is refused. */
async function refusal(options: LocalRunnerOptions, future: Future<unknown>): Promise<RepriseError> {
  const runner = new LocalRunner(options);
  onTestFinished(() => runner[Symbol.asyncDispose]());
  // `submit` is enough: no handle is given.
  return runner.submit(future).then(
    () => expect.unreachable("it was not refused"),
    (error: RepriseError) => error,
  );
}

describe("what cannot be resumed is refused with an error of its own:", () => {
  test("an id that nothing has", async () => {
    const home = temporaryFolder();
    const error = await refusal({ home, resume: noSuchRun }, simple("x"));
    expect(error).toMatchObject({ code: "RUN_NOT_FOUND" });
    expect(error.message).toContain(noSuchRun);
    expect(await refusal({ home, resume: "nonsense" }, simple("x"))).toMatchObject({ code: "RUN_NOT_FOUND" });
  });

  test("a run that is not a pipeline run, since it was called by another", async () => {
    const crashed = await CrashedHome.after("waits for one", env);
    const resume = crashed.left[1]?.id ?? "";
    const error = await refusal({ home: crashed.path, resume }, quick(1));
    expect(error).toMatchObject({ code: "RUN_NOT_FOUND" });
    expect(error.message).toContain(`Resume ${crashed.rootId}.`);
    expect(await crashed.runs()).toEqual(crashed.left);
  });

  test.each([
    ["COMPLETE", "works"],
    ["FAILED", "fails"],
  ])("one that is %s", async (state, what) => {
    const home = temporaryFolder();
    await using runner = new LocalRunner({ home });
    const handle = await runner.submit(simple(what));
    await handle.result().catch(() => undefined);
    const error = await refusal({ home, resume: handle.id }, simple(what));
    expect(error).toMatchObject({ code: "RUN_FINISHED" });
    expect(error.message).toContain(handle.id);
    expect(error.message).toContain(state);
  });

  test("one that this very process drives", async () => {
    const home = temporaryFolder();
    await using runner = new LocalRunner({ home });
    const handle = await runner.submit(held());
    await begins.promise;
    const error = await refusal({ home, resume: handle.id }, held());
    expect(error).toMatchObject({ code: "DRIVER_ALIVE" });
    expect(error.message).toContain(String(process.pid));
    open();
    expect(await handle.result()).toBe("held");
  });

  test.each<[string, LocalRunnerOptions]>([
    ["together with rerunFrom", { resume: noSuchRun, rerunFrom: noSuchRun }],
    ["together with rerunMode", { resume: noSuchRun, rerunMode: "from" }],
    ["as something that is no text", { resume: 7 as unknown as string }],
  ])("the option %s", async (_, options) => {
    const run = async (): Promise<unknown> => new LocalRunner({ home: temporaryFolder(), ...options }).run(simple("x"));
    await expect(run()).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });
});

describe("a crashed pipeline run", () => {
  test("refuses other arguments and another func, and can be resumed afterwards", async () => {
    const crashed = await CrashedHome.after("waits for one", env);
    const options = { home: crashed.path, resume: crashed.rootId };
    const other = await refusal(options, waitsForOne(1, "another text"));
    expect(other).toMatchObject({ code: "RERUN_REFUSED" });
    expect(other.message).toContain("text");
    expect(other.message).not.toContain("number");
    const another = await refusal(options, simple("x"));
    expect(another).toMatchObject({ code: "RERUN_REFUSED" });
    expect(another.message).toContain('"simple"');
    expect(another.message).toContain('"waits for one"');
    expect(await crashed.runs()).toEqual(crashed.left);
    expect(await crashed.resume(waitsForOne(1, "text"))).toEqual([2, "text", 102]);
    await crashed.verify();
  });

  test("that has to execute a func that is gone names it, and can be resumed by a program that has it", async () => {
    const crashed = await CrashedHome.after("needs a func", env);
    const root = func("needs a func", () => 0);
    const error = await refusal({ home: crashed.path, resume: crashed.rootId }, recorded(root));
    expect(error).toMatchObject({ code: "FUNC_NOT_FOUND" });
    // Not "kept", which is gone, too: it has ended.
    expect(error.message).toContain('"only"');
    expect(error.message).toMatch(/resume-scenarios\.ts:\d+/u);
    const [run] = await crashed.runsOf("only");
    expect(error.message).toContain(run?.id.slice(-8));
    expect(await crashed.runs()).toEqual(crashed.left);

    func("only", (number: number) => noted(number, () => `${number} there again`));
    expect(await crashed.resume(recorded(root))).toEqual([1, "2 there again"]);
    expect(crashed.executed).toEqual([["only", 2, 1]]);
    await crashed.verify();
  });

  test("whose input is gone says which run needs it", async () => {
    const crashed = await CrashedHome.after("is re-run", env);
    const [run] = await crashed.runsOf("stays");
    const [edge] = await crashed.home.backend.edgesOf(run?.id ?? "");
    await crashed.home.backend.discardArtifact(edge?.artifactId ?? "");
    const root = func("is re-run", () => 0);
    const error = await refusal({ home: crashed.path, resume: crashed.rootId }, recorded(root));
    expect(["ARTIFACT_NOT_FOUND", "ARTIFACT_DAMAGED"]).toContain(error.code);
    expect(error.message).toContain(run?.id.slice(-8));
  });
});
