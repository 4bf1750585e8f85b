import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { RepriseError } from "./errors.ts";
import { fromFailure, toFailure } from "./failure.ts";

class HttpError extends Error {
  override readonly name: string = "HttpError";
  readonly code: string = "E_HTTP";
}
class RateLimitError extends HttpError {
  override readonly name = "RateLimitError";
}

describe("toFailure", () => {
  it("keeps name, message, stack, code and the names of all classes", () => {
    const error = new RateLimitError("slow down");
    expect(toFailure(error)).toEqual({
      name: "RateLimitError",
      message: "slow down",
      classes: ["RateLimitError", "HttpError", "Error"],
      stack: error.stack,
      code: "E_HTTP",
    });
  });

  it("keeps the name of a class that does not name itself", () => {
    class Quiet extends TypeError {}
    expect(toFailure(new Quiet("hush")).classes).toEqual(["TypeError", "Quiet", "Error"]);
  });

  it("keeps a chain of causes, cut where it never ends", () => {
    const inner = new Error("disk full");
    const failure = toFailure(new Error("cannot save", { cause: inner }));
    expect(failure.cause?.message).toBe("disk full");
    const loop = new Error("round");
    loop.cause = loop;
    let depth = 0;
    for (let at = toFailure(loop).cause; at !== undefined; at = at.cause) depth += 1;
    expect(depth).toBe(8);
  });

  it("takes an error of another realm and one of another copy of the library for what it is", () => {
    const foreign: unknown = runInNewContext("new RangeError('far away')");
    expect(toFailure(foreign)).toMatchObject({
      name: "RangeError",
      message: "far away",
      classes: ["RangeError", "Error"],
    });
    expect(toFailure(new RepriseError("TIMEOUT", "late"))).toMatchObject({
      code: "TIMEOUT",
      classes: ["RepriseError", "Error"],
    });
  });

  it.each<[string, unknown]>([
    ["a text", "a text"],
    ["404", 404],
    ["undefined", undefined],
    ["null", null],
    ["10", 10n],
    ["Symbol(no)", Symbol("no")],
    ['{"status":500}', { status: 500 }],
  ])("describes what was thrown: %s", (text, thrown) => {
    expect(toFailure(thrown)).toMatchObject({ name: "Error", message: `thrown value: ${text}`, classes: ["Error"] });
  });

  it("takes what refuses to be read for an error that says so, and keeps what stands around it", () => {
    const closed = new Proxy(
      {},
      {
        has: () => {
          throw new TypeError("keep out");
        },
      },
    );
    const message = "thrown value that cannot be read: keep out";
    expect(toFailure(closed)).toEqual({ name: "Error", message, classes: ["Error"] });
    expect(toFailure(new Error("outer", { cause: closed }))).toMatchObject({ message: "outer", cause: { message } });
    const { proxy, revoke } = Proxy.revocable(new Error("gone"), {});
    revoke();
    expect(toFailure(proxy).message).toMatch(/^thrown value that cannot be read: .*revoked/);
  });

  it("describes what cannot be written as JSON", () => {
    const loop: { self?: unknown } = {};
    loop.self = loop;
    expect(toFailure(loop).message).toBe("thrown value: object");
  });

  it("cuts what is absurdly long and says how long it was", () => {
    const { message } = toFailure(new Error("x".repeat(100_000)));
    expect(message.length).toBeLessThan(33_000);
    expect(message).toMatch(/… \(100000 characters\)$/);
  });

  it("survives errors whose fields are no texts", () => {
    const odd = Object.assign(new Error("x"), { name: 5, message: { a: 1 }, code: 42 });
    expect(toFailure(odd)).toMatchObject({ name: "Error", message: "", code: "42" });
  });
});

describe("fromFailure", () => {
  it("gives an error with everything that was recorded", () => {
    const original = new RateLimitError("slow down", { cause: new Error("429") });
    const error = fromFailure(toFailure(original));
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: "RateLimitError",
      message: "slow down",
      stack: original.stack,
      code: "E_HTTP",
    });
    expect((error.cause as Error).message).toBe("429");
    expect(toFailure(error).name).toBe("RateLimitError");
  });
});
