import { execFile } from "node:child_process";
import { statfsSync } from "node:fs";
import { cpus, release, tmpdir, totalmem, type } from "node:os";
import { promisify } from "node:util";

/** What the figures depend on. Names neither the machine nor anybody's folders. */
export async function describeMachine(): Promise<Readonly<Record<string, string>>> {
  const [first] = cpus();
  return {
    code: await commit(),
    processor: `${cpus().length} × ${first?.model ?? "unknown"}`,
    memory: `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    system: `${type()} ${release()}`,
    disk: fileSystem(),
    node: process.version,
    sqlite: process.versions["sqlite"] ?? "unknown",
  };
}

async function commit(): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)("git", ["rev-parse", "--short", "HEAD"]);
    const { stdout: changes } = await promisify(execFile)("git", ["status", "--porcelain", "-uno", "packages"]);
    return stdout.trim() + (changes === "" ? "" : " with changes");
  } catch {
    return "not a git checkout";
  }
}

// The kinds that the numbers of statfs(2) stand for; a benchmark in memory would promise what no disk holds.
const kinds: Readonly<Record<number, string>> = {
  [0xef53]: "ext4",
  [0x58465342]: "xfs",
  [0x9123683e]: "btrfs",
  [0x01021994]: "tmpfs (in memory: writes cost nothing)",
  [0x794c7630]: "overlayfs",
};

function fileSystem(): string {
  const { type: number } = statfsSync(tmpdir());
  return kinds[number] ?? `file system ${number.toString(16)}`;
}
