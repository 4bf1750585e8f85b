import { execFileSync } from "node:child_process";

/** Runs a program of the system, such as `diff` or `mkfifo`, and returns what it prints. */
export function systemCommand(name: string, ...args: readonly string[]): string {
  return execFileSync("sh", ["-c", 'exec "$0" "$@"', name, ...args], { encoding: "utf8" });
}
