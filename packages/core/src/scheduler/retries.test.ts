import { describe, expect, it } from "vitest";
import { statesOf, World } from "./testing/world.ts";

class HttpError extends Error {}
class RateLimitError extends HttpError {}

describe("a retry", () => {
  it("executes N + 1 times, then fails", () => {
    const world = new World();
    const root = world.root({ retry: { retries: 3 } });
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      expect(statesOf(root)).toEqual({ root: "RUNNING" });
      expect(root.attempt).toBe(attempt);
      world.throws(root);
    }
    expect(statesOf(root)).toEqual({ root: "FAILED" });
    expect(world.started).toEqual(["root", "root", "root", "root"]);
    expect(world.changes.slice(3, 7)).toEqual(["root RETRYING", "root SCHEDULED", "root RUNNING", "root RETRYING"]);
  });

  it("gives the value of the attempt that succeeds", () => {
    const world = new World();
    const root = world.root({ retry: { retries: 1 } });
    world.throws(root);
    world.returns(root);
    expect(statesOf(root)).toEqual({ root: "RESOLVED" });
    expect(root.failure).toBeUndefined();
  });

  it("waits for its delay, longer each time, up to the longest", () => {
    const world = new World();
    const root = world.root({ retry: { retries: 4, delay: 100, factor: 3, maxDelay: 500 } });
    const delays: number[] = [];
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      world.throws(root);
      expect(statesOf(root)).toEqual({ root: "RETRYING" });
      const until = world.scheduler.nextTick ?? Number.NaN;
      delays.push(until - world.now);
      world.pass(until - world.now - 1);
      expect(statesOf(root)).toEqual({ root: "RETRYING" });
      world.pass(1);
      expect(statesOf(root)).toEqual({ root: "RUNNING" });
    }
    expect(delays).toEqual([100, 300, 500, 500]);
    expect(world.retried.map(({ delay }) => delay)).toEqual(delays);
  });

  it("takes the random part off its delay", () => {
    const world = new World();
    const root = world.root({ retry: { retries: 1, delay: 100, jitter: 0.4 } });
    world.throws(root, { random: 0.5 });
    expect(world.scheduler.nextTick).toBe(world.now + 80);
  });

  it("happens only for the errors that are listed, by class, ancestor or name", () => {
    const cases = [
      { error: new RateLimitError("x"), exceptions: [RateLimitError], state: "RUNNING" },
      { error: new RateLimitError("x"), exceptions: [HttpError], state: "RUNNING" },
      { error: new RateLimitError("x"), exceptions: ["HttpError"], state: "RUNNING" },
      { error: new HttpError("x"), exceptions: [RateLimitError], state: "FAILED" },
      { error: "no error at all", exceptions: [HttpError], state: "FAILED" },
    ];
    for (const { error, exceptions, state } of cases) {
      const world = new World();
      const root = world.root({ retry: { retries: 1, exceptions } });
      world.throws(root, { error });
      expect(statesOf(root)).toEqual({ root: state });
    }
  });

  it("asks `when`", () => {
    const world = new World();
    const root = world.root({
      retry: { retries: 9, when: ({ message }, attempt) => message === "again" && attempt < 2 },
    });
    world.throws(root, { error: new Error("again") });
    expect(statesOf(root)).toEqual({ root: "RUNNING" });
    world.throws(root, { error: new Error("again") });
    expect(statesOf(root)).toEqual({ root: "FAILED" });
  });

  it("does not follow when `when` throws: the run fails with its own error and says so", () => {
    const world = new World();
    const when = (): boolean => {
      throw new TypeError("no such field");
    };
    const root = world.root({ retry: { retries: 9, when } });
    world.throws(root, { error: new RateLimitError("slow down") });
    expect(statesOf(root)).toEqual({ root: "FAILED" });
    expect(root.failure?.message).toBe("slow down (not retried: retry.when threw TypeError: no such field)");
  });

  it("begins afresh: children of the attempt before are canceled and do not count", () => {
    const world = new World();
    const root = world.root({ retry: { retries: 1 } });
    const lost = world.run("lost", root);
    const failed = world.run("failed", root);
    world.throws(failed);
    world.throws(root);
    expect(statesOf(root, lost)).toEqual({ root: "RUNNING", lost: "CANCELED" });
    expect(lost.reason).toBe("root failed");
    expect(world.aborted).toEqual(["failed#1", "root#1", "lost#1"]);
    const again = world.run("again", root);
    world.returns(root, { assembles: true });
    expect(statesOf(root)).toEqual({ root: "RAN" });
    world.returns(again);
    expect(statesOf(root)).toEqual({ root: "RESOLVED" });
  });

  it("begins afresh also when a child of the attempt before ends during the wait", () => {
    const world = new World();
    const root = world.root({ retry: { retries: 1, delay: 10 } });
    const child = world.run("child", root);
    world.holds.add("publish");
    world.returns(child);
    world.throws(root);
    world.publish(child);
    world.holds.clear();
    world.pass(10);
    const again = world.run("again", root);
    world.returns(root, { assembles: true });
    expect(statesOf(root, again)).toEqual({ root: "RAN", again: "RUNNING" });
    world.returns(again);
    expect(statesOf(root)).toEqual({ root: "RESOLVED" });
  });

  it("begins afresh also when a child of the attempt before ends during the next", () => {
    const world = new World();
    const root = world.root({ retry: { retries: 1 } });
    const child = world.run("child", root);
    world.holds.add("publish");
    world.returns(child);
    world.throws(root);
    const again = world.run("again", root);
    world.publish(child);
    world.returns(root, { assembles: true });
    expect(statesOf(root, again)).toEqual({ root: "RAN", again: "RUNNING" });
  });

  it("keeps those that need the value waiting", () => {
    const world = new World();
    const root = world.root();
    const flaky = world.run("flaky", root, { retry: { retries: 1, delay: 10 } });
    const next = world.run("next", root, { needs: [flaky] });
    world.waits(root, flaky);
    world.throws(flaky);
    expect(statesOf(flaky, next)).toEqual({ flaky: "RETRYING", next: "CREATED" });
    expect(world.delivered).toEqual([]);
    world.pass(10);
    world.returns(flaky);
    expect(statesOf(flaky, next)).toEqual({ flaky: "RESOLVED", next: "RUNNING" });
    expect(world.delivered.length).toBe(1);
  });

  it("forgets what the failed attempt waited for", () => {
    const world = new World({ concurrency: 1 });
    const root = world.root({ retry: { retries: 1, delay: 10 }, timeout: 1_000 });
    const child = world.run("child", root);
    world.waits(root, child);
    world.throws(root);
    world.pass(10);
    expect(statesOf(root, child)).toEqual({ root: "RUNNING", child: "CANCELED" });
    expect(root.waits).toBe(0);
    expect(world.scheduler.running).toBe(1);
    world.returns(root);
    expect(world.delivered).toEqual([]);
    expect(world.scheduler.running).toBe(0);
  });

  it("does not follow when the wait before it is cut short by a cancellation", () => {
    const world = new World();
    const root = world.root({ retry: { retries: 1, delay: 10 } });
    world.throws(root);
    world.cancels(root);
    world.pass(100);
    expect(statesOf(root)).toEqual({ root: "CANCELED" });
    expect(world.started).toEqual(["root"]);
  });

  it("does not follow once the body was done: its effects stand", () => {
    const world = new World();
    world.holds.add("assemble");
    const root = world.root({ retry: { retries: 3 } });
    world.returns(root, { assembles: true });
    world.throws(root);
    expect(statesOf(root)).toEqual({ root: "FAILED" });
  });
});
