import { afterEach, beforeEach, expect, test } from "vitest";
import { Surroundings } from "./surroundings.ts";

const globals = globalThis as Record<string, unknown>;

beforeEach(() => {
  process.env["SURROUNDINGS_A"] = "a";
  globals["surroundingsOld"] = "old";
});
afterEach(() => {
  delete process.env["SURROUNDINGS_A"];
  delete globals["surroundingsOld"];
});

test("variables that were changed, removed and added are as before", () => {
  const before = { ...process.env };
  const surroundings = new Surroundings({ globals: false });
  surroundings.restore();
  expect({ ...process.env }).toEqual(before);
  process.env["SURROUNDINGS_A"] = "other";
  process.env["SURROUNDINGS_B"] = "new";
  surroundings.restore();
  expect({ ...process.env }).toEqual(before);
  delete process.env["SURROUNDINGS_A"];
  process.env["SURROUNDINGS_B"] = "in its place";
  surroundings.restore();
  expect({ ...process.env }).toEqual(before);
});

test("globals are put back only where that is wanted", () => {
  const [putting, leaving] = [new Surroundings({ globals: true }), new Surroundings({ globals: false })];
  const change = (): void => {
    globals["surroundingsOld"] = "changed";
    globals["surroundingsNew"] = "new";
  };
  change();
  leaving.restore();
  expect([globals["surroundingsOld"], globals["surroundingsNew"]]).toEqual(["changed", "new"]);
  putting.restore();
  expect([globals["surroundingsOld"], "surroundingsNew" in globalThis]).toEqual(["old", false]);
  delete globals["surroundingsOld"];
  putting.restore();
  expect(globals["surroundingsOld"]).toBe("old");
});
