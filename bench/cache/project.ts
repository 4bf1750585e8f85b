import { mkdir, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A project that was written into a folder. */
export interface Project {
  /** Its funcs, each in a module of its own. */
  readonly funcs: readonly { readonly id: string; readonly file: string }[];
  /** All files that say what its funcs do. */
  readonly files: readonly string[];
}

const helpersPerModule = 12;

/** Functions that funcs share; each calls its neighbour, so that one leads to others. */
function helpers(module: number): string {
  const each = Array.from({ length: helpersPerModule }, (_, at) => {
    const next = at + 1 === helpersPerModule ? "value" : `helper${module}x${at + 1}(value + table.length)`;
    return `/** What helper ${at} of module ${module} does. */
export function helper${module}x${at}(value: number): number {
  if (value > ${1000 * (at + 1)}) return value - table[${at}]!;
  return ${next};
}
`;
  });
  return `const table: readonly number[] = [${Array.from({ length: 40 }, (_, at) => at * module).join(", ")}];

${each.join("\n")}`;
}

/** A func of some 60 lines with types, a class, functions of its own, and imports of two modules with helpers. */
function step(at: number, modules: number): string {
  const [first, second] = [at % modules, (at + 3) % modules];
  return `import { createHash } from "node:crypto";
import { func } from "reprise";
import { helper${first}x0, helper${first}x${at % helpersPerModule || 1} } from "../helpers/helpers${first}.ts";
import { helper${second}x2 as other } from "../helpers/helpers${second}.ts";

/** A row as it comes from the file. */
interface Row {
  readonly id: number;
  readonly label: string;
  readonly tags: readonly string[];
}

interface Summary {
  readonly count: number;
  readonly total: number;
  readonly labels: ReadonlyMap<string, number>;
}

const limit = ${at};
const separator = /[\\s,;]+/u;

/** Leaves out what is too small, and trims the labels. */
function clean(rows: readonly Row[]): Row[] {
  return rows
    .filter(({ id }) => id > limit)
    .map((row) => ({ ...row, label: row.label.trim().toLowerCase(), tags: row.tags.filter((tag) => tag !== "") }));
}

class Counter {
  readonly #counts = new Map<string, number>();

  add(text: string, by: number): void {
    for (const word of text.split(separator)) {
      const before = this.#counts.get(word) ?? 0;
      this.#counts.set(word, before + by);
    }
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }
}

function fingerprint(summary: Summary): string {
  return createHash("sha256").update(JSON.stringify([...summary.labels])).digest("hex");
}

export const step${at} = func({
  id: "step${at}",
  cache: true,
  run: async (rows: readonly Row[], { weight = 1 }: { weight?: number } = {}) => {
    const counter = new Counter();
    let total = 0;
    for (const row of clean(rows)) {
      counter.add(row.label, weight);
      total += helper${first}x0(row.id) + helper${first}x${at % helpersPerModule || 1}(row.tags.length) + other(weight);
      if (total > 1_000_000) console.warn(\`step${at}: \${total} is much\`);
    }
    const summary: Summary = { count: rows.length, total, labels: counter.counts };
    console.log("rows", rows.length, "total", total);
    return { ...summary, fingerprint: fingerprint(summary) };
  },
});
`;
}

function pipeline(count: number): string {
  const names = Array.from({ length: count }, (_, at) => `step${at}`);
  return `import { func } from "reprise";
${names.map((name) => `import { ${name} } from "./steps/${name}.ts";`).join("\n")}

export const pipeline = func("pipeline", () => [${names.map((name) => `${name}([])`).join(", ")}]);
`;
}

/**
 * Writes a project of `count` funcs into a folder, and one of helpers for every five of them. It finds the packages that
 * it and the digests of its code need.
 */
export async function writeProject(folder: string, count: number): Promise<Project> {
  const modules = Math.ceil(count / 5);
  const texts = new Map([["pipeline.ts", pipeline(count)]]);
  for (let at = 0; at < modules; at += 1) texts.set(`helpers/helpers${at}.ts`, helpers(at));
  for (let at = 0; at < count; at += 1) texts.set(`steps/step${at}.ts`, step(at, modules));
  for (const name of ["helpers", "steps", "node_modules"]) await mkdir(join(folder, name), { recursive: true });
  for (const [name, text] of texts) await writeFile(join(folder, name), text);
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "project", type: "module" }));
  await linkPackages(join(folder, "node_modules"));
  return {
    funcs: Array.from({ length: count }, (_, at) => ({ id: `step${at}`, file: join(folder, `steps/step${at}.ts`) })),
    files: [...texts.keys()].map((name) => join(folder, name)),
  };
}

async function linkPackages(modules: string): Promise<void> {
  const entry = fileURLToPath(import.meta.resolve("reprise"));
  await symlink(dirname(dirname(entry)), join(modules, "reprise"));
  const fromReprise = createRequire(entry);
  for (const name of ["esbuild", "oxc-parser"]) {
    await symlink(dirname(fromReprise.resolve(`${name}/package.json`)), join(modules, name));
  }
}
