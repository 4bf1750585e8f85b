import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Child } from "../testing/child.ts";
import { homeOf, temporaryFolder } from "../testing/temporary-home.ts";
import type { WireProgram } from "../workers/protocol.ts";
import { poolId, poolSpec } from "./pool-spec.ts";
import type { PoolSpec } from "./supervisor-protocol.ts";
import { tested } from "./testing/tested-actor.ts";

const specChild = fileURLToPath(new URL("testing/spec-child.ts", import.meta.url));

async function spec(): Promise<PoolSpec> {
  const home = await homeOf(temporaryFolder());
  return poolSpec({ home, program: { kind: "kept", digest: "d".repeat(64) }, environment: tested });
}

interface Pool {
  readonly id: string;
  readonly program: WireProgram;
  readonly codeVersion: string;
}

/** Which pool a driver uses that executes a file, and is started now. */
async function poolOf(home: string, file: string, keep: "on" | "off"): Promise<Pool> {
  const child = new Child(specChild, [home, file], { env: { REPRISE_KEEP_CODE: keep } });
  const { stdout, stderr } = await child.ended;
  expect(stderr).toBe("");
  return JSON.parse(stdout) as Pool;
}

describe("the identity of a pool", () => {
  it.each([
    ["the name", { definition: { ...tested, name: "other" } }],
    ["the replicas", { definition: { ...tested, replicas: { min: 0, max: 2 } } }],
    ["the ttl", { definition: { ...tested, ttl: 1 } }],
    ["the concurrency", { definition: { ...tested, concurrency: 2 } }],
    ["the resources", { definition: { ...tested, resources: { memory: "1Gi" } } }],
    ["the environment variables of the actor", { definition: { ...tested, env: { A: "1" } } }],
    ["the isolation", { definition: { ...tested, isolation: "clean" } }],
    ["the code", { codeVersion: "e" }],
    ["the program", { program: { kind: "kept", digest: "e" } }],
    ["the options of Node", { execArgv: ["--conditions=x"] }],
    ["the working directory", { cwd: "/" }],
    ["the library", { worker: "file:///other/worker.js" }],
  ] as const)("is another one if %s differ", async (_, change) => {
    const one = await spec();
    expect(poolId({ ...one, ...change })).not.toBe(poolId(one));
  });

  it("is the same for all drivers of whatever environment, however the options were written", async () => {
    const one = await spec();
    const { env, name, ...rest } = { ...tested, env: { A: "1", B: "2" } };
    const written = { ...one, definition: { ...tested, env: { A: "1", B: "2" } } };
    const otherwise = { ...one, definition: { env: { B: env.B, A: env.A }, ...rest, name }, env: { OTHER: "1" } };
    expect(poolId(otherwise)).toBe(poolId(written));
    expect(poolId(JSON.parse(JSON.stringify(one)) as PoolSpec)).toBe(poolId(one));
  });
});

describe("the code of a pool", () => {
  it.each(["on", "off"] as const)("is that of all files of the program, with programs kept: %s", async (keep) => {
    const folder = temporaryFolder();
    const home = join(folder, "home");
    const file = join(folder, "pipeline.ts");
    // What does not use the library is not kept.
    writeFileSync(file, `import { n } from "./part.ts";\nexport const late = () => [n, import("reprise")];\n`);
    writeFileSync(join(folder, "part.ts"), "export const n: number = 1;\n");
    const first = await poolOf(home, file, keep);
    expect(first.program.kind).toBe(keep === "on" ? "kept" : "files");
    expect(await poolOf(home, file, keep)).toEqual(first);
    writeFileSync(join(folder, "part.ts"), "export const n: number = 2;\n");
    const second = await poolOf(home, file, keep);
    expect([second.id === first.id, second.codeVersion === first.codeVersion]).toEqual([false, false]);
  });
});
