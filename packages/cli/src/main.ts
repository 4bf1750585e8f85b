import { RepriseError } from "@reprise/core";
import type { CommandSpec } from "./command-spec.ts";
import { commandTable } from "./command-table.ts";
import { exitCodeOf, exitCodes } from "./exit-codes.ts";
import { commandHelp, overview } from "./help.ts";
import type { Command, Host } from "./host.ts";
import { parseCommand } from "./parse-command.ts";
import { suggest } from "./suggest.ts";

// Each command is loaded when it is called, alone: starting is most of what a command costs.
const loaders: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import("./run/run-command.ts")).run,
  rerun: async () => (await import("./commands/rerun.ts")).rerun,
  resume: async () => (await import("./commands/resume.ts")).resume,
  plan: async () => (await import("./commands/plan.ts")).plan,
  ls: async () => (await import("./commands/ls.ts")).ls,
  show: async () => (await import("./commands/show.ts")).show,
  why: async () => (await import("./commands/why.ts")).why,
  diff: async () => (await import("./commands/diff.ts")).diff,
  logs: async () => (await import("./commands/logs.ts")).logs,
  "artifact get": async () => (await import("./commands/artifact-get.ts")).artifactGet,
  lineage: async () => (await import("./commands/lineage.ts")).lineage,
  "cache ls": async () => (await import("./commands/cache-ls.ts")).cacheLs,
  "cache stats": async () => (await import("./commands/cache-stats.ts")).cacheStats,
  "cache clear": async () => (await import("./commands/cache-clear.ts")).cacheClear,
  "cache explain": async () => (await import("./commands/cache-explain.ts")).cacheExplain,
  "actors ls": async () => (await import("./commands/actors.ts")).actorsLs,
  "actors show": async () => (await import("./commands/actors.ts")).actorsShow,
  "actors stop": async () => (await import("./commands/actors.ts")).actorsStop,
  gc: async () => (await import("./commands/gc.ts")).gc,
  "settings list": async () => (await import("./commands/settings.ts")).settingsList,
  "settings get": async () => (await import("./commands/settings.ts")).settingsGet,
  "settings set": async () => (await import("./commands/settings.ts")).settingsSet,
  "settings delete": async () => (await import("./commands/settings.ts")).settingsDelete,
  doctor: async () => (await import("./commands/doctor.ts")).doctor,
  version: async () => (await import("./commands/version.ts")).version,
  help: async () => help,
};

/**
 * The program `reprise`: finds the command, loads it, executes it and sets the exit code (see {@link exitCodes}).
 */
export async function main(host: Host): Promise<void> {
  for (const stream of [host.stdout, host.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      // `reprise ls | head` ends the reader first; that is no error.
      if (error.code === "EPIPE") process.exit(exitCodes.ok);
      throw error;
    });
  }
  try {
    process.exitCode = await execute(host);
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    const { reportError } = await import("./report-error.ts");
    reportError(host, error);
  }
}

async function execute(host: Host): Promise<number> {
  const [first, second] = host.argv;
  if (first === undefined) {
    host.stderr.write(overview());
    return exitCodes.usage;
  }
  if (first === "--help" || first === "-h" || (first === "help" && second === undefined)) {
    host.stdout.write(overview());
    return exitCodes.ok;
  }
  const isVersion = first === "--version" || first === "-v";
  const spec = findCommand(isVersion ? ["version"] : host.argv);
  if (spec === undefined) throw unknownCommand(first, second);
  const command = parseCommand(spec, host.argv.slice(spec.name.split(" ").length));
  if (command.values["help"] === true) {
    host.stdout.write(commandHelp(spec));
    return exitCodes.ok;
  }
  const { home } = command.values;
  const load = loaders[spec.name];
  if (load === undefined) throw new TypeError(`The command ${spec.name} has no loader.`);
  const run = await load();
  const json = command.values["json"] === true;
  return run({ host, command, json, home: typeof home === "string" ? home : undefined });
}

const help: Command = async ({ host, command }) => {
  const spec = findCommand(command.positionals);
  const group = commandTable.filter(({ name }) => name.startsWith(`${command.positionals[0] ?? ""} `));
  if (spec === undefined && group.length === 0)
    throw unknownCommand(command.positionals[0] ?? "", command.positionals[1]);
  host.stdout.write((spec === undefined ? group : [spec]).map(commandHelp).join("\n"));
  return exitCodes.ok;
};

function findCommand(words: readonly string[]): CommandSpec | undefined {
  const [first, second] = words;
  return commandTable.find(({ name }) => name === first || name === `${first} ${second}`);
}

function unknownCommand(first: string, second: string | undefined): RepriseError {
  const below = commandTable.filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => name);
  if (below.length > 0) {
    const given =
      second === undefined || second.startsWith("-")
        ? `"${first}" needs a second word`
        : `There is no command "${first} ${second}"`;
    return new RepriseError("USAGE", `${given}: ${below.map((name) => `reprise ${name}`).join(", ")}.`);
  }
  if (/\.[cm]?[jt]sx?(?::[^/\\]*)?$/.test(first)) {
    return new RepriseError(
      "USAGE",
      `There is no command "${first}". To run a pipeline from a file: reprise run ${first}`,
    );
  }
  const near = suggest(
    first,
    commandTable.map(({ name }) => name),
  );
  const hint = near.length === 0 ? "" : ` Did you mean ${near.map((name) => `"reprise ${name}"`).join(" or ")}?`;
  return new RepriseError("USAGE", `There is no command "${first}".${hint}\nSee: reprise --help`);
}
