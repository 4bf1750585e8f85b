import type { ParsedCommand } from "./command-spec.ts";

/** What the command line program works with: the real process, as `bin.ts` gives it. */
export interface Host {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** The `package.json` of reprise. */
  readonly packageFile: URL;
  /** The file of the driver process. */
  readonly driverFile: URL;
}

/** A command that was parsed, with what it works with. */
export interface Invocation {
  readonly host: Host;
  readonly command: ParsedCommand;
  readonly json: boolean;
  /** Folder of the store, if `--home` was given. */
  readonly home: string | undefined;
}

/** Executes a command; gives the exit code. */
export type Command = (invocation: Invocation) => Promise<number>;
