import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryFolder } from "../testing/temporary-home.ts";
import { findSocket, makeSocketPlace, removeSocketPlace } from "./supervisor-place.ts";

const isRoot = process.getuid?.() === 0;

async function listen(path: string): Promise<Server> {
  const server = createServer();
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
}

/** A folder whose path is too long for a socket in it. */
function deepFolder(): string {
  const folder = join(temporaryFolder(), "x".repeat(60), "y".repeat(60));
  mkdirSync(folder, { recursive: true });
  return folder;
}

describe("the place of a supervisor", () => {
  it("is a socket in the home", async () => {
    const home = temporaryFolder();
    expect(findSocket(home)).toBeUndefined();
    const socket = makeSocketPlace(home);
    expect(socket).toBe(join(home, "supervisor.sock"));
    await listen(socket);
    expect(findSocket(home)).toBe(socket);
    removeSocketPlace(home);
    expect(findSocket(home)).toBeUndefined();
  });

  it("is in a private folder that the home names, if the path of the home is too long", async () => {
    const home = deepFolder();
    const socket = makeSocketPlace(home);
    expect(Buffer.byteLength(socket)).toBeLessThan(104);
    await listen(socket);
    expect(findSocket(home)).toBe(socket);
    expect(statSync(dirname(socket)).mode & 0o777).toBe(0o700);
    expect(statSync(join(home, "supervisor.path")).mode & 0o777).toBe(0o600);
    // One that was killed has left it behind: its successor removes it.
    const next = makeSocketPlace(home);
    expect([existsSync(socket), dirname(next) === dirname(socket)]).toEqual([false, false]);
    removeSocketPlace(home);
    expect([existsSync(dirname(next)), findSocket(home)]).toEqual([false, undefined]);
  });

  it("removes no folder that was not made for a socket, whatever the home says", () => {
    const home = deepFolder();
    const other = temporaryFolder();
    writeFileSync(join(other, "precious"), "");
    writeFileSync(join(home, "supervisor.path"), join(other, "supervisor.sock"));
    removeSocketPlace(home);
    expect(readFileSync(join(other, "precious"), "utf8")).toBe("");
  });

  it("is found through a link to the home", async () => {
    const home = temporaryFolder();
    const link = join(temporaryFolder(), "link");
    symlinkSync(home, link);
    await listen(makeSocketPlace(home));
    expect(findSocket(link)).toBe(join(link, "supervisor.sock"));
  });

  it("is not used if something else is in the place of the socket", () => {
    const home = temporaryFolder();
    writeFileSync(join(home, "supervisor.sock"), "");
    expect(() => findSocket(home)).toThrow(/supervisor\.sock cannot be trusted, because it is no socket/);
    const link = temporaryFolder();
    symlinkSync("/elsewhere", join(link, "supervisor.sock"));
    expect(() => findSocket(link)).toThrow(/is no socket/);
    expect(lstatSync(join(link, "supervisor.sock")).isSymbolicLink()).toBe(true);
  });

  // Only root can give files to others.
  it.runIf(isRoot)("is not used if the socket, its folder or the home belongs to another user", async () => {
    const home = temporaryFolder();
    const socket = makeSocketPlace(home);
    await listen(socket);
    chownSync(socket, 65_534, 65_534);
    expect(() => findSocket(home)).toThrow(/supervisor\.sock cannot be trusted.*another user \(65534, not 0\)/);
    chownSync(home, 65_534, 65_534);
    expect(() => findSocket(home)).toThrow(/another user.*REPRISE_HOME/);
    expect(() => makeSocketPlace(home)).toThrow(/another user/);
    const deep = deepFolder();
    const far = makeSocketPlace(deep);
    await listen(far);
    chownSync(dirname(far), 65_534, 65_534);
    expect(() => findSocket(deep)).toThrow(/another user/);
  });
});
