// Makes the declaration files of the published package from those of the packages that it bundles:
// dist/types/<package>/… with every import of another package of ours turned into a relative one.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { promisify } from "node:util";
import ts from "typescript";
import { bin, root } from "./root.ts";

/** Emits into `target`, which is replaced as a whole once everything has worked. */
export async function emitTypes(target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const folder = await mkdtemp(`${target}-`);
  try {
    const emitted = join(folder, "emitted");
    await run(["-p", join(root, "tsconfig.build.json"), "--outDir", emitted]);
    const made = join(folder, "made");
    for (const path of await readdir(emitted, { recursive: true })) {
      const place = /^([^/]+)\/src\/(.+\.d\.ts)$/.exec(path.replaceAll("\\", "/"));
      if (place?.[1] === undefined || place[2] === undefined) continue;
      const to = `${place[1]}/${place[2]}`;
      const text = rewriteSpecifiers(to, await readFile(join(emitted, path), "utf8"));
      await mkdir(dirname(join(made, to)), { recursive: true });
      await writeFile(join(made, to), text);
    }
    await rm(target, { recursive: true, force: true });
    await rename(made, target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function run(args: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, [bin("tsc"), ...args], { cwd: root });
  } catch (error) {
    const output = (error as { stdout?: string }).stdout;
    throw new Error(`Cannot emit the types:\n${output ?? ""}`, { cause: error });
  }
}

/**
 * The declarations `text` of the file `path` (as `core/errors.d.ts`), with imports that resolve where they are
 * published: `@reprise/core` becomes `../core/index.js`, `./errors.ts` becomes `./errors.js`.
 */
export function rewriteSpecifiers(path: string, text: string): string {
  let rewritten = "";
  let end = 0;
  // The compiler's own scan, because comments hold examples whose imports must stay as they are.
  for (const found of ts.preProcessFile(text, true, true).importedFiles) {
    const quoted = text.indexOf(found.fileName, found.pos);
    rewritten += text.slice(end, quoted) + published(path, found.fileName);
    end = quoted + found.fileName.length;
  }
  return rewritten + text.slice(end);
}

function published(path: string, specifier: string): string {
  if (specifier.startsWith(".")) return specifier.replace(/\.ts$/, ".js");
  const ours = /^@reprise\/([^/]+)$/.exec(specifier);
  if (ours?.[1] === undefined) return specifier;
  const from = posix.relative(posix.dirname(path), `${ours[1]}/index.js`);
  return from.startsWith(".") ? from : `./${from}`;
}
