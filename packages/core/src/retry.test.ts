import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toFailure } from "./failure.ts";
import { decideRetry, parseRetry, type RetryOptions, type RetryPolicy } from "./retry.ts";

const failure = toFailure(new Error("no"));

function policy(options: RetryOptions): RetryPolicy {
  return parseRetry(options, 'func "f"');
}

describe("parseRetry", () => {
  it("fills in the defaults", () => {
    expect(policy({ retries: 2 })).toEqual({
      retries: 2,
      exceptions: undefined,
      when: undefined,
      delay: 0,
      factor: 2,
      maxDelay: 3_600_000,
      jitter: 0,
    });
  });

  it("takes classes and names, and lengths of time with units", () => {
    const parsed = policy({ retries: 1, exceptions: [TypeError, "RateLimitError"], delay: "2s", maxDelay: "1m" });
    expect(parsed).toMatchObject({ exceptions: ["TypeError", "RateLimitError"], delay: 2_000, maxDelay: 60_000 });
  });

  it.each<[string, unknown, RegExp]>([
    ["no object", 3, /give an object/],
    ["an unknown field", { retries: 1, backoff: 2 }, /unknown field "backoff"; known: retries,/],
    ["no retries", {}, /retries must be a whole number from 0, not undefined/],
    ["a part of a retry", { retries: 1.5 }, /retries/],
    ["retries below 0", { retries: -1 }, /retries/],
    ["a factor below 1", { retries: 1, factor: 0.5 }, /factor must be at least 1/],
    ["jitter above 1", { retries: 1, jitter: 1.1 }, /jitter must be from 0 to 1/],
    ["jitter that is no number", { retries: 1, jitter: "0.5" }, /jitter must be from 0 to 1/],
    ["when that is no function", { retries: 1, when: true }, /when must be a function/],
    ["exceptions that are no array", { retries: 1, exceptions: "Error" }, /exceptions must be an array/],
    ["exceptions with a hole", { retries: 1, exceptions: [undefined] }, /exceptions must be an array/],
    ["a delay that is none", { retries: 1, delay: "soon" }, /delay in retry of func "f"/],
    ["a longest delay that is none", { retries: 1, maxDelay: -5 }, /maxDelay in retry of func "f"/],
  ])("refuses %s", (_, options, message) => {
    expect(() => policy(options as RetryOptions)).toThrow(message);
    expect(() => policy(options as RetryOptions)).toThrow(/func "f"/);
  });
});

describe("decideRetry", () => {
  it("allows N retries after the first execution, and none without a policy", () => {
    const twice = policy({ retries: 2 });
    expect([1, 2, 3].map((attempt) => decideRetry(twice, attempt, failure, 0).retry)).toEqual([true, true, false]);
    expect(decideRetry(undefined, 1, failure, 0)).toEqual({ retry: false });
  });

  it("waits longer each time, up to the longest wait", () => {
    const backoff = policy({ retries: 9, delay: 100, factor: 3, maxDelay: 1_000 });
    const delays = [1, 2, 3, 4].map((attempt) => decideRetry(backoff, attempt, failure, 0));
    expect(delays.map((decision) => (decision.retry ? decision.delay : -1))).toEqual([100, 300, 900, 1_000]);
  });

  it("does not overflow after very many retries", () => {
    const many = policy({ retries: 5_000, delay: 1, factor: 10 });
    expect(decideRetry(many, 4_000, failure, 0)).toEqual({ retry: true, delay: 3_600_000 });
    expect(decideRetry(policy({ retries: 5_000, factor: 10 }), 4_000, failure, 0)).toEqual({ retry: true, delay: 0 });
  });

  it("takes a random part off a wait, never more than the jitter says", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.integer({ min: 1, max: 20 }),
        (jitter, random, attempt) => {
          const decision = decideRetry(policy({ retries: 99, delay: 100, jitter }), attempt, failure, random);
          const full = Math.min(100 * 2 ** (attempt - 1), 3_600_000);
          expect(decision.retry && decision.delay <= full && decision.delay >= full * (1 - jitter)).toBe(true);
        },
      ),
    );
    expect(decideRetry(policy({ retries: 1, delay: 100, jitter: 0.5 }), 1, failure, 0.5)).toEqual({
      retry: true,
      delay: 75,
    });
  });

  it("matches an error by its own class and by every class it extends", () => {
    class HttpError extends Error {}
    class RateLimitError extends HttpError {}
    const byAncestor = policy({ retries: 1, exceptions: [HttpError] });
    expect(decideRetry(byAncestor, 1, toFailure(new RateLimitError("x")), 0).retry).toBe(true);
    expect(decideRetry(byAncestor, 1, toFailure(new TypeError("x")), 0).retry).toBe(false);
    const byName = policy({ retries: 1, exceptions: ["RateLimitError"] });
    expect(decideRetry(byName, 1, toFailure(new RateLimitError("x")), 0).retry).toBe(true);
    expect(decideRetry(byName, 1, toFailure(new HttpError("x")), 0).retry).toBe(false);
  });

  it("retries nothing when the list of exceptions is empty", () => {
    expect(decideRetry(policy({ retries: 1, exceptions: [] }), 1, failure, 0).retry).toBe(false);
  });

  it("does not retry when `when` throws, and gives what it threw", () => {
    const broken = policy({
      retries: 3,
      when: () => {
        throw new TypeError("no such field");
      },
    });
    expect(decideRetry(broken, 1, failure, 0)).toMatchObject({
      retry: false,
      broken: { name: "TypeError", message: "no such field" },
    });
  });

  it("asks `when`, with the recorded error and the attempt", () => {
    const seen: [string, number][] = [];
    const asked = policy({
      retries: 3,
      when: ({ message }, attempt) => {
        seen.push([message, attempt]);
        return attempt < 2;
      },
    });
    expect([1, 2].map((attempt) => decideRetry(asked, attempt, failure, 0).retry)).toEqual([true, false]);
    expect(seen).toEqual([
      ["no", 1],
      ["no", 2],
    ]);
  });
});
