import { describe, expect, it } from "vitest";
import { RepriseError } from "./errors.ts";
import { toFailure } from "./failure.ts";
import {
  DuplicateFuncError,
  NotInFuncError,
  PipelineRunError,
  RunCanceledError,
  RunFailedError,
  shortId,
  TimeoutError,
} from "./run-errors.ts";

const cause = new TypeError("bad data");

describe("errors of runs", () => {
  it.each([
    [new DuplicateFuncError("f", "a.ts:1:1", "b.ts:2:2"), "DuplicateFuncError", "DUPLICATE_FUNC"],
    [new NotInFuncError("context()", "Move it."), "NotInFuncError", "NOT_IN_FUNC"],
    [new TimeoutError("late"), "TimeoutError", "TIMEOUT"],
    [new RunCanceledError("0193", "f", "no more"), "RunCanceledError", "RUN_CANCELED"],
    [new RunFailedError("0193", "f", "failed", cause), "RunFailedError", "RUN_FAILED"],
    [new PipelineRunError("0193", "f", "FAILED", "failed", cause), "PipelineRunError", "PIPELINE_RUN_FAILED"],
  ])("%s has its name, its code and the base of all", (error, name, code) => {
    expect(error).toMatchObject({ name, code });
    expect(RepriseError.is(error, error.code)).toBe(true);
    expect(toFailure(error).classes).toEqual([name, "RepriseError", "Error"]);
    expect(Object.keys(error)).not.toContain("name");
  });

  it("are recognised without instanceof, as another copy of the library makes them", () => {
    const brand = Symbol.for("reprise.error");
    class OtherCopy extends Error {
      readonly code = "TIMEOUT";
    }
    Object.defineProperty(OtherCopy.prototype, brand, { value: true });
    const other = new OtherCopy("late");
    expect(other).not.toBeInstanceOf(RepriseError);
    expect(RepriseError.is(other)).toBe(true);
    expect(RepriseError.is(other, "TIMEOUT")).toBe(true);
    expect(RepriseError.is(other, "CYCLE")).toBe(false);
    for (const none of [null, undefined, "TIMEOUT", new Error("x"), {}]) expect(RepriseError.is(none)).toBe(false);
  });

  it("carry their cause", () => {
    expect(new RunFailedError("1", "f", "x", cause).cause).toBe(cause);
    expect("cause" in new PipelineRunError("1", "f", "CANCELED", "x", undefined)).toBe(false);
  });

  it("name a run by the end of its id", () => {
    expect(shortId("0193a1b2-0000-7000-8000-0123456789ab")).toBe("456789ab");
  });
});
