// Makes the keys of all funcs that a program exports, each with the arguments that it exports as `calls`: entry file and,
// if digests are to be kept, their folder.
import { pathToFileURL } from "node:url";
import { definitionOf, FuncVersions, type KeyArgument, KeyMaker } from "../../index.ts";
import type { CacheOptions } from "../../cache-options.ts";

const [entry = "", folder] = process.argv.slice(2);
const program = (await import(pathToFileURL(entry).href)) as Record<string, unknown>;
const calls = program["calls"] as Readonly<Record<string, readonly unknown[]>>;
const keys = new KeyMaker({ versions: new FuncVersions({ folder }) });
const scope = { account: "", namespace: "default", rootFunc: "root" };

const report: Record<string, unknown> = {};
for (const value of Object.values(program)) {
  const definition = definitionOf(value);
  if (definition === undefined) continue;
  const options = definition.options.cache as CacheOptions;
  const args = (calls[definition.id] ?? []).map((arg): KeyArgument => ({ digest: undefined, value: () => arg }));
  // Several at once, as the calls of a body are.
  const [made, other] = await Promise.all([0, 1].map(async () => keys.make(definition, options, args, scope)));
  const again = keys.make(definition, options, args, scope);
  report[definition.id] = {
    ...made,
    isSame: JSON.stringify(made) === JSON.stringify(other) && JSON.stringify(made) === JSON.stringify(again),
    isSync: !(again instanceof Promise),
    closure: keys.codeOf(definition, options)?.closure.map(({ name }) => name),
    warnings: keys.takeWarnings(definition).map(({ message }) => message),
    moreWarnings: keys.takeWarnings(definition).length,
  };
}
process.stdout.write(`\n${JSON.stringify(report)}`);
