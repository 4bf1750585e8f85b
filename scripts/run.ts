import { spawn } from "node:child_process";

export interface RunOptions {
  readonly cwd: string;
  /** Environment on top of this process's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds after which the process is killed. Default: 5 minutes. */
  readonly timeout?: number;
}

export interface Finished {
  /** Exit code; 1 where a signal ended the process. */
  readonly code: number;
  /** What it wrote to stdout. */
  readonly stdout: string;
  /** What it wrote to stdout and stderr, as it came. */
  readonly output: string;
}

/** Runs a command to its end. It rejects only when the command cannot be started: look at `code`. */
export function run(command: string, args: readonly string[], options: RunOptions): Promise<Finished> {
  const { promise, resolve, reject } = Promise.withResolvers<Finished>();
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: options.timeout ?? 300_000,
    killSignal: "SIGKILL",
  });
  let stdout = "";
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.on("error", reject);
  child.on("close", (code, signal) => {
    if (signal !== null) output += `\nended by ${signal}\n`;
    resolve({ code: code ?? 1, stdout, output });
  });
  return promise;
}

/** Like `run`; throws an Error with all that the command wrote when it fails. */
export async function mustRun(command: string, args: readonly string[], options: RunOptions): Promise<string> {
  const { code, stdout, output } = await run(command, args, options);
  if (code !== 0) throw new Error(`${[command, ...args].join(" ")} exited with ${String(code)}:\n${output}`);
  return stdout;
}
