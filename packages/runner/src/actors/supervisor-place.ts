import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { RepriseError } from "@reprise/core";

const socketName = "supervisor.sock";
/** Holds the path of the socket where that of the home is too long for one. */
const pointerName = "supervisor.path";
/** Begins the names of folders that hold such sockets. */
const folderPrefix = "reprise-supervisor-";
/** Bytes of the longest path that every system takes for a socket. */
const longestPath = 103;

/**
 * Where the supervisor of a home listens; undefined if it has never listened. It is checked that nobody else can have put
 * it there.
 *
 * @throws RepriseError `ACTOR_FAILED` if the home, the socket or its folder belongs to another user.
 */
export function findSocket(path: string): string | undefined {
  const home = realPathOf(path);
  const near = join(home, socketName);
  const socket = fits(near) ? near : readPointer(home);
  if (socket === undefined || !isOwn(home, "folder")) return undefined;
  if (dirname(socket) !== home && !isOwn(dirname(socket), "folder")) return undefined;
  return isOwn(socket, "socket") ? socket : undefined;
}

/** Where a supervisor listens. */
export interface SocketPlace {
  /** Whether those who look for the supervisor of the home find this one. */
  readonly isThere: boolean;
  /** Removes it; that of another supervisor, in a home that has taken the place of this one, stays. */
  remove(): void;
}

/**
 * Makes a server listen where the supervisor of a home is looked for, closed to other users; removes what a former one has
 * left. Only whoever holds the lock of the home may do this.
 *
 * @throws RepriseError `ACTOR_FAILED` if the home belongs to another user.
 */
export async function openSocket(server: Server, path: string): Promise<SocketPlace> {
  const home = realPathOf(path);
  isOwn(home, "folder");
  removeSocketPlace(home);
  const near = join(home, socketName);
  const isNear = fits(near);
  // Private from the start: mkdtemp makes folders that nobody else may enter.
  const folder = isNear ? home : mkdtempSync(join(realpathSync(tmpdir()), folderPrefix));
  // Not its name in the end: a server that closes removes what then has the name under which it was bound.
  const bound = join(folder, `s${process.pid}.new`);
  rmSync(bound, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    // It is bound at once: nobody else can connect before its mode is set. Replicas keep the usual mask.
    const mask = process.umask(0o077);
    server.listen(bound, resolve);
    process.umask(mask);
  });
  chmodSync(bound, 0o600);
  renameSync(bound, join(folder, socketName));
  if (!isNear) writeFileSync(join(home, pointerName), join(folder, socketName), { mode: 0o600 });
  const entry = join(home, isNear ? socketName : pointerName);
  const mark = markOf(entry);
  return {
    get isThere() {
      return markOf(entry) === mark;
    },
    remove() {
      if (markOf(entry) === mark) removeSocketPlace(home);
      else if (!isNear) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Tells a file from others that have its name later; undefined if it is gone. */
function markOf(path: string): string | undefined {
  const stats = ifThere(() => lstatSync(path));
  return stats && `${stats.dev} ${stats.ino} ${stats.birthtimeMs}`;
}

/** Removes the socket, and the folder that was made for it. */
function removeSocketPlace(home: string): void {
  rmSync(join(home, socketName), { force: true });
  const former = readPointer(home);
  if (former === undefined) return;
  const folder = dirname(former);
  // It is named by a file; nothing but such a folder is removed for it.
  if (basename(folder).startsWith(folderPrefix) && isOwn(folder, "folder")) {
    rmSync(folder, { recursive: true, force: true });
  }
  rmSync(join(home, pointerName), { force: true });
}

/** All must agree on whether there is room for a socket: one may reach the home by a link that is shorter. */
function realPathOf(home: string): string {
  try {
    return realpathSync(home);
  } catch {
    return home;
  }
}

function fits(path: string): boolean {
  return Buffer.byteLength(path) <= longestPath;
}

function readPointer(home: string): string | undefined {
  try {
    return readFileSync(join(home, pointerName), "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Whether it is there; then it is of that kind, and of this user. */
function isOwn(path: string, kind: "folder" | "socket"): boolean {
  // A folder may be a link to one; what counts is whose it is.
  const stats = ifThere(() => (kind === "socket" ? lstatSync(path) : statSync(path)));
  if (stats === undefined) return false;
  const isKind = kind === "socket" ? stats.isSocket() : stats.isDirectory();
  const user = process.getuid?.();
  if (isKind && (user === undefined || stats.uid === user)) return true;
  const why = isKind
    ? `it belongs to another user (${stats.uid}, not ${user}), who could read and change what replicas are told`
    : `it is no ${kind}`;
  throw new RepriseError(
    "ACTOR_FAILED",
    `The supervisor of actors is not used: ${path} cannot be trusted, because ${why}. Use a home of your own: REPRISE_HOME.`,
  );
}

function ifThere(look: () => Stats): Stats | undefined {
  try {
    return look();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}
