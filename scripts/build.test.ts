import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { emitTypes, rewriteSpecifiers } from "./build-types.ts";
import { root } from "./root.ts";

test("declarations import each other by paths that exist where they are published", () => {
  const text = [
    '/** import { a } from "@reprise/core"; import { b } from "./b.ts" */',
    'import { a } from "@reprise/core";',
    'export * from "./parts/b.ts";',
    'export type C = import("@reprise/store").C;',
    'import type { StandardSchemaV1 } from "@standard-schema/spec";',
  ].join("\n");
  expect(rewriteSpecifiers("runner/deep/index.d.ts", text)).toBe(
    [
      '/** import { a } from "@reprise/core"; import { b } from "./b.ts" */',
      'import { a } from "../../core/index.js";',
      'export * from "./parts/b.js";',
      'export type C = import("../../store/index.js").C;',
      'import type { StandardSchemaV1 } from "@standard-schema/spec";',
    ].join("\n"),
  );
  expect(rewriteSpecifiers("core/states.d.ts", 'export { x } from "@reprise/core";')).toBe(
    'export { x } from "./index.js";',
  );
});

test("types are emitted for every package that the front door reaches", async () => {
  const folder = await mkdtemp(join(tmpdir(), "reprise-types-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await emitTypes(join(folder, "types"));
  expect(await readFile(join(folder, "types/reprise/index.d.ts"), "utf8")).toContain('from "../core/index.js"');
  expect(await readFile(join(folder, "types/core/errors.d.ts"), "utf8")).toContain("class RepriseError");
});

test("the built package can be imported by its name", async () => {
  const script = 'import { RepriseError } from "reprise"; console.log(new RepriseError("X", "y") instanceof Error);';
  const args = ["--input-type=module", "-e", script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
  expect(stdout.trim()).toBe("true");
});
