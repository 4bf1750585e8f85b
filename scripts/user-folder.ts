import { mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./root.ts";

/**
 * A folder outside the repository that looks like a user's project: `reprise` is the built package, with its command,
 * and every dependency of the repository can be imported. Dispose of it to remove it.
 */
export async function userFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await realpath(await mkdtemp(join(tmpdir(), "reprise-docs-")));
  const modules = join(path, "node_modules");
  await mkdir(join(modules, ".bin"), { recursive: true });
  for (const name of await readdir(join(root, "node_modules"))) {
    // What users cannot install is not there: the packages that are bundled into `reprise`.
    if (name === ".bin" || name === "@reprise") continue;
    await symlink(join(root, "node_modules", name), join(modules, name));
  }
  await symlink("../reprise/bin/reprise.mjs", join(modules, ".bin/reprise"));
  await writeFile(join(path, "package.json"), JSON.stringify({ name: "docs", private: true, type: "module" }));
  await writeFile(join(path, "tsconfig.json"), JSON.stringify({ compilerOptions: userOptions }, null, 2));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** The compiler options that we ask of nobody but that show the most. */
const userOptions = {
  target: "es2024",
  lib: ["es2024", "esnext.disposable"],
  module: "nodenext",
  types: ["node"],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  verbatimModuleSyntax: true,
  erasableSyntaxOnly: true,
  allowImportingTsExtensions: true,
  noEmit: true,
  skipLibCheck: true,
};
