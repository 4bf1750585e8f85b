// As a whole: bundles that hold the library often begin with a `createRequire` of their own.
import * as nodeModule from "node:module";
import { sep } from "node:path";
import { defaultRegistry } from "@reprise/core";
import { userCodeReloads } from "../actors/replica-caches.ts";
import { funcRegistry } from "../func-definition.ts";

/** What modules of the user's have left in this process is forgotten, so that they can be loaded anew. Packages stay. */
export function forgetModules(): void {
  funcRegistry.clear();
  defaultRegistry.codeReloads();
  userCodeReloads();
  const { cache } = nodeModule.createRequire(import.meta.url);
  const inPackage = `${sep}node_modules${sep}`;
  for (const file of Object.keys(cache)) if (!file.includes(inPackage)) delete cache[file];
}
