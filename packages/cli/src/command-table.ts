import type { CommandSpec, OptionSpec } from "./command-spec.ts";

const runIdHint = "RUN is an id as `reprise ls` shows it; it may be shortened. `latest` is the newest pipeline run.";

const importOption = {
  name: "import",
  value: "MODULE",
  summary: "Load a module before FILE, e.g. tsx.",
  repeat: true,
} as const;
const namespaceOption = {
  name: "cache-namespace",
  value: "TEXT",
  summary: "Namespace of cache entries. Default: the setting CACHE_NAMESPACE, else `default`.",
} as const;

/** Of every command that runs a pipeline. */
const runOptions: readonly OptionSpec[] = [
  { name: "quiet", short: "q", summary: "No progress: only the output of bodies, errors and the result." },
  { name: "plain", summary: "Lines instead of the live tree, also in a terminal." },
  {
    name: "concurrency",
    value: "N",
    summary: "Bodies that run at once. Default: the setting CONCURRENCY, else 64.",
  },
  {
    name: "max-parallelism",
    value: "N",
    summary: "Standalone bodies that run at once. Default: the setting MAX_PARALLELISM, else the number of CPUs.",
  },
  { name: "durability", value: "LEVEL", summary: "`ordered` (default) or `step`." },
  {
    name: "cache",
    value: "MODE",
    summary:
      "`on` (default), `refresh` (execute, and replace what was stored), `readOnly`, or `off`, for funcs that are cached.",
  },
  namespaceOption,
  importOption,
];
const codeOptions: readonly OptionSpec[] = [
  { name: "current", summary: "Execute the code that the file holds now, not the kept one." },
  { name: "file", value: "FILE", summary: "As --current, from another file than the one in which the func was." },
];

const cacheFilterOptions: readonly OptionSpec[] = [
  { name: "func", value: "ID", summary: "Only those of this func." },
  { name: "version", value: "TEXT", summary: "Only those of this version, or of the code whose digest begins so." },
  { name: "namespace", value: "TEXT", summary: "Only those of this namespace." },
  { name: "run", value: "RUN", summary: "Only those that this run computed, or runs of this pipeline run." },
  { name: "key", value: "KEY", summary: "Only those whose key begins so." },
  { name: "older-than", value: "DURATION", summary: "Only those not written for so long." },
  { name: "unused-for", value: "DURATION", summary: "Only those neither reused nor written for so long." },
  { name: "larger-than", value: "SIZE", summary: "Only those of so many bytes or more." },
  {
    name: "keep-bytes",
    value: "SIZE",
    summary: "Only those that must go, the longest unused first, to leave so many bytes.",
  },
];

