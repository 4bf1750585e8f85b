/**
 * Work on many small files, in synchronous calls: one such call costs a fraction of an asynchronous one, and in worker
 * threads it holds up nobody.
 */
export type FileTask = ListTask | StampTask | ReadTask | WriteTask;

/**
 * Paths, with NUL between them: between threads one text goes many times faster than a list of texts. At least one.
 */
export type Paths = string;

/** Reads directories. */
export interface ListTask {
  readonly kind: "list";
  readonly paths: Paths;
}

/** What is in one directory; the first name is of the kind `kinds[0]`, and so on. Not sorted. */
export interface Listed {
  /** With `/` between them; empty if there are none. */
  readonly names: string;
  /** `f` file, `d` directory, `l` link, anything else what cannot be stored: `p` FIFO, `s` socket, `b` `c` device, `?`. */
  readonly kinds: string;
  /** Targets of the links, in their order. */
  readonly targets: readonly string[];
  readonly stamp: DirectoryStamp;
}

/** Looks whether directories are as they were when they were read. */
export interface StampTask {
  readonly kind: "stamp";
  readonly paths: Paths;
}

/** Tells whether a directory changed: times in milliseconds, inode, device. */
export type DirectoryStamp = readonly [mtime: number, ctime: number, inode: number, device: number];

/** Hashes files, and gives the content of small ones. */
export interface ReadTask {
  readonly kind: "read";
  readonly paths: Paths;
  /** Longer files are not read, only looked at. In bytes. */
  readonly longest: number;
  /** For each file {@link statFields} numbers as they were when it was last hashed, or NaN: unchanged ones are not read. */
  readonly known?: Float64Array | undefined;
}

/** Size, mtime, ctime, inode, device, mode. */
export const statFields = 6;

/** Whether the owner may execute a file of this mode; the last of the six numbers. Windows has no such bit. */
export function isExecutable(mode: number): boolean {
  return process.platform !== "win32" && (mode & 0o100) !== 0;
}

/** What a {@link ReadTask} found about its files. */
export interface ReadFiles {
  /** {@link statFields} numbers for each file. */
  readonly stats: Float64Array;
  /** For each file `r`: read, `k`: as known, not read, `l`: longer than `longest`, not read. */
  readonly ways: string;
  /** 32 bytes of SHA-256 for each file that was read; zeros for the others. */
  readonly digests: Uint8Array;
  /** The contents of the files that were read, one after the other. */
  readonly content: Uint8Array;
}

/** Writes files that are not there yet. */
export interface WriteTask {
  readonly kind: "write";
  readonly paths: Paths;
  /** For each file where its content begins in `content`, how long it is, and 1 if it is executable. */
  readonly parts: Float64Array;
  /** 32 bytes of SHA-256 for each file, verified before it is written. */
  readonly digests: Uint8Array;
  readonly content: Uint8Array;
}

/** Why a task failed: at which path, and the code of the system's error or one of ours. */
export interface TaskFailure {
  readonly path: string;
  /** `CHANGED`, `NOT_A_FILE`, `DAMAGED`, `NOT_UTF8` or a code like `EACCES`. */
  readonly code: string;
  readonly message: string;
}

export type TaskResult<T extends FileTask> = T extends ListTask
  ? readonly Listed[]
  : T extends StampTask
    ? readonly DirectoryStamp[]
    : T extends ReadTask
      ? ReadFiles
      : undefined;

export type TaskAnswer<T extends FileTask> = { readonly value: TaskResult<T> } | { readonly failure: TaskFailure };

/** What carries out tasks, by their kind. */
export type TaskWork = {
  readonly [K in FileTask["kind"]]: (
    task: Extract<FileTask, { readonly kind: K }>,
  ) => TaskResult<Extract<FileTask, { readonly kind: K }>>;
};

/** Carries out a task; a failure is an answer like any other. Goes to the threads as text, see `file-workers.ts`. */
export function carryOut<T extends FileTask>(work: TaskWork, task: T): TaskAnswer<T> {
  try {
    return { value: (work[task.kind] as unknown as (task: T) => TaskResult<T>)(task) };
  } catch (error) {
    const { code, path, message } = error as NodeJS.ErrnoException;
    return {
      failure: {
        path: path ?? task.paths.split("\0", 1).join(),
        code: code ?? "UNKNOWN",
        message: message ?? String(error),
      },
    };
  }
}
