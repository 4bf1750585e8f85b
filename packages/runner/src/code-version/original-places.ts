import { readFile } from "node:fs/promises";
import * as nodeModule from "node:module";
import { dirname, extname, relative } from "node:path";
import { pathToFileURL } from "node:url";
import type * as oxc from "oxc-parser";
import type { Loader, Plugin } from "esbuild";
import { packageFolder } from "./outside-modules.ts";

const namespace = "reprise-place";
const meta = "__reprise_meta";
const folderName = "__reprise_dirname";
const fileName = "__reprise_filename";
const resolver = "__reprise_resolve";

/** Names that code uses for its own place, and what stands for them in a bundle. */
export const placeNames: Readonly<Record<string, string>> = {
  "import.meta": meta,
  __dirname: folderName,
  __filename: fileName,
};

/** Says for each module where it was. */
const helper = `
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
export function placeOf(url) {
  const filename = fileURLToPath(url);
  const importable = (specifier) => (/^\\.{0,2}\\//.test(specifier) ? new URL(specifier, url).href : specifier);
  const resolve = (specifier) => ${resolver}(importable(String(specifier)));
  return Object.create({ importable }, Object.getOwnPropertyDescriptors({ dirname: dirname(filename), filename, main: false, resolve, url }));
}
`;

/** What the bundle begins with, for its modules to find others as Node would. */
export const placeHead: string = `const ${resolver} = (specifier) => import.meta.resolve(specifier);`;

/** What is known of the files of a bundle that were changed on the way into it. */
export interface OriginalTexts {
  /** By absolute path. */
  readonly texts: Map<string, string>;
  /** In words: what is not held. */
  readonly notes: Set<string>;
}

/** Options of {@link originalPlaces}. */
export interface PlaceOptions {
  readonly parse: typeof oxc.parseSync;
  /** Folder that files are named relative to. */
  readonly root: string;
  /** Whether types are taken out as Node does it: then every import stays that is not marked as one of types. */
  readonly strips: boolean;
}

/** Lets every module of a bundle go on saying that it is where its source is, so that it finds files beside it. */
export function originalPlaces(originals: OriginalTexts, options: PlaceOptions): Plugin {
  return {
    name: namespace,
    setup(build) {
      build.onResolve({ filter: new RegExp(`^${namespace}:`) }, ({ path }) => ({
        path: path.slice(namespace.length + 1),
        namespace,
      }));
      build.onLoad({ filter: /.*/, namespace }, ({ path }) => ({
        contents:
          path === "helper"
            ? helper
            : `import { placeOf } from "${namespace}:helper";\nexport const ${meta} = placeOf(${urlOf(path)});`,
        loader: "js",
      }));
      build.onLoad({ filter: /\.[cm]?[jt]sx?$/, namespace: "file" }, async ({ path }) => {
        const text = await readFile(path, "utf8");
        const changed = change(path, text, originals.notes, options);
        if (changed === undefined) return undefined;
        originals.texts.set(path, text);
        return { contents: changed.text, loader: changed.loader, resolveDir: dirname(path) };
      });
    },
  };
}

const loaders: Readonly<Record<string, Loader>> = {
  ".ts": "ts",
  ".mts": "ts",
  ".cts": "ts",
  ".tsx": "tsx",
  ".jsx": "jsx",
};

interface Changed {
  readonly text: string;
  readonly loader: Loader;
}

/** The text of a module as it goes into the bundle; undefined if it goes as it is. Lines stay what they are. */
function change(path: string, text: string, notes: Set<string>, options: PlaceOptions): Changed | undefined {
  const { parse, root, strips } = options;
  const isOurs = packageFolder(path) === undefined;
  const mayImport = isOurs && /\bimport\s*\(/.test(text);
  let result = text;
  if (mayImport || /\bimport\s*\.\s*meta\b/.test(text)) {
    const { module } = parse(path, text);
    const computed = mayImport ? computedImports(text, module) : [];
    for (const { start, end } of [...computed].reverse()) {
      result = `${result.slice(0, start)}${meta}.importable(${result.slice(start, end)})${result.slice(end)}`;
    }
    if (computed.length > 0) notes.add(`what ${relative(root, path)} imports by a computed name is not held`);
    if (computed.length > 0 || module.importMetas.length > 0) result = withMeta(path, result, module.hasModuleSyntax);
  }
  if (/\b__(?:dirname|filename)\b/.test(text)) {
    result = atTop(result, `var ${folderName}=${quote(dirname(path))},${fileName}=${quote(path)};`);
  }
  if (isOurs && /\bcreateRequire\s*\(/.test(text)) {
    notes.add(`what ${relative(root, path)} takes by createRequire is not held`);
  }
  const loader = loaders[extname(path)] ?? "js";
  const stripped = strips && isOurs && loader === "ts" ? withoutTypes(result) : undefined;
  if (stripped !== undefined) return { text: stripped, loader: "js" };
  return result === text ? undefined : { text: result, loader };
}

function withMeta(path: string, text: string, isModule: boolean): string {
  // At the end, where it moves nothing: imports are evaluated first wherever they stand.
  if (isModule) return `${text}\nimport { ${meta} } from ${quote(`${namespace}:${path}`)};`;
  return atTop(text, `var ${meta}=require("${namespace}:helper").placeOf(${urlOf(path)});`);
}

/** Expressions in `import(…)` that only executing tells; the rest is bundled. */
function computedImports(text: string, module: oxc.EcmaScriptModule): readonly { start: number; end: number }[] {
  return module.dynamicImports
    .map(({ moduleRequest }) => moduleRequest)
    .filter(({ start, end }) => {
      const request = text.slice(start, end).trim();
      // Of a path that begins as one, every file that it can become is bundled.
      return !/^(?:"[^"\\]*"|'[^'\\]*'|`[^`\\$]*`)$/.test(request) && !/^["'`]\.{1,2}\//.test(request);
    });
}

/** Behind what has to be first: `#!` and directives. */
function atTop(text: string, statement: string): string {
  const head = /^(?:#![^\n]*\n)?/.exec(text)?.[0].length ?? 0;
  const directive = /^(?:\s|\/\/[^\n]*\n|\/\*[^]*?\*\/)*(?:"use strict"|'use strict')/.exec(text.slice(head));
  const at = head + (directive?.[0].length ?? 0);
  return `${text.slice(0, at)}${directive === null ? "" : ";"}${statement}${text.slice(at)}`;
}

/** A TypeScript module with blanks where its types were; undefined if it holds more than types, which Node refuses. */
function withoutTypes(text: string): string | undefined {
  try {
    return nodeModule.stripTypeScriptTypes(text);
  } catch {
    return undefined;
  }
}

function urlOf(path: string): string {
  return quote(pathToFileURL(path).href);
}

function quote(text: string): string {
  return JSON.stringify(text);
}
