import type { FuncRecord } from "@reprise/core";

/** A program as one module, so that it can be executed again when its files have changed or are gone. */
export interface CodeBundle {
  /** The module: JavaScript, UTF-8. */
  readonly program: Uint8Array;
  /** Its source map: JSON, UTF-8. */
  readonly map: Uint8Array;
  /** Absolute path of the source file that it was made of. */
  readonly entry: string;
  /** In words: what it does not hold but takes from where the original takes it. */
  readonly notes: readonly string[];
  /** What is recorded of its funcs: a bundle does not tell how they were written. */
  readonly funcs: readonly FuncRecord[];
}

/** A program that is kept. */
export interface KeptCode extends Omit<CodeBundle, "program" | "map"> {
  /** Digest of the module: 64 hex characters. */
  readonly digest: string;
  /** Absolute path of the module, ready to be imported. Its source map is beside it. */
  readonly file: string;
}

/** A kept program as it is listed. */
export interface KeptCodeEntry {
  readonly digest: string;
  readonly entry: string;
  /** Of module, source map and what is known of them. */
  readonly bytes: number;
  /** When it was last kept, or would have been if it had not been there, in milliseconds since 1970 UTC. */
  readonly usedAt: number;
}

/**
 * Programs of pipeline runs, each once, named by the hash of the module.
 *
 * All methods reject with `STORE_…` as the file system makes them.
 */
export interface CodeStore {
  /** Where it is, for messages. */
  readonly place: string;
  /** Keeps a program, and gives the digest of its module. What is kept already is not written again. */
  put(bundle: CodeBundle): Promise<string>;
  /**
   * The program with this digest; undefined if it is not kept. It is verified.
   *
   * Rejects with `CODE_NOT_KEPT` if it is damaged.
   */
  find(digest: string): Promise<KeptCode | undefined>;
  /**
   * Says that the program is in use now, so that garbage collection leaves it for a while; false if it is not kept whole.
   * Only sizes are looked at, and those once.
   */
  touch(digest: string): Promise<boolean>;
  /** A text that was stored under this key; undefined if it is not there. For what is known of programs. */
  recall(key: string): Promise<string | undefined>;
  /** Stores a text under a key. It may be lost at any time. */
  remember(key: string, text: string): Promise<void>;
  /** All kept programs. */
  list(): Promise<readonly KeptCodeEntry[]>;
  /** Removes programs that nobody has used since `unusedSince`, in milliseconds since 1970 UTC; gives what was removed. */
  remove(digests: readonly string[], options: { readonly unusedSince: number }): Promise<readonly string[]>;
  /** Removes what crashes have left before that time, and texts that nobody has asked for in the 30 days before it. */
  sweep(
    before: number,
    options?: { readonly dryRun?: boolean },
  ): Promise<{ readonly files: number; readonly bytes: number }>;
}
