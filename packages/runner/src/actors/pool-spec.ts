import { readFileSync } from "node:fs";
import { digestBytes, RepriseError } from "@reprise/core";
import type { Home } from "@reprise/store";
import type { WireProgram } from "../workers/protocol.ts";
import { workerExecArgv } from "../workers/exec-argv.ts";
import { processEnv, processUrl } from "../workers/worker-url.ts";
import type { ActorDefinition } from "./actor-definition.ts";
import type { PoolSpec } from "./supervisor-protocol.ts";

/** Whose pool it is. */
export interface PoolOwner {
  readonly home: Home;
  /** What this driver executes. */
  readonly program: WireProgram;
  readonly environment: ActorDefinition;
}

/**
 * What a pool of this driver is: its replicas execute the code that the driver executes, started as it was. They load the
 * kept program if there is one, so that a replica that starts in an hour has the code of now; else the files, as they are
 * then.
 */
export async function poolSpec({ home, program, environment }: PoolOwner): Promise<PoolSpec> {
  return {
    definition: environment,
    ...(await programOf(home, program)),
    execArgv: workerExecArgv(),
    cwd: process.cwd(),
    worker: processUrl("worker").href,
    env: { ...(process.env as Record<string, string>), ...processEnv("worker") },
  };
}

/** Names a pool: equal for all drivers whose pools are the same. */
export function poolId({ definition, program, codeVersion, execArgv, cwd, worker }: PoolSpec): string {
  const { name, replicas, ttl, concurrency, resources, env, isolation } = definition;
  const identity = {
    definition: { name, min: replicas.min, max: replicas.max, ttl, concurrency, resources, env, isolation },
    // Of files the code version tells all.
    program: program.kind === "kept" ? program : { files: program.files },
    codeVersion,
    execArgv,
    cwd,
    worker,
  };
  return digestBytes(Buffer.from(JSON.stringify(sorted(identity))));
}

/** Digests of files. The code of a process does not change while it lives. */
const digests = new Map<string, Promise<string>>();

async function programOf(home: Home, program: WireProgram): Promise<Pick<PoolSpec, "program" | "codeVersion">> {
  if (program.kind === "kept") return { program, codeVersion: program.digest };
  const digest = await kept(home, program.files);
  if (digest !== undefined) return { program: { kind: "kept", digest }, codeVersion: digest };
  const key = JSON.stringify(program.files);
  let codeVersion = digests.get(key);
  if (codeVersion === undefined) {
    codeVersion = filesDigest(program.files);
    digests.set(key, codeVersion);
  }
  return { program, codeVersion: await codeVersion };
}

/** The digest of the kept program; undefined if it is not kept, which the pipeline run has been told of already. */
async function kept(home: Home, [entry, ...others]: readonly string[]): Promise<string | undefined> {
  if (entry === undefined || others.length > 0) return undefined;
  const { keepProgram, keepsProgram } = await import("../code-version/keep-program.ts");
  try {
    return (await keepsProgram(home, entry)) ? (await keepProgram(home, entry)).digest : undefined;
  } catch (error) {
    if (RepriseError.is(error)) return undefined;
    throw error;
  }
}

/** Of all files of the project that these lead to. */
async function filesDigest(files: readonly string[]): Promise<string> {
  const digests = new Map<string, string>();
  try {
    const { ProgramReader } = await import("../code-digest/read-program.ts");
    const reader = new ProgramReader();
    for (const file of files) {
      const read = await reader.read(file);
      for (const [path, { digest }] of Object.entries(read.files)) digests.set(path, digest);
    }
  } catch {
    // A file that cannot be read through, of a loader for instance, still changes when it is written.
    for (const file of files) digests.set(file, digestBytes(readFileSync(file)));
  }
  return digestBytes(Buffer.from(JSON.stringify([...digests].sort(([a], [b]) => (a < b ? -1 : 1)))));
}

/** With the properties of all objects in order: in which one they were written makes no difference. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, field]) => [key, sorted(field)]));
}
