// A plugin of esbuild: what our packages import from another package's index, they import from the module that defines it.
//
// esbuild puts everything that an index reaches into the chunks of everyone who imports anything from it. The command
// needs an error class of `@reprise/core`; without this it would load the codec, the scheduler and node:crypto before it
// can print its help.
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Plugin } from "esbuild";
import { root } from "./root.ts";

const statement = /^(import|export) (type )?\{([^}]*)\} from "([^"]+)";/gm;

/** Where the exports of our packages are defined. */
type Definitions = ReadonlyMap<string, { readonly file: string; readonly name: string }>;

const indexes = new Map<string, Promise<Definitions>>();

function definitionsOf(packageName: string): Promise<Definitions> {
  const known = indexes.get(packageName) ?? readIndex(packageName);
  indexes.set(packageName, known);
  return known;
}

async function readIndex(packageName: string): Promise<Definitions> {
  const file = join(root, "packages", packageName.replace("@reprise/", ""), "src/index.ts");
  const definitions = new Map<string, { readonly file: string; readonly name: string }>();
  for (const [, keyword, isType, names = "", from = ""] of (await readFile(file, "utf8")).matchAll(statement)) {
    if (keyword !== "export" || isType !== undefined || !from.startsWith("./")) continue;
    for (const { name, as } of valuesIn(names)) definitions.set(as, { file: join(dirname(file), from), name });
  }
  return definitions;
}

/** Names in braces that stand for values: `a, b as c, type D`. */
function valuesIn(names: string): { readonly name: string; readonly as: string }[] {
  const parts = names.split(",").map((part) => part.trim());
  return parts
    .filter((part) => part !== "" && !part.startsWith("type "))
    .map((part) => {
      const [name = "", as = name] = part.split(/\s+as\s+/);
      return { name, as };
    });
}

/**
 * Takes what a module needs of `node:util` from the module object: an import statement would have Node evaluate every
 * export of it, TextDecoder and the differ of texts among them, which takes longer than loading all that is ours.
 */
function sparing(text: string): string {
  return text.replaceAll(
    statement,
    (whole: string, keyword: string, isType: string | undefined, names: string, from: string) => {
      if (keyword !== "import" || isType !== undefined || from !== "node:util") return whole;
      const taken = valuesIn(names).map(({ name, as }) => (name === as ? name : `${name}: ${as}`));
      return `const { ${taken.join(", ")} } = process.getBuiltinModule("node:util");${"\n".repeat(whole.split("\n").length - 1)}`;
    },
  );
}

/** Rewrites the statements that name one of our packages; line numbers stay, for the source maps. */
async function rewrite(text: string): Promise<string> {
  const found = [...text.matchAll(statement)].filter(
    ([, , isType, , from]) => isType === undefined && from?.startsWith("@reprise/"),
  );
  let result = text;
  for (const [whole, keyword = "", , names = "", from = ""] of found) {
    const definitions = await definitionsOf(from);
    const direct = valuesIn(names).map(({ name, as }) => {
      const definition = definitions.get(name) ?? { file: from, name };
      return `${keyword} { ${definition.name} as ${as} } from ${JSON.stringify(definition.file)};`;
    });
    result = result.replace(whole, () => direct.join(" ") + "\n".repeat(whole.split("\n").length - 1));
  }
  return result;
}

/** @param appended a statement that is put behind the text of modules, by their absolute path. */
export function directImports(appended: ReadonlyMap<string, string> = new Map()): Plugin {
  return {
    name: "direct-imports",
    setup(build) {
      build.onStart(() => indexes.clear());
      build.onLoad({ filter: /[\\/]packages[\\/][^\\/]+[\\/]src[\\/].*\.ts$/ }, async ({ path }) => ({
        contents: (await rewrite(sparing(await readFile(path, "utf8")))) + (appended.get(path) ?? ""),
        loader: "ts",
      }));
    },
  };
}
