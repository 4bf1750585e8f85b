import { RepriseError } from "@reprise/core";
import type { Host } from "../host.ts";
import { startDriver } from "./driver-process.ts";
import { type InspectMessage, protocolVersion, type ToCommand } from "./messages.ts";
import { refusal } from "./refusal.ts";

/** What to ask of a file. */
export interface InspectRequest extends Omit<InspectMessage, "v" | "type"> {
  /** Modules to load first. */
  readonly imports: readonly string[];
}

/**
 * Has a driver process load a file and answer. What the file writes while it is loaded goes to standard error.
 *
 * @throws RepriseError `USAGE` if the file cannot be loaded, or ends the process.
 */
export async function inspectFile(host: Host, { imports, ...request }: InspectRequest): Promise<unknown> {
  const driver = startDriver({ file: request.file, imports, driverFile: host.driverFile, cwd: host.cwd });
  let answer: ToCommand | undefined;
  driver.readOutput((_stream, lines) => host.stderr.write(`${lines.join("\n")}\n`));
  driver.listen((message) => {
    if (message.type === "report" || message.type === "refused") answer = message;
  });
  driver.send({ v: protocolVersion, type: "inspect", ...request });
  const { code, signal } = await driver.ended;
  if (answer?.type === "report") return answer.report;
  if (answer?.type === "refused") throw refusal(answer.failure);
  throw new RepriseError(
    "USAGE",
    `${request.file} ended its process while it was loaded (${signal === null ? `exit code ${code}` : `signal ${signal}`}). ` +
      "A file that is looked at must not call process.exit() at its top level.",
  );
}
