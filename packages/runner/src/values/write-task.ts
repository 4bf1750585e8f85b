import type * as crypto from "node:crypto";
import type * as fs from "node:fs";
import type { TaskWork } from "./file-tasks.ts";

/** Makes what writes new files. Goes to the threads as text, see `file-workers.ts`. */
export function makeWriter(
  { openSync, writeSync, closeSync }: typeof fs,
  { hash }: typeof crypto,
): Pick<TaskWork, "write"> {
  return {
    write({ paths, parts, digests, content }): undefined {
      for (const [index, path] of paths.split("\0").entries()) {
        const [start = 0, length = 0, executable] = parts.subarray(index * 3, index * 3 + 3);
        const bytes = content.subarray(start, start + length);
        const expected = digests.subarray(index * 32, index * 32 + 32);
        if (!hash("sha256", bytes, "buffer").equals(expected)) {
          const message = "its stored content does not have the digest that the directory names";
          throw Object.assign(new Error(message), { path, code: "DAMAGED" });
        }
        const file = openSync(path, "wx", executable === 1 ? 0o777 : 0o666);
        try {
          for (let done = 0; done < length;) done += writeSync(file, bytes, done, length - done);
        } finally {
          closeSync(file);
        }
      }
      return undefined;
    },
  };
}
