import { readFileSync, type Stats, statSync } from "node:fs";
import { digestBytes } from "@reprise/core";
import type { ClosurePart } from "./code-digest.ts";
import type { FuncCode } from "./func-code.ts";

/** Version of the text of a record; another is ignored. */
const format = 1;

/** Version of what is found in code: a reader that knows more forms of funcs finds others in the same files. */
const reader = 2;

interface StoredFunc extends Omit<FuncCode, "id" | "closure"> {
  readonly id: string | null;
  /** Positions in the record's parts. */
  readonly closure: readonly number[];
}

/** The funcs of a program as text can hold them, with each part of their code once. */
export interface StoredFuncs {
  readonly format: number;
  readonly parts: readonly ClosurePart[];
  readonly funcs: readonly StoredFunc[];
}

/** A file as it was read. */
export interface FileMark {
  readonly digest: string;
  /** Numbers that it has for as long as nobody writes to it; undefined if it was written just before it was read. */
  readonly stat: readonly number[] | undefined;
}

/** A program's funcs and what they were read from. */
interface DigestRecord extends StoredFuncs {
  readonly reader: number;
  /** All files that were read. */
  readonly files: Readonly<Record<string, FileMark>>;
  /** Files that were looked for and were not there. */
  readonly absent: readonly string[];
}

/** Puts funcs into the form of text. */
export function packFuncs(funcs: readonly FuncCode[]): StoredFuncs {
  const parts: ClosurePart[] = [];
  const positions = new Map<ClosurePart, number>();
  const positionOf = (part: ClosurePart): number => {
    let position = positions.get(part);
    if (position === undefined) {
      position = parts.push(part) - 1;
      positions.set(part, position);
    }
    return position;
  };
  const stored = funcs.map((code) => ({ ...code, id: code.id ?? null, closure: code.closure.map(positionOf) }));
  return { format, parts, funcs: stored };
}

/** Takes funcs out of the form of text; nothing of another format. */
export function unpackFuncs({ format: written, parts, funcs }: StoredFuncs): readonly FuncCode[] {
  if (written !== format) return [];
  return funcs.map((code) => ({
    ...code,
    id: code.id ?? undefined,
    closure: code.closure.flatMap((position) => parts[position] ?? []),
  }));
}

/** Writes a record. */
export function writeRecord(
  funcs: readonly FuncCode[],
  files: Readonly<Record<string, FileMark>>,
  absent: readonly string[],
): string {
  const record: DigestRecord = { ...packFuncs(funcs), reader, files, absent };
  return JSON.stringify(record);
}

/** Funcs of a record if all that it was made of is unchanged; undefined if not, or if the text is damaged. */
export function readRecord(text: string, unchanged: UnchangedFiles): readonly FuncCode[] | undefined {
  try {
    const record = JSON.parse(text) as DigestRecord;
    if (record.format !== format || record.reader !== reader) return undefined;
    for (const [path, mark] of Object.entries(record.files)) if (!unchanged.isSame(path, mark)) return undefined;
    return record.absent.every((path) => unchanged.isAbsent(path)) ? unpackFuncs(record) : undefined;
  } catch {
    return undefined;
  }
}

/** Looks whether files are as they were; at each of them once, because a process runs the code that it has loaded. */
export class UnchangedFiles {
  readonly #loadedAt: number;
  readonly #same = new Set<string>();
  readonly #absent = new Set<string>();

  /** @param loadedAt when the program's code was loaded, in ms since 1970: a file that was written later is changed. */
  constructor(loadedAt: number) {
    this.#loadedAt = loadedAt;
  }

  /** Whether a file is as it was when it was read. */
  isSame(path: string, mark: FileMark): boolean {
    const key = `${mark.digest} ${path}`;
    if (this.#same.has(key)) return true;
    const isSame = this.#compare(path, mark);
    if (isSame) this.#same.add(key);
    return isSame;
  }

  /** Whether there is still nothing at a path. */
  isAbsent(path: string): boolean {
    if (this.#absent.has(path)) return true;
    const isAbsent = statSync(path, { throwIfNoEntry: false }) === undefined;
    if (isAbsent) this.#absent.add(path);
    return isAbsent;
  }

  #compare(path: string, { digest, stat }: FileMark): boolean {
    const now = statSync(path, { throwIfNoEntry: false });
    if (now === undefined || now.mtimeMs > this.#loadedAt) return false;
    const numbers = numbersOf(now);
    // The time of the last change of the inode is among them, which no program can set back.
    return stat?.every((number, at) => number === numbers[at]) === true || digestOfFile(path) === digest;
  }
}

/** For so many ms, the ticks of the coarsest clock of a file system, a second change of a file may not show. */
const settling = 2_500;

/** The numbers of a file that is about to be read; undefined if it was changed just now. */
export function settledStat(path: string): readonly number[] | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined || Math.max(stat.mtimeMs, stat.ctimeMs) > Date.now() - settling) return undefined;
  return numbersOf(stat);
}

function numbersOf({ size, mtimeMs, ctimeMs, ino, dev }: Stats): readonly number[] {
  return [size, mtimeMs, ctimeMs, ino, dev];
}

/** Digest of a file as it is now; undefined if it cannot be read. */
export function digestOfFile(path: string): string | undefined {
  try {
    return digestBytes(readFileSync(path));
  } catch {
    return undefined;
  }
}
