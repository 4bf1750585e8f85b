import type { Files } from "./programs.ts";

/** A project of `count` funcs in as many modules, each with helpers of its own and of a shared module. */
export function projectOf(count: number): Files {
  const files: Record<string, string> = {
    "shared.ts": Array.from(
      { length: count },
      (_, at) => `export function shared${at}(n: number): number {\n  return n * ${at} + 1;\n}\n`,
    ).join("\n"),
  };
  const names = Array.from({ length: count }, (_, at) => `step${at}`);
  for (const [at, name] of names.entries()) {
    files[`steps/${name}.ts`] = `import { func } from "reprise";
import { shared${at} } from "../shared.ts";

interface Row { readonly id: number; readonly label: string }

const limit = ${at};

/** Cleans rows. */
function clean(rows: readonly Row[]): Row[] {
  return rows.filter(({ id }) => id > limit).map((row) => ({ ...row, label: row.label.trim() }));
}

class Counter {
  #count = 0;
  add(by: number): number {
    this.#count += by;
    return this.#count;
  }
}

export const ${name} = func("${name}", (rows: readonly Row[]): number => {
  const counter = new Counter();
  for (const { id } of clean(rows)) counter.add(shared${at}(id));
  console.log("rows", rows.length);
  return counter.add(0);
});
`;
  }
  files["pipeline.ts"] = `import { func } from "reprise";
${names.map((name) => `import { ${name} } from "./steps/${name}.ts";`).join("\n")}

export const pipeline = func("pipeline", () => [${names.map((name) => `${name}([])`).join(", ")}]);
export { ${names.join(", ")} };
`;
  return files;
}
