/** One function, constant, class or statement that a func's result depends on. */
export interface ClosurePart {
  /** Relative to the folder of the project's package.json, with `/`. */
  readonly file: string;
  /** Its name; a statement is named by its first line. The func itself is named by its id. */
  readonly name: string;
  /** Digest of its own normal form. */
  readonly digest: string;
  /** As it is written, types and comments included. */
  readonly source: string;
}

/** Something that a code digest cannot see. */
export interface CodeWarning {
  /** `file:line`. */
  readonly place: string;
  /** What is not seen, and what to do. */
  readonly message: string;
}

/** The code that decides a func's result, in 64 hexadecimal characters and in detail. */
export interface CodeDigest {
  readonly digest: string;
  /** All parts, the func first; for `why` and `cache explain`. */
  readonly closure: readonly ClosurePart[];
  /** Versions of the packages that the code uses; `built-in` for modules of Node. */
  readonly packages: Readonly<Record<string, string>>;
  readonly warnings: readonly CodeWarning[];
}

/** A func whose code cannot be digested; its runs are not cached unless a version is given. */
export interface NoCodeDigest {
  readonly digest: undefined;
  /** Why, where, and what to do. */
  readonly reason: string;
  readonly warnings: readonly CodeWarning[];
}

/** What changed between two digests of a func. */
export interface ClosureChanges {
  readonly changed: readonly {
    readonly file: string;
    readonly name: string;
    readonly before: string;
    readonly after: string;
  }[];
  readonly added: readonly ClosurePart[];
  readonly removed: readonly ClosurePart[];
  readonly packages: readonly {
    readonly name: string;
    readonly before: string | undefined;
    readonly after: string | undefined;
  }[];
}

/**
 * Names the parts and packages in which two closures of one func differ; `before` and `after` are sources.
 *
 * A part that moved to another file unchanged is not a change.
 *
 * @example
 * ```ts
 * for (const { name } of diffClosures(old, fresh).changed) console.log(`code: ${name} changed`);
 * ```
 */
export function diffClosures(
  before: Pick<CodeDigest, "closure" | "packages">,
  after: Pick<CodeDigest, "closure" | "packages">,
): ClosureChanges {
  const same = new Map<string, number>();
  for (const { digest, name } of after.closure) count(same, `${name}\n${digest}`, 1);
  const gone = before.closure.filter(({ digest, name }) => !take(same, `${name}\n${digest}`));
  const kept = new Map<string, number>();
  for (const { digest, name } of before.closure) count(kept, `${name}\n${digest}`, 1);
  const come = after.closure.filter(({ digest, name }) => !take(kept, `${name}\n${digest}`));
  const changed: { file: string; name: string; before: string; after: string }[] = [];
  const removed: ClosurePart[] = [];
  for (const old of gone) {
    const inPlace = come.findIndex(({ file, name }) => file === old.file && name === old.name);
    const at = inPlace >= 0 ? inPlace : come.findIndex(({ name }) => name === old.name);
    const [fresh] = at < 0 ? [] : come.splice(at, 1);
    if (fresh === undefined) removed.push(old);
    else changed.push({ file: fresh.file, name: fresh.name, before: old.source, after: fresh.source });
  }
  const names = [...new Set([...Object.keys(before.packages), ...Object.keys(after.packages)])].sort();
  return {
    changed,
    added: come,
    removed,
    packages: names
      .map((name) => ({ name, before: before.packages[name], after: after.packages[name] }))
      .filter((entry) => entry.before !== entry.after),
  };
}

function count(counts: Map<string, number>, key: string, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

function take(counts: Map<string, number>, key: string): boolean {
  const left = counts.get(key) ?? 0;
  if (left > 0) counts.set(key, left - 1);
  return left > 0;
}