/** Every command. The help, the parser and the suggestions read it; what a command does is loaded when it is called. */
export const commandTable: readonly CommandSpec[] = [
  {
    name: "run",
    usage: "FILE[:func] [--input JSON | --key=value …]",
    summary: "Run a pipeline from a TypeScript or JavaScript file.",
    details: [
      "FILE exports the func to run. `:func` names it by export or by func id; without it the file's only exported func",
      "is taken, else the one that is exported as `pipeline` or `default`.",
      "",
      "--key=value sets one field of the input: JSON if it is a JSON number, boolean, null, array or object, else text.",
      "A repeated key makes an array; --key alone is true. Fields that are named as an option of reprise go behind `--`.",
      "",
      "Ctrl-C once cancels the pipeline run, twice quits at once.",
    ],
    options: [
      {
        name: "input",
        value: "JSON",
        summary:
          "The whole input: JSON, @FILE, or - for standard input. An array gives the arguments of a func without schema.",
      },
      ...runOptions,
    ],
    arguments: ["FILE"],
    open: true,
  },
  {
    name: "rerun",
    usage: "RUN [--continue | --input NAME=VALUE …] [--current | --file FILE]",
    summary: "Execute a recorded run again, and what is downstream of it; all else is taken over.",
    details: [
      "The run, what is nested in it, and what needs it or one of its ancestors execute, as a new pipeline run, with the code",
      "that was kept. `reprise plan --rerun-from RUN` tells first what would execute, and why.",
      runIdHint,
      "",
      "--input NAME=VALUE changes a field of the recorded input, as --NAME=VALUE does for `run`; --input JSON, or @FILE,",
      "replaces all of it. Only for a pipeline run.",
    ],
    options: [
      { name: "continue", summary: "Execute only what did not succeed. RUN is a pipeline run." },
      { name: "input", value: "INPUT", summary: "NAME=VALUE, JSON, @FILE, or - for standard input.", repeat: true },
      ...codeOptions,
      ...runOptions,
    ],
    arguments: ["RUN"],
  },
  {
    name: "resume",
    usage: "RUN [--current | --file FILE]",
    summary: "Go on with a pipeline run whose process was killed or has crashed.",
    details: [
      "What had finished is kept, what was executing executes again, and the pipeline run keeps its id. `reprise ls` shows such",
      "pipeline runs as interrupted. The code is the one that was kept, or the file's of now if none was.",
      runIdHint,
    ],
    options: [...codeOptions, ...runOptions],
    arguments: ["RUN"],
  },
  {
    name: "plan",
    usage: "FILE[:func] [--input JSON | --key=value …] | --rerun-from RUN [--continue] [--current]",
    summary: "Tell what `run` or `rerun` would reuse and what it would execute, and why; nothing executes.",
    details: [
      "FILE and input as for `run`. What is below the root is foretold from the newest complete pipeline run of the func,",
      "one with the same input if there is one. No body executes, and nothing is written.",
      "",
      "--rerun-from RUN tells what `reprise rerun RUN` would execute and take over, from what is recorded. With --current",
      "(or --file) the file is loaded, to tell which funcs are written otherwise now.",
    ],
    options: [
      { name: "input", value: "JSON", summary: "The whole input, as for `run`." },
      { name: "rerun-from", value: "RUN", summary: "Plan the re-run from this run; in place of FILE." },
      { name: "continue", summary: "With --rerun-from: plan to execute only what did not succeed." },
      { name: "current", summary: "With --rerun-from: tell which funcs have changed since." },
      { name: "file", value: "FILE", summary: "As --current, with another file than the one in which the func was." },
      { name: "all", short: "a", summary: "Every run, also of large groups." },
      namespaceOption,
      importOption,
    ],
    arguments: ["[FILE]"],
    open: true,
  },
  {
    name: "ls",
    usage: "[--limit N] [--state STATE] [--func ID] [--tag TAG]",
    summary: "List pipeline runs, newest first.",
    options: [
      { name: "limit", short: "n", value: "N", summary: "At most so many. Default: 20." },
      { name: "after", value: "RUN", summary: "Continue behind this one." },
      {
        name: "state",
        value: "STATE",
        summary: "Only those created, scheduled, running, complete, failed or canceled.",
      },
      { name: "func", value: "ID", summary: "Only those of this func." },
      { name: "tag", value: "TAG", summary: "Only those with this tag." },
    ],
    arguments: [],
  },
  {
    name: "show",
    usage: "RUN [--all] [--source]",
    summary: "Show a run: tree, inputs, output, error, source, events.",
    details: [runIdHint],
    options: [
      { name: "all", short: "a", summary: "Every run of the tree, also of large groups." },
      { name: "source", summary: "The whole source of the func." },
    ],
    arguments: ["RUN"],
  },
  {
    name: "why",
    usage: "RUN [--no-diff]",
    summary: "Explain why a run was executed, or reused: against the nearest earlier result, what differs and how.",
    details: [runIdHint],
    options: [{ name: "no-diff", summary: "Only which code changed, not how." }],
    arguments: ["RUN"],
  },
  {
    name: "diff",
    usage: "A B [--all] [--no-diff]",
    summary: "Compare two runs with all below them: the first difference, then every run that differs, and why.",
    details: [
      "A and B are ids as `reprise ls` shows them; they may be shortened. Most often two pipeline runs of one func.",
      "Runs that differ in the same way are told a few times and counted.",
    ],
    options: [
      { name: "all", short: "a", summary: "Every run that differs." },
      { name: "no-diff", summary: "Only which code changed, not how." },
    ],
    arguments: ["A", "B"],
  },
  {
    name: "logs",
    usage: "RUN [--nested]",
    summary: "Print what the body of a run wrote.",
    details: [runIdHint],
    options: [{ name: "nested", summary: "Also what the runs below it wrote. Default for a pipeline run." }],
    arguments: ["RUN"],
  },
  {
    name: "artifact get",
    usage: "ID [--raw | --out FILE]",
    summary: "Print the value of an artifact, or of a run's output.",
    details: ["ID is the id of an artifact, or of a run, which stands for its output; it may be shortened."],
    options: [
      { name: "out", short: "o", value: "FILE", summary: "Write the bytes of a file, the text, or the JSON to FILE." },
      { name: "raw", summary: "Bytes and texts as they are, without quotes and colors." },
    ],
    arguments: ["ID"],
  },
  {
    name: "lineage",
    usage: "ID [--up | --down] [--depth N]",
    summary: "Show what a value was made of, up to the inputs, and what was made of it.",
    details: ["ID is the id of an artifact, or of a run, which stands for its output; it may be shortened."],
    options: [
      { name: "up", summary: "Only what it was made of." },
      { name: "down", summary: "Only what was made of it." },
      { name: "depth", value: "N", summary: "Follow it so many steps. Default: 10." },
    ],
    arguments: ["ID"],
  },
  {
    name: "cache ls",
    usage: "[--func ID] [--version TEXT] [--namespace TEXT] [--limit N]",
    summary: "List results that may be reused, newest first.",
    options: [
      { name: "limit", short: "n", value: "N", summary: "At most so many. Default: 20." },
      ...cacheFilterOptions.slice(0, 3),
    ],
    arguments: [],
  },
  {
    name: "cache stats",
    usage: "",
    summary: "Count results, bytes, hits and saved time by func, and who computes what now.",
    options: [],
    arguments: [],
  },
  {
    name: "cache clear",
    usage: "FILTER … | --all [--dry-run]",
    summary: "Forget results, so that they are computed again.",
    details: [
      "All filters that are given must fit. What is forgotten stays on disk until `reprise gc` removes it.",
      "DURATION: 30m, 12h, 7d. SIZE: 500MB, 2GiB.",
    ],
    options: [
      ...cacheFilterOptions,
      { name: "all", summary: "Everything, in all namespaces." },
      { name: "dry-run", summary: "Only say what would be forgotten." },
    ],
    arguments: [],
  },
  {
    name: "cache explain",
    usage: "FILE:func | FUNC",
    summary:
      "Show what stands for a func in cache keys: its code part by part, packages, signature; and what is not seen.",
    details: [
      "FILE[:func] as for `run`; funcs that the file does not export are known by their id. FUNC is the id of a func that",
      "has run: the file is the one that it ran from last. No body executes.",
    ],
    options: [{ name: "source", summary: "Also the source of each part." }, importOption],
    arguments: ["FILE:func"],
  },
  {
    name: "actors ls",
    usage: "",
    summary: "List the pools of actors that there are now, with their replicas and tasks.",
    options: [],
    arguments: [],
  },
  {
    name: "actors show",
    usage: "ACTOR",
    summary: "Show the pools of an actor: replicas, what they execute, hits and misses of their caches, events.",
    details: ["ACTOR is the name of an actor, or the id of a pool, which may be shortened."],
    options: [],
    arguments: ["ACTOR"],
  },
  {
    name: "actors stop",
    usage: "ACTOR [--now] | --all [--now]",
    summary:
      "End the pools of an actor when the bodies that they execute are done, and dispose of what is in their caches.",
    details: [
      "ACTOR is the name of an actor, or the id of a pool, which may be shortened. A task that comes later makes a new pool.",
    ],
    options: [
      { name: "now", summary: "Tell bodies to stop instead of waiting for them; their attempts are lost." },
      { name: "all", summary: "All pools of this home." },
    ],
    arguments: ["[ACTOR]"],
  },
  {
    name: "gc",
    usage: "[--dry-run] [--older-than DURATION]",
    summary: "Remove what nothing needs: unused artifacts and blobs, old pipeline runs if asked.",
    options: [
      { name: "dry-run", summary: "Only say what would be removed." },
      { name: "older-than", value: "DURATION", summary: "Also remove finished pipeline runs older than, e.g., 30d." },
    ],
    arguments: [],
  },
  {
    name: "settings list",
    usage: "",
    summary: "List the known settings and their values; secrets are masked.",
    options: [],
    arguments: [],
  },
  {
    name: "settings get",
    usage: "KEY",
    summary: "Print the value of a setting, secrets included.",
    options: [],
    arguments: ["KEY"],
  },
  {
    name: "settings set",
    usage: "KEY [VALUE]",
    summary: "Set a setting. Without VALUE it is asked for, or read from standard input.",
    details: ["Leave VALUE out for secrets, so that they do not end up in the shell's history."],
    options: [],
    arguments: ["KEY", "[VALUE]"],
  },
  {
    name: "settings delete",
    usage: "KEY",
    summary: "Remove a setting.",
    options: [],
    arguments: ["KEY"],
  },
  {
    name: "doctor",
    usage: "[--fix]",
    summary: "Check Node, the store, the cache, disk space, git, and pipeline runs whose process is gone.",
    options: [{ name: "fix", summary: "Repair what can be repaired." }],
    arguments: [],
  },
  { name: "version", usage: "", summary: "Print the version.", options: [], arguments: [] },
  { name: "help", usage: "[COMMAND]", summary: "Explain a command.", options: [], arguments: ["[COMMAND]", "[SUB]"] },
];
