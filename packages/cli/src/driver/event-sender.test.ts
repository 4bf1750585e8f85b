import type { RunState } from "@reprise/core";
import type { RunnerEvent } from "@reprise/runner";
import { describe, expect, it } from "vitest";
import { EventSender } from "./event-sender.ts";

function change(id: string, state: RunState): RunnerEvent {
  return { type: "run", id, parentId: null, funcId: "f", name: "f", kind: "func", state, attempt: 1, time: 0 };
}

function recording(everyEvent: boolean) {
  const batches: (readonly RunnerEvent[])[] = [];
  const sender = new EventSender({
    everyEvent,
    send: (events, sent) => {
      batches.push(events);
      setImmediate(sent);
    },
  });
  return { batches, sender };
}

describe("EventSender", () => {
  it("sends the first events in the same turn, because a body may block right after them", () => {
    const { batches, sender } = recording(false);
    sender.push(change("a", "CREATED"));
    sender.push(change("a", "RUNNING"));
    expect(batches.flat().map((event) => (event.type === "run" ? event.state : ""))).toEqual(["CREATED", "RUNNING"]);
  });

  it("batches a flood, and of one run's states in a window keeps the start and the last", async () => {
    const { batches, sender } = recording(false);
    for (let index = 0; index < 1_000; index++) {
      for (const state of ["CREATED", "SCHEDULED", "RUNNING", "RAN", "RESOLVED"] as const)
        sender.push(change(`r${index}`, state));
    }
    await sender.flush();
    expect(batches.length).toBeLessThan(40);
    const states = batches.flat().filter((event) => event.type === "run" && event.id === "r500");
    expect(states.map((event) => (event.type === "run" ? event.state : ""))).toEqual(["RUNNING", "RESOLVED"]);
  });

  it("keeps every event in order when each matters", async () => {
    const { batches, sender } = recording(true);
    const pushed = Array.from({ length: 500 }, (_, index) =>
      change(`r${index % 7}`, index % 2 === 0 ? "CREATED" : "RUNNING"),
    );
    for (const event of pushed) sender.push(event);
    await sender.flush();
    expect(batches.flat()).toEqual(pushed);
  });

  it("sends what waits by itself, without a flush", async () => {
    const seen: RunnerEvent[] = [];
    const all = new Promise<void>((resolve) => {
      const sender = new EventSender({
        everyEvent: true,
        send: (events, sent) => {
          seen.push(...events);
          sent();
          if (seen.length === 100) resolve();
        },
      });
      for (let index = 0; index < 100; index++) sender.push(change(`r${index}`, "CREATED"));
    });
    await all;
    expect(seen).toHaveLength(100);
  });
});
