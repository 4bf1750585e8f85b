import type { KeySignature, KeyVersion } from "@reprise/core";
import {
  type CacheOptions,
  type ClosurePart,
  type CodeWarning,
  type FuncDefinition,
  FuncVersions,
  signatureOf,
} from "@reprise/runner";

/** What stands for a func in the keys of its results. */
export interface FuncExplanation {
  readonly func: string;
  /** `file:line`; null if it is not known. */
  readonly place: string | null;
  /** False if its results are not cached; the rest then says what would stand for it if they were. */
  readonly cached: boolean;
  /** The option `cache` as it is set, its functions left out. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly version: KeyVersion | null;
  readonly signature: KeySignature | null;
  /** Why there is no key; empty if there is one. */
  readonly problems: readonly string[];
  /** The code behind the version, the func first; empty for a version that was given. */
  readonly closure: readonly ClosurePart[];
  readonly packages: Readonly<Record<string, string>>;
  /** What the version does not see. */
  readonly warnings: readonly CodeWarning[];
}

/** Says what stands for a func in keys. Nothing is executed or written. */
export async function explainFunc(definition: FuncDefinition): Promise<FuncExplanation> {
  const { id, place, options } = definition;
  const cache = options.cache ?? false;
  const given: CacheOptions = typeof cache === "object" ? cache : {};
  const versions = new FuncVersions();
  const found = await versions.versionOf(definition, given);
  const signed = signatureOf(definition);
  const code = "problem" in found ? undefined : found.code;
  return {
    func: id,
    place: place === undefined ? null : `${place.file}:${place.line}`,
    cached: cache !== false,
    options: Object.fromEntries(
      Object.entries(given).map(([name, value]) => [name, typeof value === "function" ? "function" : value]),
    ),
    version: "problem" in found ? null : found.version,
    signature: "problem" in signed ? null : signed.signature,
    problems: [found, signed].flatMap((one) => ("problem" in one ? [one.problem] : [])),
    closure: code?.closure ?? [],
    packages: code?.packages ?? {},
    warnings: versions.takeWarnings(definition),
  };
}
