import { readFileSync, statSync } from "node:fs";
import { digestBytes } from "@reprise/core";
import type { ClosurePart, CodeWarning } from "./code-digest.ts";
import type { FuncCode, Outcome } from "./func-code.ts";

/** Version of the text of a record; another is ignored. */
const format = 1;

interface StoredFunc {
  readonly id: string | null;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly parameters?: readonly string[];
  readonly whole: Outcome;
  readonly body: Outcome;
  /** Positions in the record's parts. */
  readonly closure: readonly number[];
  readonly packages: Readonly<Record<string, string>>;
  readonly warnings: readonly CodeWarning[];
}

/** The funcs of a program as text can hold them, with each part of their code once. */
export interface StoredFuncs {
  readonly format: number;
  readonly parts: readonly ClosurePart[];
  readonly funcs: readonly StoredFunc[];
}

/** A program's funcs and what they were read from. */
interface DigestRecord extends StoredFuncs {
  /** Digests of all files that were read. */
  readonly files: Readonly<Record<string, string>>;
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
  files: Readonly<Record<string, string>>,
  absent: readonly string[],
): string {
  const record: DigestRecord = { ...packFuncs(funcs), files, absent };
  return JSON.stringify(record);
}

/** Funcs of a record if all that it was made of is unchanged; undefined if not, or if the text is damaged. */
export function readRecord(
  text: string,
  digestOfFile: (path: string) => string | undefined,
): readonly FuncCode[] | undefined {
  try {
    const record = JSON.parse(text) as DigestRecord;
    if (record.format !== format) return undefined;
    for (const [path, digest] of Object.entries(record.files)) {
      if (digestOfFile(path) !== digest) return undefined;
    }
    if (record.absent.some((path) => statSync(path, { throwIfNoEntry: false }) !== undefined)) return undefined;
    return unpackFuncs(record);
  } catch {
    return undefined;
  }
}

/** Digest of a file as it is now; undefined if it cannot be read. */
export function digestOfFile(path: string): string | undefined {
  try {
    return digestBytes(readFileSync(path));
  } catch {
    return undefined;
  }
}
