import * as fc from "fast-check";
import { expect, test } from "vitest";
import { formatPath, parsePath } from "./part-path.ts";

test("writes paths as people do", () => {
  expect(formatPath([])).toBe("");
  expect(formatPath(["model", 0, "odd key", "ünï", "0x"])).toBe('.model[0]["odd key"].ünï["0x"]');
});

test("reads every path that it wrote", () => {
  const step = fc.oneof(
    fc.nat(),
    fc.string({ unit: "binary" }),
    fc.constantFrom('"', "]", '"]["', "\\", ".a", "", "$"),
  );
  fc.assert(
    fc.property(fc.array(step), (path) => {
      expect(parsePath(formatPath(path))).toEqual(path);
    }),
  );
});
