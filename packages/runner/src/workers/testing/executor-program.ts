import { fileURLToPath } from "node:url";
import type { WireProgram } from "../protocol.ts";

/** The program whose funcs the tests of executors start. */
export const executorProgram: WireProgram = {
  kind: "files",
  files: [fileURLToPath(new URL("executor-funcs.ts", import.meta.url))],
};
