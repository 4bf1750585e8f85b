import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";
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
export function findSocket(home: string): string | undefined {
  const near = join(home, socketName);
  const socket = fits(near) ? near : readPointer(home);
  if (socket === undefined || !isOwn(home, "folder")) return undefined;
  if (dirname(socket) !== home && !isOwn(dirname(socket), "folder")) return undefined;
  return isOwn(socket, "socket") ? socket : undefined;
}

/**
 * Where the supervisor of a home is to listen; removes what a former one has left. Only whoever holds the lock of the home
 * may do this.
 *
 * @throws RepriseError `ACTOR_FAILED` if the home belongs to another user.
 */
export function makeSocketPlace(home: string): string {
  isOwn(home, "folder");
  removeSocketPlace(home);
  const near = join(home, socketName);
  if (fits(near)) return near;
  // Private from the start: mkdtemp makes folders that nobody else may enter.
  const folder = mkdtempSync(join(realpathSync(tmpdir()), folderPrefix));
  const socket = join(folder, socketName);
  writeFileSync(join(home, pointerName), socket, { mode: 0o600 });
  return socket;
}

/** Closes the socket to others. In its folder nobody else could have reached it before. */
export function closeToOthers(socket: string): void {
  chmodSync(socket, 0o600);
}

/** Removes the socket, and the folder that was made for it. */
export function removeSocketPlace(home: string): void {
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
