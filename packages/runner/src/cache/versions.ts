import type { KeyVersion } from "@reprise/core";
import type { CacheOptions } from "../cache-options.ts";
import type { CodeDigest, CodeWarning, NoCodeDigest } from "../code-digest/code-digest.ts";
import { CodeDigests } from "../code-digest/code-digests.ts";
import type { FuncDefinition } from "../func-definition.ts";
import { DigestFiles } from "./digest-files.ts";
import { messageOf, type Problem } from "./problem.ts";
import type { MaybePromise } from "../maybe-promise.ts";

/** What stands for a func's code in keys, or why nothing does. */
export type FoundVersion =
  | {
      readonly version: KeyVersion;
      /** The code behind the version, for explanations; undefined for a version that was given. */
      readonly code: CodeDigest | undefined;
    }
  | Problem;

/** Options of {@link FuncVersions}. */
export interface FuncVersionsOptions {
  /** Folder in which digests are kept between processes. Default: they are computed once in each process. */
  readonly folder?: string | undefined;
  /** What computes digests. Default: one of its own, which keeps them in `folder`. */
  readonly digests?: CodeDigests | undefined;
}

interface Found {
  readonly version: FoundVersion;
  readonly warnings: readonly CodeWarning[];
}

type DigestKind = "auto" | "body";

/**
 * Versions of funcs: what was given, or a digest of the code that is computed once for a func in a process.
 *
 * @example
 * ```ts
 * const versions = new FuncVersions({ folder: join(home.path, "code-digests") });
 * const found = await versions.versionOf(definition, { version: "auto" });
 * if ("problem" in found) console.warn(found.problem);
 * ```
 */
export class FuncVersions {
  readonly #digests: CodeDigests;
  readonly #found: Record<DigestKind, WeakMap<FuncDefinition, MaybePromise<Found>>> = {
    auto: new WeakMap(),
    body: new WeakMap(),
  };
  /** Warnings that nobody has taken yet. */
  readonly #warnings = new WeakMap<FuncDefinition, CodeWarning[]>();
  readonly #told = new WeakMap<FuncDefinition, Set<string>>();

  constructor({ folder, digests }: FuncVersionsOptions = {}) {
    this.#digests = digests ?? new CodeDigests(folder === undefined ? {} : { cache: new DigestFiles(folder) });
  }

  /** The version that the options ask for. Never rejects; synchronous once the func's digest is known. */
  versionOf(definition: FuncDefinition, { version = "auto" }: CacheOptions): MaybePromise<FoundVersion> {
    if (version !== "auto" && version !== "body") {
      return { version: { kind: "given", value: version }, code: undefined };
    }
    const known = this.#found[version].get(definition);
    if (known !== undefined) return known instanceof Promise ? known.then((found) => found.version) : known.version;
    const finding = this.#find(definition, version);
    this.#found[version].set(definition, finding);
    return finding.then((found) => found.version);
  }

  /**
   * What the digests of a func cannot see, each warning once: a second call gives what has become known since. Empty
   * before the first digest is there.
   */
  takeWarnings(definition: FuncDefinition): readonly CodeWarning[] {
    const warnings = this.#warnings.get(definition) ?? [];
    this.#warnings.delete(definition);
    return warnings;
  }

  async #find(definition: FuncDefinition, kind: DigestKind): Promise<Found> {
    const code = await this.#digest(definition, kind);
    const version: FoundVersion =
      code.digest === undefined
        ? { problem: `the version of func "${definition.id}" cannot be computed: ${code.reason}` }
        : { version: { kind, value: code.digest }, code };
    const found = { version, warnings: code.warnings };
    this.#found[kind].set(definition, found);
    this.#note(definition, code.warnings);
    return found;
  }

  async #digest(definition: FuncDefinition, kind: DigestKind): Promise<CodeDigest | NoCodeDigest> {
    try {
      return await (kind === "auto" ? this.#digests.digestOf(definition) : this.#digests.bodyDigest(definition));
    } catch (error) {
      return { digest: undefined, reason: `${messageOf(error)}. Give func "${definition.id}" a version`, warnings: [] };
    }
  }

  #note(definition: FuncDefinition, warnings: readonly CodeWarning[]): void {
    const told = this.#told.get(definition) ?? new Set();
    const fresh = warnings.filter(({ place, message }) => !told.has(`${place} ${message}`));
    for (const { place, message } of fresh) told.add(`${place} ${message}`);
    this.#told.set(definition, told);
    this.#warnings.set(definition, [...(this.#warnings.get(definition) ?? []), ...fresh]);
  }
}
