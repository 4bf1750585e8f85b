import type { Stats } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { relative } from "node:path/posix";
import { RepriseError } from "@reprise/core";
import { fileFailure, fromSystemError } from "./file-failure.ts";
import type { DirectoryStamp, Listed, ListTask } from "./file-tasks.ts";
import { runFileTask, runFileTaskHere } from "./file-workers.ts";
import type { IgnoreGlobs } from "./ignore-globs.ts";
import { inOrder } from "./in-order.ts";
import { compareNames } from "./tree.ts";

/** A file that was found; where it really is. */
export interface ScannedFile {
  readonly kind: "file";
  readonly name: string;
  readonly path: string;
}

/** A link that stays one. */
export interface ScannedLink {
  readonly kind: "link";
  readonly name: string;
  readonly target: string;
  /** Names of the directories from the root to where it is. */
  readonly within: readonly string[];
}

/** A directory that was found; where it really is, and what tells that it has changed. */
export interface ScannedDirectory {
  readonly kind: "directory";
  readonly name: string;
  readonly path: string;
  readonly stamp: DirectoryStamp;
  /** Sorted by the bytes of their names. */
  readonly nodes: ScannedNode[];
}

export type ScannedNode = ScannedFile | ScannedLink | ScannedDirectory;

/** What is left out and what is followed. */
export interface ScanOptions {
  readonly globs: IgnoreGlobs;
  /** Whether what a link leads to takes its place. */
  readonly follow: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A directory whose content is not known yet. */
interface Open {
  readonly name: string;
  /** Its path from the root, parts joined by `/`; empty for the root. */
  readonly within: readonly string[];
  readonly path: string;
  readonly parent: Open | undefined;
  readonly siblings: ScannedNode[];
}

const directoriesPerTask = 16;
const readHere = 8;
// A directory of many thousand names must not hold up the thread; its own size hints at that on most file systems.
const largeDirectory = 64 * 1024;

/**
 * Lists everything below a directory.
 *
 * Rejects with `FILE_UNREADABLE` naming the path of what cannot be stored (FIFO, socket, device, a name that is not
 * UTF-8, no permission).
 *
 * @param path without links in it, as `realpath` gives it.
 */
export async function scanDirectory(path: string, options: ScanOptions): Promise<ScannedDirectory> {
  const found: ScannedNode[] = [];
  let level: Open[] = [{ name: "", within: [], path, parent: undefined, siblings: found }];
  for (let seen = 0; level.length > 0; seen += level.length) {
    options.signal?.throwIfAborted();
    const next: Open[] = [];
    const lists = seen + level.length <= readHere ? listHere(level) : listByWorkers(level);
    for await (const { open, listed } of lists) {
      options.signal?.throwIfAborted();
      await enter(open, listed, next, options);
    }
    level = next;
  }
  const [root] = found;
  if (root?.kind !== "directory") throw fileFailure({ path, code: "ENOENT", message: "it is gone" });
  sortNodes(root);
  return root;
}

async function* listHere(level: readonly Open[]): AsyncGenerator<{ open: Open; listed: Listed }> {
  for (const open of level) {
    const { size } = await statOf(open.path);
    const task: ListTask = { kind: "list", paths: open.path };
    const [listed] = size > largeDirectory ? await runFileTask(task) : runFileTaskHere(task);
    if (listed !== undefined) yield { open, listed };
  }
}

async function* listByWorkers(level: readonly Open[]): AsyncGenerator<{ open: Open; listed: Listed }> {
  const groups: Open[][] = [];
  for (let start = 0; start < level.length; start += directoriesPerTask) {
    groups.push(level.slice(start, start + directoriesPerTask));
  }
  const answers = inOrder(groups, 8, async (group) => ({
    group,
    lists: await runFileTask<ListTask>({ kind: "list", paths: group.map(({ path }) => path).join("\0") }),
  }));
  for await (const { group, lists } of answers) {
    for (const [index, open] of group.entries()) {
      const listed = lists[index];
      if (listed !== undefined) yield { open, listed };
    }
  }
}

/** Puts what a directory holds in its place, and what is still to be read on the list. */
async function enter(open: Open, { names, kinds, targets, stamp }: Listed, next: Open[], options: ScanOptions) {
  const nodes: ScannedNode[] = [];
  open.siblings.push({ kind: "directory", name: open.name, path: open.path, stamp, nodes });
  const prefix = open.within.map((name) => `${name}/`).join("");
  let links = 0;
  for (const [index, name] of (names === "" ? [] : names.split("/")).entries()) {
    const kind = kinds[index];
    const target = kind === "l" ? (targets[links++] ?? "") : "";
    if (options.globs.ignores(prefix, name, kind === "d")) continue;
    const path = `${open.path === "/" ? "" : open.path}/${name}`;
    if (kind === "f") {
      nodes.push({ kind: "file", name, path });
    } else if (kind === "d") {
      next.push({ name, within: [...open.within, name], path, parent: open, siblings: nodes });
    } else if (kind !== "l") {
      throw unstorable(path, kind);
    } else if (options.follow) {
      await followLink({ name, path, target, nodes, open, prefix }, next, options);
    } else {
      nodes.push({ kind: "link", name, target, within: open.within });
    }
  }
}

interface FoundLink {
  readonly name: string;
  readonly path: string;
  readonly target: string;
  readonly nodes: ScannedNode[];
  readonly open: Open;
  readonly prefix: string;
}

async function followLink({ name, path, target, nodes, open, prefix }: FoundLink, next: Open[], options: ScanOptions) {
  const within = open.within;
  let real: string;
  try {
    real = await realpath(path);
  } catch {
    // It leads to nothing, or to itself.
    nodes.push({ kind: "link", name, target, within });
    return;
  }
  const found = await statOf(real);
  if (found.isFile()) {
    nodes.push({ kind: "file", name, path: real });
    return;
  }
  if (!found.isDirectory()) throw unstorable(path, "?");
  // A link to a directory may be meant by a glob that ends in a slash.
  if (options.globs.ignores(prefix, name, true)) return;
  const ancestors: Open[] = [];
  for (let above: Open | undefined = open; above !== undefined; above = above.parent) ancestors.push(above);
  const loop = ancestors.find((above) => above.path === real);
  if (loop !== undefined) {
    // What is followed may stand elsewhere in the tree than on disk, so the way back is worked out anew.
    const back = relative(`/${within.join("/")}`, `/${loop.within.join("/")}`);
    nodes.push({ kind: "link", name, target: back === "" ? "." : back, within });
    return;
  }
  if (ancestors.some((above) => above.path.startsWith(real === "/" ? real : `${real}/`))) {
    throw new RepriseError(
      "FILE_UNREADABLE",
      `${JSON.stringify(path)} leads to ${JSON.stringify(real)}, which holds the directory itself: following it would never end. Add it to ignore.`,
    );
  }
  next.push({ name, within: [...within, name], path: real, parent: open, siblings: nodes });
}

async function statOf(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (error) {
    throw fromSystemError(error, path);
  }
}

const kindNames: Readonly<Record<string, string>> = {
  p: "a FIFO (named pipe)",
  s: "a socket",
  b: "a block device",
  c: "a character device",
};

function unstorable(path: string, kind: string | undefined): RepriseError {
  return new RepriseError(
    "FILE_UNREADABLE",
    `${JSON.stringify(path)} is ${kindNames[kind ?? ""] ?? "neither a file nor a directory nor a link"}, which has no content to store. Remove it or add it to ignore.`,
  );
}

function sortNodes(directory: ScannedDirectory): void {
  directory.nodes.sort((left, right) => compareNames(left.name, right.name));
  for (const node of directory.nodes) if (node.kind === "directory") sortNodes(node);
}
