import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { type Failure, toFailure } from "@reprise/core";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Future, LocalRunner } from "../index.ts";
import * as cases from "../testing/body-cases.ts";
import { homeOf } from "../testing/temporary-home.ts";

/** Ids, and which form of a case it is, are not the same in any two pipeline runs. */
const masks: readonly (readonly [RegExp, string])[] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/g, "<run>"],
  [/\bRun [0-9a-f]{8} of/g, "Run <short> of"],
  [/#[0-9a-f]{8}\b/g, "#<short>"],
  [/\b(inline|remote)\b/g, "<form>"],
  [/reprise-test-\w+/g, "<home>"],
  [/work-\w+/g, "<workdir>"],
];

function masked<T>(value: T): T {
  const text = JSON.stringify(value, (key, part: unknown) => {
    if (key === "stack") return undefined;
    if (typeof part === "string") return masks.reduce((told, [pattern, word]) => told.replace(pattern, word), part);
    return typeof part === "number" && !Number.isFinite(part) ? String(part) : part;
  });
  return (text === undefined ? undefined : JSON.parse(text)) as T;
}

/** All that is recorded of a pipeline run that two executions of the same body have in common. */
async function recordOf(home: string, id: string): Promise<unknown> {
  const { backend } = await homeOf(home);
  const runs = await backend.listRuns(id);
  const positions = new Map(runs.map(({ id: run, position }) => [run, position]));
  const recorded = runs.map(async (run) => {
    const { awaited, kind, name, tags, position, state, attempt, options, failure, reason, progress } = run;
    const edges = await backend.edgesOf(run.id);
    const logs = await backend.logsOf(run.id);
    const metrics = await backend.metricsOf(run.id);
    // The results of the case itself, and of maps with failures, name runs.
    const output = run.parentId === null || kind === "map" ? null : run.output;
    return {
      run: [run.func.id, { awaited, kind, name, tags, position, state, attempt, options, failure, reason, progress }],
      parent: positions.get(run.parentId ?? ""),
      output,
      edges,
      sources: edges.map(({ sourceRunId }) => positions.get(sourceRunId ?? "")),
      logs: logs.map(({ stream, level, text, data }) => ({ stream, level, text, data })),
      metrics: metrics.map(({ name: metric, type, value }) => ({ metric, type, value })),
    };
  });
  return masked(await Promise.all(recorded));
}

async function outcomeOf(future: Future<unknown>, runner: LocalRunner, home: string): Promise<unknown> {
  const handle = await runner.submit(future);
  const result = await handle.result().then(
    (value: unknown) => inspect(value, { depth: null, maxArrayLength: 20, maxStringLength: 1_000 }),
    (error: unknown) => messages(toFailure(error)),
  );
  return { result: masked(result), record: await recordOf(home, handle.id) };
}

function messages({ name, message, code, cause }: Failure): unknown {
  return [name, message, code, cause === undefined ? null : messages(cause)];
}

/** What a case is called with. */
function argumentsOf(name: string, folder: string): readonly unknown[] {
  if (name === "goes on after its end") return [folder];
  return name === "takes the context as a parameter" ? [4] : [];
}

describe("a body in a worker does as it does inline: it", () => {
  let home = "";
  // One for all: some cases use what others have left in the process.
  let kept: LocalRunner;
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), "reprise-test-"));
    kept = new LocalRunner({ home, forwardOutput: false, maxParallelism: 1 });
  });
  afterAll(async () => {
    await kept[Symbol.asyncDispose]();
    rmSync(home, { recursive: true, force: true });
  });

  it.for(cases.names)("%s", async (name) => {
    const [inline, remote] = [cases.inline, cases.remote].map(
      (form) => form.get(name)?.(...(argumentsOf(name, home) as [])) as Future<unknown>,
    ) as [Future<unknown>, Future<unknown>];
    const expected = await outcomeOf(inline, kept, home);
    expect(await outcomeOf(remote, kept, home)).toEqual(expected);
  });

  it("goes on after its end: what it does then is refused in the same words", async () => {
    const [inline, remote] = await Promise.all(
      ["0", "1"].map(async (file) => {
        await vi.waitUntil(() => existsSync(join(home, file)), { timeout: 10_000 });
        return masked(JSON.parse(readFileSync(join(home, file), "utf8")) as unknown);
      }),
    );
    expect(remote).toEqual(inline);
  });

  it("is given what its schema makes of it, and refuses what does not match", async () => {
    for (const input of [undefined, { n: 4 }, { n: 50 }, { n: "no" }]) {
      const expected = await outcomeOf(cases.inlineSchema(input as never), kept, home);
      expect(await outcomeOf(cases.remoteSchema(input as never), kept, home)).toEqual(expected);
    }
  });

  it("but for options that hold functions, which cannot leave its process", async () => {
    await using runner = new LocalRunner({ home, forwardOutput: false });
    const refused = (option: string): unknown => {
      const words = `${option} is a function, which cannot leave the process .*Give it where the func is defined`;
      return ["RepriseError", expect.stringMatching(words), "INVALID_OPTION", false, false, false, true, null];
    };
    expect(await runner.run(cases.functions())).toEqual(["retry.when", "cache.key", "cache.key"].map(refused));
  });
});
