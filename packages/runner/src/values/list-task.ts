import type * as fs from "node:fs";
import type { DirectoryStamp, Listed, TaskWork } from "./file-tasks.ts";

/** Makes what reads directories. Goes to the threads as text, see `file-workers.ts`. */
export function makeLister({ readdirSync, readlinkSync, lstatSync }: typeof fs): Pick<TaskWork, "list" | "stamp"> {
  const lister = {
    stamp(path: string): DirectoryStamp {
      const { mtimeMs, ctimeMs, ino, dev } = lstatSync(path);
      return [mtimeMs, ctimeMs, ino, dev];
    },

    list(path: string): Listed {
      // Asked for before the names are, so that a change in between shows as a difference later.
      const stamp = lister.stamp(path);
      const names: string[] = [];
      const targets: string[] = [];
      let kinds = "";
      for (const entry of readdirSync(path, { withFileTypes: true })) {
        const full = `${path}/${entry.name}`;
        // Node writes U+FFFD for bytes that are not UTF-8, and no file of that name is there then.
        if (entry.name.includes("\ufffd") && lstatSync(full, { throwIfNoEntry: false }) === undefined) {
          throw Object.assign(new Error("its name is not valid UTF-8"), { path: full, code: "NOT_UTF8" });
        }
        // Some file systems do not say what an entry is when they list it.
        const kind = lister.kindOf(entry) ?? lister.kindOf(lstatSync(full)) ?? "?";
        if (kind === "l") targets.push(lister.targetOf(full));
        names.push(entry.name);
        kinds += kind;
      }
      return { names: names.join("/"), kinds, targets, stamp };
    },

    targetOf(path: string): string {
      const bytes = readlinkSync(path, "buffer");
      const target = bytes.toString("utf8");
      if (!target.includes("\ufffd") || bytes.equals(new TextEncoder().encode(target))) return target;
      throw Object.assign(new Error("the target of the link is not valid UTF-8"), { path, code: "NOT_UTF8" });
    },

    kindOf(entry: fs.Dirent | fs.Stats): string | undefined {
      if (entry.isFile()) return "f";
      if (entry.isDirectory()) return "d";
      if (entry.isSymbolicLink()) return "l";
      if (entry.isFIFO()) return "p";
      if (entry.isSocket()) return "s";
      if (entry.isBlockDevice()) return "b";
      return entry.isCharacterDevice() ? "c" : undefined;
    },
  };
  return {
    list({ paths }) {
      return paths.split("\0").map((path) => lister.list(path));
    },
    stamp({ paths }) {
      return paths.split("\0").map((path) => lister.stamp(path));
    },
  };
}
