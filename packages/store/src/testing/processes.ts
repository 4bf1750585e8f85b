import { execFile, spawn } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** How a process ended and what it printed. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options of {@link runNode}. */
export interface NodeOptions {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Run as a user whom file permissions bind, where the tests run as one whom they do not. */
  readonly unprivileged?: boolean;
  /** Limits of the shell, e.g. `-f 2048`. */
  readonly ulimit?: string;
}

/** The index of this package, for scripts of other processes to import. */
export const storeIndex: string = new URL("../index.ts", import.meta.url).href;

/** The helpers that build batches, for scripts of other processes to import. */
export const batchesModule: string = new URL("./batches.ts", import.meta.url).href;

/** Runs a script (a module's text) in a process of its own. */
export function runNode(script: string, options: NodeOptions = {}): Promise<Ended> {
  const args = [...(options.flags ?? []), "--input-type=module", "-e", script];
  const nobody = options.unprivileged === true && process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const env = { ...process.env, ...options.env };
  const [command, commandArgs] =
    options.ulimit === undefined
      ? [process.execPath, args]
      : ["/bin/sh", ["-c", `ulimit ${options.ulimit}; exec "$0" "$@"`, process.execPath, ...args]];
  return new Promise((resolve, reject) => {
    const child = spawn(command, commandArgs, { env, ...nobody, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (text: Buffer) => (stdout += text.toString()));
    child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve({ code, signal, stdout, stderr });
    });
  });
}

/** A new folder that is removed after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "reprise-store-"));
  onTestFinished(async () => {
    await makeWritable(folder);
    await rm(folder, { recursive: true, force: true });
  });
  return folder;
}

async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  await new Promise((resolve) => {
    execFile("chmod", ["-R", "u+rwX", folder], resolve);
  });
}
