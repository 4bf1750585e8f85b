import { readFileSync } from "node:fs";

/** Where the kernel counts the processes that it has killed because memory ran out; looked for once. */
let counter: string | null | undefined;

/**
 * How many processes of this container the kernel has killed because memory ran out; undefined where that cannot be
 * known. A process that ends by SIGKILL while this grows was one of them.
 */
export function outOfMemoryKills(): number | undefined {
  counter ??= findCounter();
  return counter === null ? undefined : readKills(counter);
}

function findCounter(): string | null {
  if (process.platform !== "linux") return null;
  const groups = textOf("/proc/self/cgroup");
  return groups === undefined ? null : (counterFiles(groups).find((file) => readKills(file) !== undefined) ?? null);
}

/**
 * Files that may hold the count, the best first.
 *
 * @param groups text of `/proc/self/cgroup`.
 * @param mount where control groups are mounted.
 */
export function counterFiles(groups: string, mount = "/sys/fs/cgroup"): string[] {
  const files: string[] = [];
  for (const line of groups.split("\n")) {
    const [, controllers, ...rest] = line.split(":");
    const path = rest.join(":").replace(/^\/+$/, "");
    if (controllers === "") files.push(`${mount}${path}/memory.events`, `${mount}/memory.events`);
    if (controllers?.split(",").includes("memory") === true) {
      files.push(`${mount}/memory${path}/memory.oom_control`, `${mount}/memory/memory.oom_control`);
    }
  }
  return files;
}

/** The count in such a file; undefined if there is none. */
export function readKills(file: string): number | undefined {
  const found = /^oom_kill (\d+)$/m.exec(textOf(file) ?? "")?.[1];
  return found === undefined ? undefined : Number(found);
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
