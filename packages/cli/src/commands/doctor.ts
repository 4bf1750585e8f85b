import { checkDisk, checkGit, checkHome, checkNode, checkStore, type Finding } from "../doctor/checks.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Command } from "../host.ts";
import { outputOf } from "../output.ts";
import type { Style } from "../terminal/paint.ts";
import { homePath } from "@reprise/store";

const looks: Readonly<Record<Finding["status"], readonly [string, Style]>> = {
  ok: ["✔", "green"],
  warning: ["!", "yellow"],
  problem: ["✖", "red"],
  fixed: ["✔", "cyan"],
};

/** `reprise doctor`: checks what reprise stands on. */
export const doctor: Command = async ({ host, json, home, command }) => {
  const fix = command.values["fix"] === true;
  const path = homePath(home);
  const findings = [
    checkNode(process.versions.node),
    await checkHome(path, fix),
    await checkDisk(path),
    ...(await checkStore(path, fix)),
    await checkGit(),
  ];
  const ok = findings.every(({ status }) => status !== "problem");
  const output = outputOf(host);
  if (json) output.json({ ok, findings });
  else {
    output.lines(
      findings.flatMap(({ check, status, message, remedy }) => {
        const [glyph, style] = looks[status];
        const line = `${output.paint(style, glyph)} ${check.padEnd(8)} ${message}`;
        return remedy === undefined ? [line] : [line, `${" ".repeat(11)}→ ${remedy}`];
      }),
    );
  }
  return ok ? exitCodes.ok : exitCodes.failed;
};
