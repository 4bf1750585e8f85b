import { describe, expect, it } from "vitest";
import { checkFromSupervisor, checkToSupervisor } from "./check-supervisor-message.ts";
import type { FromSupervisor, PoolSpec, ToSupervisor } from "./supervisor-protocol.ts";

const spec: PoolSpec = {
  definition: {
    name: "embedder",
    replicas: { min: 0, max: 2 },
    ttl: 1_000,
    concurrency: 1,
    resources: undefined,
    env: { TOKEN: "secret" },
    isolation: "shared",
  },
  program: { kind: "files", files: ["/p.ts"] },
  codeVersion: "0",
  execArgv: [],
  cwd: "/",
  worker: "file:///worker.js",
  env: { PATH: "/bin" },
};

const start = {
  type: "start",
  task: "r#1",
  run: "r",
  root: "r",
  func: "f",
  file: null,
  attempt: 1,
  args: [],
} as const;

const toSupervisor: readonly ToSupervisor[] = [
  { type: "hello", protocol: 1, version: "0.1.0" },
  { type: "pool", token: 1, spec },
  { type: "pool", token: 1, spec: { ...spec, program: { kind: "kept", digest: "0" } } },
  { type: "assign", token: 1, message: start, label: "f#r", affinity: null },
  { type: "assign", token: 1, message: start, label: "f#r", affinity: "key" },
  { type: "answer", message: { type: "cancel", task: "r#1", reason: "why" } },
  { type: "list" },
  { type: "stop", pool: null, now: false },
];

const failure = { name: "WorkerLostError", message: "gone", classes: ["WorkerLostError"] };

const fromSupervisor: readonly FromSupervisor[] = [
  { type: "welcome", protocol: 1, version: "0.1.0", pid: 1 },
  { type: "pool", token: 1, id: "0" },
  { type: "task", message: { type: "started", task: "r#1", time: 1 }, replica: "embedder-1" },
  { type: "lost", task: "r#1", failure, isFinal: true },
  { type: "waits", task: "r#1", reason: null },
  { type: "pools", pools: [] },
  { type: "stopped", pools: [] },
];

/** Fields that may be missing. */
const optional = new Set(["resources"]);

/** The message without each of its fields that must be there, one after the other; within those named in `deep`, too. */
function* without(message: object, deep: readonly string[]): Generator<object> {
  for (const [name, value] of Object.entries(message) as [string, unknown][]) {
    const rest: Record<string, unknown> = { ...message };
    delete rest[name];
    if (!optional.has(name)) yield rest;
    if (!deep.includes(name)) continue;
    for (const changed of without(value as object, deep)) yield { ...message, [name]: changed };
  }
}

/** Those that pass. */
function accepted(check: (value: unknown) => unknown, messages: Iterable<object>): object[] {
  return [...messages].filter((message) => {
    try {
      check(message);
      return true;
    } catch {
      return false;
    }
  });
}

describe("messages of driver and supervisor", () => {
  it("pass as they are", () => {
    for (const message of toSupervisor) expect(checkToSupervisor(overWire(message))).toEqual(overWire(message));
    for (const message of fromSupervisor) expect(checkFromSupervisor(overWire(message))).toEqual(overWire(message));
  });

  it("are refused if anything of them is missing", () => {
    const parts = ["spec", "definition", "replicas", "program", "failure"];
    const toIt = toSupervisor.flatMap((message) => Array.from(without(message, parts)));
    const ofIt = fromSupervisor.flatMap((message) => Array.from(without(message, parts)));
    expect(toIt.length * ofIt.length).toBeGreaterThan(0);
    expect([accepted(checkToSupervisor, toIt), accepted(checkFromSupervisor, ofIt)]).toEqual([[], []]);
  });

  it.each([[null], [7], ["text"], [[]], [{}], [{ type: "nothing" }], [{ type: 1 }]])(
    "are refused if they are %j",
    (value) => {
      expect(() => checkToSupervisor(value)).toThrow(expect.objectContaining({ code: "ACTOR_FAILED" }));
      expect(() => checkFromSupervisor(value)).toThrow(expect.objectContaining({ code: "ACTOR_FAILED" }));
    },
  );

  it("hand on nothing but what belongs to a task", () => {
    expect(() => checkToSupervisor({ type: "answer", message: { type: "end" } })).toThrow(
      /type value, noValue, cancel/,
    );
    expect(() => checkToSupervisor({ ...toSupervisor[3], message: { type: "end" } })).toThrow(/type start/);
  });

  it.each([
    [{ ...spec, worker: "worker.js" }, /worker must be a URL of a file/],
    [{ ...spec, definition: { ...spec.definition, concurrency: 1.5 } }, /concurrency must be a whole number/],
    [{ ...spec, definition: { ...spec.definition, replicas: { min: -1, max: 2 } } }, /min must be a whole number/],
    [{ ...spec, definition: { ...spec.definition, replicas: { min: 3, max: 2 } } }, /min must be .* up to max/],
  ])("are refused if no replicas can be made of them: %#", (wrong, words) => {
    expect(() => checkToSupervisor({ type: "pool", token: 1, spec: wrong })).toThrow(words);
  });

  it("are refused without telling values that may be secret", () => {
    const wrong = { type: "pool", token: 1, spec: { ...spec, env: { TOKEN: ["hidden"] } } };
    expect(() => checkToSupervisor(wrong)).toThrow(/^(?!.*hidden).*env must be texts by name/);
  });
});

function overWire(message: object): unknown {
  return JSON.parse(JSON.stringify(message));
}
