import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { formatDuration, RepriseError, version } from "@reprise/core";
import { messageOf } from "../message-of.ts";
import { checkFromSupervisor } from "./check-supervisor-message.ts";
import { SocketChannel } from "./socket-channel.ts";
import { findSocket } from "./supervisor-place.ts";
import { type FromSupervisor, supervisorProtocol, type ToSupervisor } from "./supervisor-protocol.ts";
import { startSupervisor } from "./supervisor-start.ts";

/** A connection to a supervisor that has answered. It does not keep the process alive unless told so by `ref`. */
export type SupervisorChannel = SocketChannel<ToSupervisor, FromSupervisor>;

/** So long, in ms, a supervisor may take to answer: it does nothing that takes longer than a moment. */
const longestAnswer = 20_000;
/** So long, in ms, it is tried to reach one that is starting or ending. */
const longestSearch = 30_000;

/** Who has answered. */
export interface FoundSupervisor {
  readonly channel: SupervisorChannel;
  readonly protocol: number;
  readonly version: string;
  readonly pid: number;
}

/**
 * Connects to the supervisor of a home; undefined if it has none.
 *
 * Rejects with `ACTOR_FAILED` if it does not answer, is of another version, or cannot be trusted.
 */
export async function findSupervisor(home: string): Promise<FoundSupervisor | undefined> {
  const found = await greet(home);
  if (found === undefined) return undefined;
  if (found.protocol === supervisorProtocol) return found;
  found.channel.close();
  throw new RepriseError("ACTOR_FAILED", `${otherVersion(found)} Use the \`reprise\` of that version.`);
}

/**
 * Connects to the supervisor of a home; if it has none, starts one.
 *
 * Rejects with `ACTOR_FAILED` if none can be reached, with the reason.
 *
 * @param says hears in words what it has to wait for.
 * @param patience ms in which one that starts or ends must be reached; one of another version may take as long as its tasks.
 */
export async function reachSupervisor(
  home: string,
  says: (text: string) => void,
  patience = longestSearch,
): Promise<FoundSupervisor> {
  let until = performance.now() + patience;
  let delay = 5;
  for (;;) {
    const found = await greet(home);
    if (found?.protocol === supervisorProtocol) return found;
    if (found !== undefined) {
      says(`${otherVersion(found)} It ends when it has no tasks.`);
      await gone(found.channel);
      until = performance.now() + patience;
      continue;
    }
    if (performance.now() > until) {
      throw new RepriseError(
        "ACTOR_FAILED",
        `The supervisor of actors in ${home} ends again and again; see supervisor.log there.`,
      );
    }
    try {
      await startSupervisor(home);
    } catch (error) {
      const text = `The supervisor of actors in ${home} cannot be started: ${messageOf(error)}`;
      throw new RepriseError("ACTOR_FAILED", text, { cause: error });
    }
    // Another process may have started one at the same time, which does not listen yet.
    const again = await greet(home);
    if (again?.protocol === supervisorProtocol) return again;
    again?.channel.close();
    await pause(delay);
    delay = Math.min(2 * delay, 200);
  }
}

function otherVersion({ version: other, pid }: FoundSupervisor): string {
  return `The supervisor of actors that executes (process ${pid}) is of reprise ${other}, which this ${version} does not understand.`;
}

/** Connects and exchanges greetings; undefined if nobody listens, or stops listening meanwhile. */
async function greet(home: string): Promise<FoundSupervisor | undefined> {
  const path = findSocket(home);
  if (path === undefined) return undefined;
  const socket = await open(path);
  if (socket === undefined) return undefined;
  const channel: SupervisorChannel = new SocketChannel(socket, checkFromSupervisor);
  const { promise, resolve, reject } = Promise.withResolvers<FoundSupervisor | undefined>();
  const patience = setTimeout(() => {
    channel.close();
    const text = `The supervisor of actors at ${path} has not answered for ${formatDuration(longestAnswer)}; see supervisor.log in ${home}.`;
    reject(new RepriseError("ACTOR_FAILED", text));
  }, longestAnswer);
  channel.onClose((error) => (RepriseError.is(error) ? reject(error) : resolve(undefined)));
  channel.onMessage((message) => {
    if (message.type === "welcome") resolve({ ...message, channel });
  });
  channel.send({ type: "hello", protocol: supervisorProtocol, version });
  try {
    return await promise;
  } finally {
    clearTimeout(patience);
  }
}

async function open(path: string): Promise<Socket | undefined> {
  const socket = connect(path);
  const { promise, resolve, reject } = Promise.withResolvers<Socket | undefined>();
  socket.once("connect", () => resolve(socket));
  socket.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ECONNREFUSED" || error.code === "ECONNRESET") resolve(undefined);
    else
      reject(
        new RepriseError("ACTOR_FAILED", `The supervisor of actors at ${path} cannot be reached: ${error.message}`, {
          cause: error,
        }),
      );
  });
  return promise;
}

function gone(channel: SupervisorChannel): Promise<void> {
  return new Promise((resolve) => channel.onClose(() => resolve()));
}
