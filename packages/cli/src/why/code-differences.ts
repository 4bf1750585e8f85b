import { type CodeDigest, diffClosures } from "@reprise/runner";
import type { Difference } from "./difference.ts";
import { lineDiff } from "./line-diff.ts";
import { partName } from "./part-name.ts";

/** What is kept of the code behind a digest. */
export type KeptCode = Pick<CodeDigest, "closure" | "packages">;

/** Code as the store keeps it; undefined if it is none. */
export function parseKeptCode(text: string | undefined): KeptCode | undefined {
  if (text === undefined) return undefined;
  try {
    const { closure, packages } = JSON.parse(text) as Partial<KeptCode>;
    return Array.isArray(closure) && typeof packages === "object" ? { closure, packages } : undefined;
  } catch {
    return undefined;
  }
}

/** Which functions, constants and packages of a func's code changed, and how. */
export function codeDifferences(func: string, before: KeptCode, after: KeptCode): Difference[] {
  const { changed, added, removed, packages } = diffClosures(before, after);
  const found: Difference[] = [
    ...changed.map(({ file, name, before: old, after: fresh }) => ({
      ingredient: "code" as const,
      name,
      text: `code: ${partName(func, name, fresh)} changed  (${file})`,
      before: old,
      after: fresh,
      diff: lineDiff(old, fresh),
    })),
    ...added.map(({ file, name, source }) => ({
      ingredient: "code" as const,
      name,
      text: `code: ${partName(func, name, source)} is used now  (${file})`,
      before: null,
      after: source,
      diff: [],
    })),
    ...removed.map(({ file, name, source }) => ({
      ingredient: "code" as const,
      name,
      text: `code: ${partName(func, name, source)} is no longer used  (${file})`,
      before: source,
      after: null,
      diff: [],
    })),
    ...packages.map(({ name, before: old, after: fresh }) => ({
      ingredient: "package" as const,
      name,
      text: `package ${name}: ${old ?? "not used"} → ${fresh ?? "no longer used"}`,
      before: old ?? null,
      after: fresh ?? null,
      diff: [],
    })),
  ];
  if (found.length > 0) return found;
  const text = "code: what uses what, or the order in which modules are evaluated, changed";
  return [{ ingredient: "code", name: func, text, before: null, after: null, diff: [] }];
}
