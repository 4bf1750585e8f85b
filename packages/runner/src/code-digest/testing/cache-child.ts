// Digests all funcs of a program with a cache in a folder, and says what it took: entry file, folder of the cache.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type CodeDigestCache, CodeDigests, definitionOf, type FuncDefinition } from "../../index.ts";

const [entry = "", folder = ""] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const calls: string[] = [];
const cache: CodeDigestCache = {
  get(key) {
    try {
      const text = readFileSync(join(folder, key), "utf8");
      calls.push("hit");
      return text;
    } catch {
      calls.push("miss");
      return undefined;
    }
  },
  set(key, text) {
    calls.push("set");
    writeFileSync(join(folder, key), text);
  },
};

const definitions = Object.values((await import(pathToFileURL(entry).href)) as Record<string, unknown>)
  .map((value) => definitionOf(value))
  .filter((definition): definition is FuncDefinition => definition !== undefined);
const before = performance.now();
const digests = new CodeDigests({ cache });
const found: Record<string, unknown> = {};
for (const definition of definitions) found[definition.id] = await digests.digestOf(definition);
const ms = performance.now() - before;
process.stdout.write(JSON.stringify({ found, calls, ms }));
