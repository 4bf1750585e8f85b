import type * as crypto from "node:crypto";
import type * as fs from "node:fs";
import type { ReadFiles, ReadTask, TaskWork } from "./file-tasks.ts";

/** Where the contents of the files of a task go, one after the other. */
interface Reading extends Pick<ReadFiles, "stats" | "digests"> {
  readonly longest: number;
  bytes: Uint8Array;
  length: number;
}

/** Makes what reads and hashes files. Goes to the threads as text, see `file-workers.ts`. */
export function makeReader(
  { constants, lstatSync, openSync, fstatSync, readSync, closeSync }: typeof fs,
  { hash }: typeof crypto,
): Pick<TaskWork, "read"> {
  // NONBLOCK: opening a FIFO that took the file's place must not wait for a writer.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const reader = {
    read(path: string, index: number, reading: Reading): string {
      // A file that changes while it is read is read once more, then given up.
      for (let attempt = 0; attempt < 2; attempt += 1) {
        const file = openSync(path, flags);
        try {
          const before = fstatSync(file);
          if (!before.isFile()) throw Object.assign(new Error("it is no regular file"), { path, code: "NOT_A_FILE" });
          reader.note(index, before, reading);
          if (before.size > reading.longest) return "l";
          const content = reader.content(file, before.size, reading);
          const after = fstatSync(file);
          const same =
            after.size === before.size && after.mtimeMs === before.mtimeMs && after.ctimeMs === before.ctimeMs;
          if (content === undefined || !same) continue;
          reading.length += content.length;
          reading.digests.set(hash("sha256", content, "buffer"), index * 32);
          return "r";
        } finally {
          closeSync(file);
        }
      }
      throw Object.assign(new Error("it changed while it was read"), { path, code: "CHANGED" });
    },

    /** As many bytes as there should be, after what was read before; undefined if there are fewer. */
    content(file: number, size: number, reading: Reading): Uint8Array | undefined {
      const { bytes, length } = reading;
      if (length + size > bytes.length) {
        reading.bytes = new Uint8Array(Math.max(bytes.length * 2, length + size));
        reading.bytes.set(bytes.subarray(0, length));
      }
      const content = reading.bytes.subarray(length, length + size);
      for (let done = 0; done < size;) {
        const got = readSync(file, content, done, size - done, null);
        if (got === 0) return undefined;
        done += got;
      }
      return content;
    },

    isAsKnown(path: string, index: number, known: Float64Array, reading: Reading): boolean {
      const base = index * 6;
      if (Number.isNaN(known[base])) return false;
      const now = lstatSync(path);
      reader.note(index, now, reading);
      for (let field = base; field < base + 5; field += 1) if (reading.stats[field] !== known[field]) return false;
      return now.isFile();
    },

    note(index: number, { size, mtimeMs, ctimeMs, ino, dev, mode }: fs.Stats, { stats }: Reading): void {
      stats.set([size, mtimeMs, ctimeMs, ino, dev, mode], index * 6);
    },
  };
  return {
    read({ paths: joined, longest, known }: ReadTask): ReadFiles {
      const paths = joined.split("\0");
      const stats = new Float64Array(paths.length * 6);
      const digests = new Uint8Array(paths.length * 32);
      const reading = {
        stats,
        digests,
        longest,
        bytes: new Uint8Array(Math.min(paths.length * 4_096, 1 << 20)),
        length: 0,
      };
      const ways = paths.map((path, index) =>
        known !== undefined && reader.isAsKnown(path, index, known, reading) ? "k" : reader.read(path, index, reading),
      );
      return { stats, ways: ways.join(""), digests, content: reading.bytes.subarray(0, reading.length) };
    },
  };
}
