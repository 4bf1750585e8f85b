import { buildJavaScript } from "./build.ts";

/** Runs once before the tests that use the built package, so that `npm test` needs no step before it. */
export async function setup(): Promise<void> {
  await buildJavaScript();
}
