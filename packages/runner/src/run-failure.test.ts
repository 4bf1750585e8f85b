import { inspect } from "node:util";
import { expect, it } from "vitest";
import { RunFailure } from "./run-failure.ts";

it("is inspected as one line that says which run failed and why, without the stack", () => {
  const failure = new RunFailure("01a1fcfe-bae0-7000-8d3f-2e1b842b0d44", "fetch page", {
    name: "TypeError",
    message: "no route\nto the host",
    classes: ["TypeError", "Error"],
    stack: "TypeError: no route\n    at somewhere",
  });
  expect(inspect([1, failure])).toBe("[ 1, RunFailure(fetch page#842b0d44: TypeError: no route) ]");
});
