import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { MadeProgram, ProgramOrder } from "./program-order.ts";

/**
 * Where a thread finds this module; undefined where it is part of a bundle of somebody's program, which it must not
 * execute. This module is only ever imported dynamically, so that it has a file of its own in what is published.
 */
export const makerUrl: string | undefined = ownUrl(import.meta.url);

/** Makes a program; see `make-program.ts`. */
export async function makeProgram(order: ProgramOrder): Promise<MadeProgram> {
  const maker = await import("./make-program.ts");
  return maker.makeProgram(order);
}

function ownUrl(url: string | undefined): string | undefined {
  return url?.startsWith("file:") === true && /^program-maker[.-]/.test(basename(fileURLToPath(url))) ? url : undefined;
}
