import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { MadeProgram, ProgramOrder } from "./program-order.ts";

const here = import.meta.url as string | undefined;

/**
 * What a thread imports to make a program. In what is published this module has a file of its own, which programs do not
 * load: it has no functions with names, for which it would share a further file with the library.
 */
export const programMaker = {
  /** Where it is; undefined if it is part of a bundle of somebody's program, which a thread must not execute. */
  url:
    here?.startsWith("file:") === true && /^program-maker[.-]/.test(basename(fileURLToPath(here))) ? here : undefined,

  async make(order: ProgramOrder): Promise<MadeProgram> {
    const { makeProgram } = await import("./make-program.ts");
    return makeProgram(order);
  },
};
