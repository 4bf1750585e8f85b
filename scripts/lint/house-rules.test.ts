import { copyFile, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bin, root } from "../root.ts";
import { run } from "../run.ts";

// A rule that the linter does not understand is skipped in silence, so each rule of the house is broken here once, in a
// copy of the house that has nothing but the configuration. All files are linted in one go.

const files = new Map<string, string>();
const broken = new Map<string, string[]>();
let house: string;

/** A file of the copy; the answer gives the rules that it breaks, once the linter has run. */
function file(path: string, code: string): () => string[] {
  if (files.has(path)) throw new Error(`${path} is there twice.`);
  files.set(path, code);
  return () => broken.get(path) ?? [];
}

/** Like `file`, with a name of its own in `folder`. */
function numbered(folder: string, code: string, ending = ".ts"): () => string[] {
  return file(`${folder}/file-${String(files.size)}${ending}`, code);
}

beforeAll(async () => {
  house = await realpath(await mkdtemp(join(tmpdir(), "reprise-lint-")));
  await mkdir(join(house, "scripts/lint"), { recursive: true });
  for (const path of ["oxlint.config.ts", "tsconfig.json", "package.json", "scripts/lint/purity.ts"]) {
    await copyFile(join(root, path), join(house, path));
  }
  await symlink(join(root, "node_modules"), join(house, "node_modules"));
  for (const [path, code] of files) {
    await mkdir(dirname(join(house, path)), { recursive: true });
    await writeFile(join(house, path), code);
  }
  const { stdout, output } = await run(process.execPath, [bin("oxlint"), "--format=json"], {
    cwd: house,
    timeout: 50_000,
  });
  if (!stdout.startsWith("{")) throw new Error(`The linter says: ${output}`);
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { filename: string; code: string }[] };
  for (const { filename, code } of diagnostics) broken.set(filename, [...(broken.get(filename) ?? []), code]);
});
afterAll(() => rm(house, { recursive: true, force: true }));

const importing = (specifier: string) => `import * as other from "${specifier}";\nexport const a: unknown = other;\n`;

describe("imports run one way", () => {
  for (const [name, specifier] of [
    ["core", "@reprise/store"],
    ["core", "@reprise/core"],
    ["store", "@reprise/runner"],
    ["runner", "@reprise/cli"],
    ["runner", "@reprise/core/src/errors.ts"],
    ["runner", "../../core/src/errors.ts"],
    ["cli", "reprise"],
    ["core", "node:fs"],
    ["core", "node:fs/promises"],
    ["core", "node:os"],
  ] as const) {
    const rules = numbered(`packages/${name}/src`, importing(specifier));
    test(`packages/${name} must not import ${specifier}`, () => {
      expect(rules()).toContain("eslint(no-restricted-imports)");
    });
  }

  for (const [name, specifier] of [
    ["store", "@reprise/core"],
    ["runner", "@reprise/store"],
    ["cli", "@reprise/runner"],
    ["reprise", "@reprise/cli"],
    ["core", "node:util"],
  ] as const) {
    const rules = numbered(`packages/${name}/src`, importing(specifier));
    test(`packages/${name} may import ${specifier}`, () => {
      expect(rules()).toEqual([]);
    });
  }

  for (const folder of ["examples/spam", "bench"]) {
    const wrong = numbered(folder, importing("@reprise/core"));
    const right = numbered(folder, importing("reprise"));
    test(`${folder} imports the front door only`, () => {
      expect(wrong()).toContain("eslint(no-restricted-imports)");
      expect(right()).toEqual([]);
    });
  }

  file("packages/store/src/one.ts", 'import { b } from "./two.ts";\nexport const a = () => b;\n');
  const rules = file("packages/store/src/two.ts", 'import { a } from "./one.ts";\nexport const b = () => a;\n');
  test("and never in a circle", () => {
    expect(rules()).toContain("import(no-cycle)");
  });
});

describe("the core is pure", () => {
  for (const [expression, rule] of [
    ["Math.random()", "eslint(no-restricted-properties)"],
    ["Date.now()", "eslint(no-restricted-properties)"],
    ["globalThis.process", "eslint(no-restricted-properties)"],
    ["new Date()", "purity(no-clock)"],
    ["Date()", "purity(no-clock)"],
    ["process.pid", "eslint(no-restricted-globals)"],
    ["setTimeout", "eslint(no-restricted-globals)"],
  ] as const) {
    const code = `export const a: unknown = ${expression};\n`;
    const inCore = numbered("packages/core/src", code);
    const inTest = numbered("packages/core/src", code, ".test.ts");
    const inStore = numbered("packages/store/src", code);
    test(`it has no ${expression}`, () => {
      expect(inCore()).toEqual([rule]);
      expect(inTest()).toEqual([]);
      expect(inStore()).toEqual([]);
    });
  }

  const converted = numbered("packages/core/src", "export const at = (time: number) => new Date(time);\n");
  test("it may convert a time that it was given", () => {
    expect(converted()).toEqual([]);
  });
});

describe("a file is refused when", () => {
  for (const [what, code, rule] of [
    ["a promise that nobody waits for", "async function f() {}\nf();\n", "typescript(no-floating-promises)"],
    ["a default export", "export default 1;\n", "import(no-default-export)"],
    ["any", "export let a: any;\n", "typescript(no-explicit-any)"],
    ["a long file", "export {};\n".repeat(501), "eslint(max-lines)"],
    ["a long function", `export function f() {\n${"  void 0;\n".repeat(80)}}\n`, "eslint(max-lines-per-function)"],
  ] as const) {
    const rules = numbered("packages/store/src", code);
    test(`it has ${what}`, () => {
      expect(rules()).toContain(rule);
    });
  }

  const rules = file("packages/store/src/someName.ts", "export const a = 1;\n");
  test("its name is not in kebab case", () => {
    expect(rules()).toContain("unicorn(filename-case)");
  });
});
