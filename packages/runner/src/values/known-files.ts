import { statFields } from "./file-tasks.ts";
import type { KnownFiles, StatMemo } from "./stat-memo.ts";

/** A file of which something may be known. */
export interface FileOfDirectory {
  /** Path of its directory on disk. */
  readonly directory: string;
  readonly name: string;
}

/** Files with what is known of them now. */
export interface HashedFiles {
  readonly files: readonly FileOfDirectory[];
  /** The six numbers of a `ReadTask` for each file. */
  readonly stats: Float64Array;
  /** 32 bytes for each file. */
  readonly digests: Uint8Array;
}

interface Known {
  readonly files: KnownFiles;
  readonly indexes: ReadonlyMap<string, number>;
}

/** What a memo knows of the files of some directories, looked up directory by directory. */
export class KnownDirectories {
  readonly #memo: StatMemo;
  readonly #known = new Map<string, Known | undefined>();

  constructor(memo: StatMemo) {
    this.#memo = memo;
  }

  /** The numbers of files when they were last hashed, as a `ReadTask` takes them; undefined if none is known. */
  stats(files: readonly FileOfDirectory[]): Float64Array | undefined {
    const stats = new Float64Array(files.length * statFields).fill(NaN);
    let any = false;
    for (const [index, file] of files.entries()) {
      const known = this.#of(file.directory);
      const at = known?.indexes.get(file.name);
      if (known === undefined || at === undefined) continue;
      stats.set(known.files.stats.subarray(at * statFields, (at + 1) * statFields), index * statFields);
      any = true;
    }
    return any ? stats : undefined;
  }

  /** The digest of a file that is as it was. */
  digest(file: FileOfDirectory): string | undefined {
    const known = this.#of(file.directory);
    const at = known?.indexes.get(file.name);
    return known === undefined || at === undefined ? undefined : digestAt(known.files.digests, at);
  }

  /** Remembers files that have not changed since `hashedAt`, except those that were too fresh then. */
  remember({ files, stats, digests }: HashedFiles, hashedAt: number): void {
    for (const [directory, indexes] of Map.groupBy(files.keys(), (index) => files[index]?.directory ?? "")) {
      const now = {
        names: indexes.map((index) => files[index]?.name ?? ""),
        stats: new Float64Array(indexes.length * statFields),
        digests: new Uint8Array(indexes.length * 32),
      };
      for (const [place, index] of indexes.entries()) {
        const row = stats.subarray(index * statFields, (index + 1) * statFields);
        now.stats.set(row, place * statFields);
        if (!this.#memo.isSettled(row, hashedAt)) now.stats[place * statFields] = NaN;
        now.digests.set(digests.subarray(index * 32, (index + 1) * 32), place * 32);
      }
      const before = this.#of(directory)?.files;
      if (before === undefined || !isSame(before, now)) this.#memo.rememberDirectory(directory, now);
    }
  }

  #of(directory: string): Known | undefined {
    if (!this.#known.has(directory)) {
      const files = this.#memo.directory(directory);
      const indexes = new Map(files?.names.map((name, index) => [name, index]));
      this.#known.set(directory, files === undefined ? undefined : { files, indexes });
    }
    return this.#known.get(directory);
  }
}

/** The digest with this number in a row of digests of 32 bytes. */
export function digestAt(digests: Uint8Array, index: number): string {
  return Buffer.from(digests.buffer, digests.byteOffset + index * 32, 32).toString("hex");
}

function isSame(left: KnownFiles, right: KnownFiles): boolean {
  return (
    left.names.length === right.names.length &&
    left.names.every((name, index) => name === right.names[index]) &&
    left.stats.every((value, index) => Object.is(value, right.stats[index])) &&
    Buffer.compare(left.digests, right.digests) === 0
  );
}
