import type { Socket } from "node:net";
import { hostname, userInfo } from "node:os";
import { type GitState, type Origin, version } from "@reprise/core";

/** Who and what executes, as it is recorded with a pipeline run. */
export function describeOrigin(): Origin {
  return {
    command: redactCommand([...process.argv.slice(0, 1), ...process.execArgv, ...process.argv.slice(1)]),
    user: userName(),
    host: hostname(),
    pid: process.pid,
    processStartedAt: Math.round(performance.timeOrigin),
    versions: { reprise: version, node: process.versions.node, platform: `${process.platform} ${process.arch}` },
  };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a user id that has no name.
    return process.env["USER"] ?? `uid ${process.getuid?.() ?? "unknown"}`;
  }
}

const secretWord =
  /^(?:token|secret|passwo?r?d|pwd|passphrase|passcode|credentials?|auth|authorization|bearer|apikey|key)$/;

/** Whether the name of an option or variable says that its value is a secret: `--api-key`, `GITHUB_TOKEN`, `dbPassword`. */
function isSecret(name: string): boolean {
  const words = name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  return words.some((word) => secretWord.test(word) || /(?:token|secret|password)$/.test(word));
}

/**
 * A command line without secrets: the values of options and variables whose names sound like one, those of such keys in
 * JSON, headers that authorize, and of URLs the user part, such parameters and signatures.
 */
export function redactCommand(argv: readonly string[]): string {
  const words = argv.map((word, at) => {
    const assignment = /^(-{0,2}[A-Za-z_][\w.-]*)=/.exec(word);
    if (assignment !== null && isSecret(assignment[1] ?? "")) return `${assignment[1]}=…`;
    const before = argv[at - 1] ?? "";
    if (/^--?[A-Za-z][\w.-]*$/.test(before) && isSecret(before) && !/^--[a-z]/.test(word)) return "…";
    return redactText(word);
  });
  return words.map((word) => (/^[\w@%+=:,./…-]+$/.test(word) ? word : JSON.stringify(word))).join(" ");
}

function redactText(word: string): string {
  return word
    .replaceAll(
      /("((?:[^"\\]|\\.)*)"\s*:\s*)(?:"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*)/g,
      (whole, key: string, name: string) => (isSecret(name) ? `${key}"…"` : whole),
    )
    .replaceAll(/([A-Za-z][\w+.-]*:\/\/)[^/@\s]*(?:@[^/@\s]*)*@/g, "$1…@")
    .replaceAll(/([?&;]([\w.%-]+)=)[^&;#\s"']+/g, (whole, start: string, name: string) =>
      isSecret(name) || /(?:^|-)sig(?:nature)?$/i.test(name) ? `${start}…` : whole,
    )
    .replaceAll(/^([\w-]+)(:\s*)(.+)$/g, (whole, name: string, colon: string) =>
      isSecret(name) ? `${name}${colon}…` : whole,
    )
    .replaceAll(/\b(Bearer|Basic) +[\w.~+/=-]{8,}/g, "$1 …");
}

/** So long, in ms, what git said is taken for true: a program may start many pipeline runs in a row. */
const memory = 1_000;
let latest: { readonly folder: string; readonly at: number; readonly state: Promise<GitState | null> } | undefined;

/** The state of the git work tree around a folder; null if there is none or no git. Never rejects. */
export function readGitState(folder: string): Promise<GitState | null> {
  const now = performance.now();
  if (latest === undefined || latest.folder !== folder || now - latest.at > memory) {
    latest = { folder, at: now, state: askGit(folder) };
  }
  return latest.state;
}

async function askGit(folder: string): Promise<GitState | null> {
  const [status, remote] = await Promise.all([
    git(folder, ["status", "--porcelain=v2", "--branch", "--untracked-files=no"]),
    git(folder, ["remote", "get-url", "origin"]),
  ]);
  if (status === undefined) return null;
  const lines = status.split("\n").filter((line) => line !== "");
  const header = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`# branch.${name} `))?.slice(10 + name.length);
  const commit = header("oid");
  const branch = header("head");
  return {
    commit: commit === undefined || commit === "(initial)" ? null : commit,
    branch: branch === undefined || branch === "(detached)" ? null : branch,
    dirty: lines.some((line) => !line.startsWith("#")),
    remote: remote === undefined || remote === "" ? null : withoutCredentials(remote),
  };
}

function withoutCredentials(remote: string): string {
  return remote.replace(/^([\w+.-]+:\/\/)[^/]*@/, "$1");
}

/** Asked without taking git's locks, and without keeping the process alive for the answer. */
function git(folder: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const all = ["--no-optional-locks", "-C", folder, ...args];
    // Loaded when it is used, and not by everybody who imports reprise: it brings all of networking along.
    const { execFile } = process.getBuiltinModule("node:child_process");
    const child = execFile("git", all, { timeout: 5_000, windowsHide: true }, (error, stdout) => {
      resolve(error === null ? stdout.trim() : undefined);
    });
    child.unref();
    for (const pipe of [child.stdin, child.stdout, child.stderr]) (pipe as Socket | null)?.unref();
  });
}
