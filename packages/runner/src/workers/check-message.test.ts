import { RepriseError } from "@reprise/core";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkFromWorker, checkToWorker } from "./check-message.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";

const artifact = { id: "a".repeat(64), size: 3, document: "AQCx" };
const row = { ...artifact, typeName: "number", type: null, total: 3, summary: null, blobs: [{ digest: "b", size: 9 }] };
const composite = { stored: row, parts: [{ run: "r", path: ["a", 0], at: ".x" }] };
const failure = { name: "E", message: "m", classes: ["E", "Error"], cause: { name: "F", message: "n", classes: [] } };
const call = {
  run: "r",
  func: "f",
  args: [composite],
  options: { name: "n" },
  after: ["q"],
  isMap: true,
  elements: [[composite], []],
};

const toWorker: readonly ToWorker[] = [
  {
    type: "hello",
    protocol: 1,
    home: "/h",
    heartbeat: 5,
    memory: null,
    program: { kind: "files", files: ["/a.ts"] },
    actor: { name: "a", concurrency: 2, isolation: "clean", replica: "a-1" },
  },
  {
    type: "hello",
    protocol: 1,
    home: "/h",
    program: { kind: "kept", digest: "d" },
    actor: null,
    heartbeat: 5,
    memory: 9,
  },
  {
    type: "start",
    task: "r#1",
    run: "r",
    root: "r",
    func: "f",
    file: null,
    attempt: 1,
    args: [
      { stored: null, parts: [{ artifact, path: [0] }] },
      { stored: artifact, parts: [] },
    ],
  },
  { type: "value", task: "r#1", wait: 1, artifact },
  { type: "noValue", task: "r#1", wait: 1, message: "m", cause: failure },
  { type: "cancel", task: "r#1", reason: "x" },
  { type: "recall", task: "r#1" },
  { type: "end" },
];

const statistics = { name: "c", entries: 1, hits: 2, misses: 3, failures: 4, evictions: 5, loadTime: 6 };
const fromWorker: readonly FromWorker[] = [
  { type: "ready", protocol: 1, pid: 2 },
  { type: "unable", failure },
  { type: "heartbeat", memory: null, caches: [statistics] },
  { type: "started", task: "r#1", time: 5 },
  { type: "log", task: "r#1", stream: "log", level: "warn", text: "t", data: { any: [1] }, time: 5 },
  { type: "metric", task: "r#1", name: "m", value: 1.5, kind: "count", time: 5 },
  { type: "progress", task: "r#1", done: 1, total: null, note: "n" },
  { type: "noCache", task: "r#1" },
  { type: "input", task: "r#1", argument: 0, artifact: row },
  { type: "calls", task: "r#1", calls: [call] },
  { type: "await", task: "r#1", wait: 1, run: "r" },
  { type: "stopAwait", task: "r#1", wait: 1 },
  { type: "result", task: "r#1", value: row, template: null },
  { type: "result", task: "r#1", value: null, template: composite },
  { type: "failed", task: "r#1", failure, child: null },
  { type: "recalled", task: "r#1" },
  { type: "warning", task: "r#1", text: "w" },
];

/** Fields that nobody looks into. */
const opaque = new Set(["data", "type", "summary", "cause", "options"]);

describe.each([
  ["to a worker", checkToWorker as (value: unknown) => unknown, toWorker as readonly object[]],
  ["of a worker", checkFromWorker, fromWorker],
])("a message %s", (_, check, messages) => {
  it.each(messages.map((message) => [(message as { type: string }).type, message]))(
    "passes as it is: %s",
    (_type, message) => {
      expect(check(message)).toBe(message);
    },
  );

  it.each(messages.map((message) => [(message as { type: string }).type, message]))(
    "is refused without one of its fields, and with another type of it: %s",
    (type, message) => {
      for (const field of Object.keys(message).filter((name) => name !== "type" && !opaque.has(name))) {
        for (const wrong of [undefined, Symbol.iterator, () => 1]) {
          expect(() => check({ ...message, [field]: wrong })).toThrow(
            expect.objectContaining({
              code: "WORKER_FAILED",
              message: expect.stringMatching(`message "${type}".*${field} must be`),
            }),
          );
        }
      }
    },
  );

  it("is refused if it is none", () => {
    for (const none of [undefined, null, 5, "text", [], {}, { type: 5 }, { type: "toString" }, { type: "nothing" }]) {
      expect(() => check(none)).toThrow(expect.objectContaining({ code: "WORKER_FAILED" }));
    }
  });

  it("makes no check fail otherwise, whatever it is", () => {
    const types = messages.map((message) => (message as { type: string }).type);
    const isSound = fc.property(
      fc.constantFrom(...types),
      fc.dictionary(fc.string(), fc.anything()),
      (type, fields) => {
        try {
          check({ ...fields, type });
        } catch (error) {
          return RepriseError.is(error, "WORKER_FAILED");
        }
        return true;
      },
    );
    expect(() => fc.assert(isSound)).not.toThrow();
  });
});

describe("what is inside a message", () => {
  it.each<[string, unknown]>([
    ["path", { ...toWorker[2], args: [{ stored: null, parts: [{ artifact, path: [{}] }] }] }],
    ["document", { ...toWorker[2], args: [{ stored: { ...artifact, document: 5 }, parts: [] }] }],
    ["files", { ...toWorker[0], program: { kind: "files", files: [5] } }],
    ["actor", { ...toWorker[0], actor: { name: "a", concurrency: 2, isolation: "other", replica: "x" } }],
    ["cause", { ...toWorker[4], cause: { ...failure, cause: { name: 5 } } }],
  ])("is looked at on the way to a worker: %s", (_, message) => {
    expect(() => checkToWorker(message)).toThrow(expect.objectContaining({ code: "WORKER_FAILED" }));
  });

  it.each<[string, unknown]>([
    ["blobs", { type: "result", task: "t", value: { ...row, blobs: [{ digest: 1, size: 2 }] }, template: null }],
    ["neither", { type: "result", task: "t", value: null, template: null }],
    ["both", { type: "result", task: "t", value: row, template: composite }],
    ["elements", { type: "calls", task: "t", calls: [{ ...call, elements: [composite] }] }],
    ["after", { type: "calls", task: "t", calls: [{ ...call, after: [1] }] }],
    ["parts", { type: "calls", task: "t", calls: [{ ...call, args: [{ ...composite, parts: [{ run: 1 }] }] }] }],
    ["stream", { ...fromWorker[4], stream: "stdin" }],
    ["caches", { ...fromWorker[2], caches: [{ ...statistics, hits: "many" }] }],
  ])("is looked at on the way from a worker: %s", (_, message) => {
    expect(() => checkFromWorker(message)).toThrow(expect.objectContaining({ code: "WORKER_FAILED" }));
  });
});
