/** One option of a command. */
export interface OptionSpec {
  /** Long name without dashes. */
  readonly name: string;
  readonly short?: string;
  /** Placeholder of its value in the help; absent for a flag. */
  readonly value?: string;
  readonly summary: string;
  readonly repeat?: boolean;
}

/** What a command takes, for parsing, for the help and for suggestions. */
export interface CommandSpec {
  /** One or two words: `ls`, `artifact get`. */
  readonly name: string;
  /** What stands behind the name: `RUN [--nested]`. */
  readonly usage: string;
  readonly summary: string;
  /** Further lines of the command's help. */
  readonly details?: readonly string[];
  readonly options: readonly OptionSpec[];
  /** Names of the positional arguments; those in brackets may be left out. */
  readonly arguments: readonly string[];
  /** Unknown options are collected in `rest` instead of refused: `run` takes the pipeline's input that way. */
  readonly open?: boolean;
}

/** A command line after parsing. */
export interface ParsedCommand {
  readonly positionals: readonly string[];
  /** Values of options that were given; a flag is `true`. */
  readonly values: Readonly<Record<string, string | true | readonly string[]>>;
  /** Options that an open command does not know, in order; null where no value was given. */
  readonly rest: readonly (readonly [name: string, value: string | null])[];
}

/** Options that every command takes. */
export const commonOptions: readonly OptionSpec[] = [
  { name: "home", value: "PATH", summary: "Folder of the store. Default: $REPRISE_HOME or ~/.reprise." },
  { name: "json", summary: "Machine-readable output, errors included." },
  { name: "help", short: "h", summary: "Show this help." },
];
