import { createRequire } from "node:module";
import { sep } from "node:path";
import { defaultRegistry } from "@reprise/core";
import { userCodeReloads } from "../actors/replica-caches.ts";
import { funcRegistry } from "../func-definition.ts";

/** What modules of the user's have left in this process is forgotten, so that they can be loaded anew. Packages stay. */
export function forgetModules(): void {
  funcRegistry.clear();
  defaultRegistry.codeReloads();
  userCodeReloads();
  const { cache } = createRequire(import.meta.url);
  const inPackage = `${sep}node_modules${sep}`;
  for (const file of Object.keys(cache)) if (!file.includes(inPackage)) delete cache[file];
}
