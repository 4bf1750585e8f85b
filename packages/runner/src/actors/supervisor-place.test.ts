import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { temporaryFolder } from "../testing/temporary-home.ts";
import { findSocket, openSocket, type SocketPlace } from "./supervisor-place.ts";

const isRoot = process.getuid?.() === 0;

async function listen(home: string): Promise<{ readonly place: SocketPlace; readonly close: () => Promise<void> }> {
  const server = createServer();
  onTestFinished(() => void server.close());
  const place = await openSocket(server, home);
  return { place, close: () => new Promise((resolve) => server.close(() => resolve())) };
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
    const { place } = await listen(home);
    expect(findSocket(home)).toBe(join(realpathSync(home), "supervisor.sock"));
    expect([readdirSync(home), statSync(join(home, "supervisor.sock")).mode & 0o777, place.isThere]).toEqual([
      ["supervisor.sock"],
      0o600,
      true,
    ]);
    place.remove();
    expect([findSocket(home), place.isThere]).toEqual([undefined, false]);
  });

  it("is the same by whatever path the home is reached, long or short", async () => {
    const home = deepFolder();
    const link = join(temporaryFolder(), "link");
    symlinkSync(home, link);
    for (const [own, other] of [
      [home, link],
      [link, home],
    ] as const) {
      const { place } = await listen(own);
      expect(findSocket(other)).toBe(findSocket(own));
      expect(findSocket(own)).toBeDefined();
      place.remove();
    }
  });

  it("is in a private folder that the home names, if the path of the home is too long", async () => {
    const home = deepFolder();
    await listen(home);
    const socket = findSocket(home) ?? "";
    expect(Buffer.byteLength(socket)).toBeLessThan(104);
    expect(existsSync(socket)).toBe(true);
    expect(statSync(dirname(socket)).mode & 0o777).toBe(0o700);
    expect(statSync(join(home, "supervisor.path")).mode & 0o777).toBe(0o600);
    // One that was killed has left it behind: its successor removes it.
    const { place } = await listen(home);
    const next = findSocket(home) ?? "";
    expect([existsSync(socket), dirname(next) === dirname(socket)]).toEqual([false, false]);
    place.remove();
    expect([existsSync(dirname(next)), findSocket(home)]).toEqual([false, undefined]);
  });

  it.each(["near", "far"])("is left to its successor in a home that was removed and made again: %s", async (where) => {
    const home = join(where === "near" ? temporaryFolder() : deepFolder(), "home");
    mkdirSync(home);
    const former = await listen(home);
    const formerly = findSocket(home) ?? "";
    rmSync(home, { recursive: true });
    expect(former.place.isThere).toBe(false);
    mkdirSync(home);
    const { place } = await listen(home);
    const socket = findSocket(home) ?? "";
    expect(former.place.isThere).toBe(false);
    await former.close();
    former.place.remove();
    expect([place.isThere, existsSync(socket), findSocket(home)]).toEqual([true, true, socket]);
    expect(existsSync(dirname(formerly))).toBe(where === "near");
  });

  it("removes no folder that was not made for a socket, whatever the home says", async () => {
    const home = deepFolder();
    const other = temporaryFolder();
    writeFileSync(join(other, "precious"), "");
    writeFileSync(join(home, "supervisor.path"), join(other, "supervisor.sock"));
    await listen(home);
    expect(readFileSync(join(other, "precious"), "utf8")).toBe("");
  });

  it("is found through a link to the home", async () => {
    const home = temporaryFolder();
    const link = join(temporaryFolder(), "link");
    symlinkSync(home, link);
    await listen(home);
    expect(findSocket(link)).toBe(join(realpathSync(home), "supervisor.sock"));
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
    await listen(home);
    chownSync(join(home, "supervisor.sock"), 65_534, 65_534);
    expect(() => findSocket(home)).toThrow(/supervisor\.sock cannot be trusted.*another user \(65534, not 0\)/);
    chownSync(home, 65_534, 65_534);
    expect(() => findSocket(home)).toThrow(/another user.*REPRISE_HOME/);
    await expect(listen(home)).rejects.toThrow(/another user/);
    const deep = deepFolder();
    await listen(deep);
    chownSync(dirname(findSocket(deep) ?? ""), 65_534, 65_534);
    expect(() => findSocket(deep)).toThrow(/another user/);
  });
});
