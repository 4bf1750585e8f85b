/** Options of Node that are for the process which they were given to: what it executes instead of a file, and its tools. */
const ownOptions =
  /^(-e|-p|-pe|-c|-i|--eval|--print|--check|--interactive|--run|--input-type|--entry-url|--build-sea|--(watch|test|inspect|debug-port|cpu-prof|heap-prof|prof)(-.*)?)$/;
/** Those of them whose value is an argument of its own if no `=` is there. */
const withValue =
  /^(-e|-p|-pe|--eval|--print|--run|--input-type|--build-sea|--watch-path|--watch-kill-signal|--test-.*|--inspect-port|--debug-port|--(cpu|heap)-prof-(dir|name|interval))$/;
/** Those of {@link withValue} that have none. */
const withoutValue = /^--test-(force-exit|only|update-snapshots|randomize)$/;

/**
 * The options of Node with which worker processes are started: those of this process (loaders, conditions, limits), so
 * that they take in code as it does, without what is for this process alone (`--inspect`, `--eval`, `--watch`, `--test`,
 * `--cpu-prof`, …).
 *
 * @param execArgv default: those of this process.
 */
export function workerExecArgv(execArgv: readonly string[] = process.execArgv): string[] {
  const kept: string[] = [];
  for (let index = 0; index < execArgv.length; index += 1) {
    const argument = execArgv[index] ?? "";
    const [text = "", value] = argument.split("=", 2);
    // Node takes `--cpu_prof` for `--cpu-prof`.
    const name = text.startsWith("--") ? text.replaceAll("_", "-") : text;
    if (!ownOptions.test(name)) kept.push(argument);
    else if (value === undefined && withValue.test(name) && !withoutValue.test(name)) index += 1;
  }
  return kept;
}
