import { readdirSync } from "node:fs";
import { isFinished } from "@reprise/core";
import { expect, test } from "vitest";
import { Child, type Ended } from "./testing/child.ts";
import { homeOf, temporaryFolder } from "./testing/temporary-home.ts";
import { verifyHome } from "./testing/verify-home.ts";

async function stop(
  scenario: string,
  signal: NodeJS.Signals,
  home: string,
): Promise<Ended & { readonly took: number }> {
  const child = new Child("stop-scenarios.ts", [scenario, home]);
  await child.says("ready");
  const began = performance.now();
  child.kill(signal);
  const ended = await child.ended;
  return { ...ended, took: ended.at - began };
}

async function recorded(path: string) {
  const home = await homeOf(path);
  const { runs } = await verifyHome(home);
  const [pipeline] = await home.backend.listPipelineRuns();
  const root = runs.get(pipeline?.id ?? "");
  return {
    home,
    pipeline,
    root,
    runs: [...runs.values()],
    open: [...runs.values()].filter((run) => !isFinished(run.state)),
  };
}

test.for(["SIGINT", "SIGTERM"] as const)("%s cancels a pipeline run and ends the process by it", async (signal) => {
  const folder = temporaryFolder();
  const { took, stdout, stderr, ...ended } = await stop("uncaught", signal, folder);
  expect(ended.signal).toBe(signal);
  expect(took).toBeLessThan(1_000);
  expect(stdout).toContain("tidied up, RunCanceledError\n");
  expect(stderr).toBe("");

  const { home, pipeline, root, runs, open } = await recorded(folder);
  expect(pipeline).toMatchObject({ state: "CANCELED" });
  expect(root).toMatchObject({ state: "CANCELED", reason: `the process received ${signal}` });
  expect(open).toEqual([]);
  // Those that were running, waiting, queued, retrying, and not yet possible; all of them with a reason.
  expect(new Set(runs.map((run) => run.func.id))).toEqual(
    new Set(["work", "polite", "retries", "waits", "deaf", "slow", "queued", "dependent"]),
  );
  expect(runs.filter((run) => run.reason === null)).toEqual([]);
  const polite = runs.find((run) => run.func.id === "polite");
  expect(await home.backend.logsOf(polite?.id ?? "")).toMatchObject([{ text: "last words", attempt: 1 }]);
  expect(readdirSync(`${folder}/tmp`)).toEqual([]);
});

test("a program that catches the cancellation and goes on is ended by the signal a moment later", async () => {
  const folder = temporaryFolder();
  const { signal, took, stdout } = await stop("caught", "SIGINT", folder);
  expect(signal).toBe("SIGINT");
  expect(took).toBeLessThan(1_000);
  expect(stdout).toContain("caught canceled: the process received SIGINT");
});

test("a program that ends itself after the cancellation keeps its exit code", async () => {
  const folder = temporaryFolder();
  const { signal, code } = await stop("own end", "SIGINT", folder);
  expect({ signal, code }).toEqual({ signal: null, code: 5 });
});

test("a program that listens for the signal itself decides what comes after the cancellation", async () => {
  const folder = temporaryFolder();
  const { signal, code, stdout } = await stop("own listener", "SIGINT", folder);
  expect({ signal, code }).toEqual({ signal: null, code: 7 });
  expect(stdout).toContain("own listener\n");
  expect(stdout).toContain("caught\n");
  expect(await recorded(folder)).toMatchObject({ pipeline: { state: "CANCELED" }, open: [] });
});

test("a second signal ends the process at once", async () => {
  const folder = temporaryFolder();
  const child = new Child("stop-scenarios.ts", ["uncaught", folder]);
  await child.says("ready");
  child.kill("SIGINT");
  await child.says("tidied up, RunCanceledError");
  const began = performance.now();
  child.kill("SIGINT");
  const { signal, at } = await child.ended;
  expect(signal).toBe("SIGINT");
  expect(at - began).toBeLessThan(200);
  expect(await recorded(folder)).toMatchObject({ pipeline: { state: "CANCELED" }, open: [] });
});

test("a second signal ends a process that is still busy after its pipeline runs", async () => {
  const folder = temporaryFolder();
  const child = new Child("stop-scenarios.ts", ["busy afterwards", folder]);
  await child.says("ready");
  child.kill("SIGTERM");
  await child.says("ended");
  child.kill("SIGTERM");
  expect(await child.ended).toMatchObject({ signal: "SIGTERM" });
});

test("without handling of signals they take their default action", async () => {
  const folder = temporaryFolder();
  const { signal, stdout } = await stop("not handled", "SIGINT", folder);
  expect(signal).toBe("SIGINT");
  expect(stdout).not.toContain("tidied up");
});

test("all pipeline runs of a process are canceled by one signal", async () => {
  const folder = temporaryFolder();
  const { signal, stdout } = await stop("two runners", "SIGINT", folder);
  expect(signal).toBe("SIGINT");
  expect(stdout).toContain("both ended\n");
  const { home, open } = await recorded(folder);
  expect(open).toEqual([]);
  expect((await home.backend.listPipelineRuns()).map(({ state }) => state)).toEqual(["CANCELED", "CANCELED"]);
});
