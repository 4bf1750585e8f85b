import { messageOf } from "../message-of.ts";
import { holdsLibrary, type MadeProgram, type ProgramOrder } from "./program-order.ts";

/** The program of the thread. Warnings that something of Node is experimental are nobody's business. */
const text = `
const { parentPort, workerData } = require("node:worker_threads");
process.emitWarning = () => undefined;
import(workerData.url)
  .then(({ programMaker }) => programMaker.make(workerData.order))
  .then(
    (made) => parentPort.postMessage({ made }, [made.program.buffer, made.map.buffer]),
    (error) => parentPort.postMessage({ failure: String(error?.message ?? error) }),
  );
`;

type Answer = { readonly made: MadeProgram } | { readonly failure: string };

/**
 * Makes a program in a thread of its own: it takes a few hundred milliseconds, in which pipelines go on.
 *
 * @throws Error as `makeProgram`.
 */
export async function makeInThread(order: ProgramOrder): Promise<MadeProgram> {
  const { url } = (await import("./program-maker.ts")).programMaker;
  if (url === undefined) throw new Error(holdsLibrary);
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  // No loader and no flag of the process is any use to it.
  const worker = new (process.getBuiltinModule("node:worker_threads").Worker)(text, {
    eval: true,
    execArgv: [],
    env: { ...process.env, NODE_OPTIONS: "" },
    name: "reprise program",
    workerData: { url, order },
  });
  worker.on("message", resolve);
  worker.on("error", (error) => reject(new Error(messageOf(error), { cause: error })));
  worker.on("exit", () => reject(new Error("the thread that makes it ended")));
  try {
    const answer = await promise;
    if ("failure" in answer) throw new Error(answer.failure);
    return answer.made;
  } finally {
    await worker.terminate();
  }
}
