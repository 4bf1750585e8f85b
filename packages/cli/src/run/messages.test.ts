import { describe, expect, it } from "vitest";
import { parseToCommand, parseToDriver, protocolVersion as v } from "./messages.ts";

const start = {
  v,
  type: "start",
  file: "/a.ts",
  func: null,
  input: { text: null, fields: [] },
  argv: ["run", "/a.ts"],
  home: null,
  concurrency: null,
  maxParallelism: null,
  durability: null,
  cache: null,
  cacheNamespace: null,
  everyEvent: false,
  width: 80,
  colored: false,
};
const inspect = {
  v,
  type: "inspect",
  what: "plan",
  file: "/a.ts",
  func: null,
  input: { text: null, fields: [] },
  home: null,
  cacheNamespace: null,
};
const again = {
  ...start,
  type: "again",
  mode: "continue",
  runId: "01",
  rootId: "01",
  funcId: "main",
  kept: "ab",
  input: ["lr=0.2"],
};
const failure = { name: "Error", message: "x", classes: ["Error"] };
const run = {
  type: "run",
  id: "a",
  parentId: null,
  funcId: "f",
  name: "f",
  kind: "func",
  state: "RUNNING",
  attempt: 1,
  time: 1,
};
const cache = { status: "HIT", key: "ab", originRunId: "01", saved: 3, note: null };

describe("messages", () => {
  it("are taken when they are what they should be", () => {
    for (const message of [start, again, { ...again, kept: null }, inspect, { v, type: "cancel", reason: "x" }])
      expect(parseToDriver(message)).toBe(message);
    for (const message of [
      { v, type: "events", events: [run, { ...run, cache }] },
      { v, type: "canceling" },
      { v, type: "unattended" },
      { v, type: "report", report: { root: {} } },
      { v, type: "refused", failure },
      { v, type: "result", id: "a", state: "FAILED", lines: [], failure },
    ]) {
      expect(parseToCommand(message)).toBe(message);
    }
  });

  it("are refused in another version or shape", () => {
    for (const message of [
      null,
      "x",
      [],
      { ...start, v: v + 1 },
      { ...start, file: 3 },
      { ...start, input: null },
      { ...again, mode: "backwards" },
      { ...again, runId: null },
      { ...again, kept: undefined },
      { ...again, input: [3] },
      { ...again, argv: undefined },
      { ...inspect, what: "everything" },
      { ...inspect, input: { fields: null } },
      { v, type: "cancel" },
    ]) {
      expect(parseToDriver(message)).toBeUndefined();
    }
    for (const message of [
      undefined,
      { v: 0, type: "canceling" },
      { v, type: "whatever" },
      { v, type: "events", events: [{ ...run, id: 7 }] },
      { v, type: "events", events: [{ ...run, cache: "HIT" }] },
      { v, type: "events", events: [{ ...run, cache: { ...cache, status: "LUCKY" } }] },
      { v, type: "events", events: [{ ...run, cache: { ...cache, saved: "long" } }] },
      { v, type: "events", events: [{ ...run, cache: { ...cache, originRunId: undefined } }] },
      { v, type: "events", events: [{ type: "log", time: 1 }] },
      { v, type: "result", id: "a", state: "GREAT", lines: [], failure: null },
      { v, type: "refused", failure: "x" },
      { v, type: "report", report: "x" },
    ]) {
      expect(parseToCommand(message)).toBeUndefined();
    }
  });
});
