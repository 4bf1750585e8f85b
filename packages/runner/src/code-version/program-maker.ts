import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { MadeProgram, ProgramOrder } from "./program-order.ts";

/**
 * What a thread imports to make a program. This module is only ever imported dynamically, so that it has a file of its own
 * in what is published.
 */
export const programMaker = {
  /** Where it is; undefined if it is part of a bundle of somebody's program, which a thread must not execute. */
  url: ownUrl(import.meta.url),
  make,
};

async function make(order: ProgramOrder): Promise<MadeProgram> {
  const { makeProgram } = await import("./make-program.ts");
  return makeProgram(order);
}

function ownUrl(url: string | undefined): string | undefined {
  return url?.startsWith("file:") === true && /^program-maker[.-]/.test(basename(fileURLToPath(url))) ? url : undefined;
}
