import { diffKeyRecords, type KeyRecord } from "@reprise/core";
import type { Home, RecordedRun } from "@reprise/store";
import { parseKeptCode } from "../why/code-differences.ts";
import type { Difference } from "../why/difference.ts";
import { keyDifferences } from "../why/key-differences.ts";
import { lineDiff } from "../why/line-diff.ts";
import type { RecordedTree } from "./recorded-tree.ts";

/**
 * Whether two runs executed the same code. `unknown`: the func's own source is the same, but of the functions that it uses
 * nothing is recorded, because it was not cached and the programs as a whole differ or were not kept.
 */
export type CodeVerdict = "same" | "changed" | "unknown";

/** What is known of the code of two runs. */
export interface CodeComparison {
  readonly verdict: CodeVerdict;
  /** What changed, with the lines where sources are kept. */
  readonly differences: readonly Difference[];
}

const same: CodeComparison = { verdict: "same", differences: [] };

/** Compares the code of runs of two trees. One func is compared once and not once per run. */
export class CodeComparer {
  readonly #home: Home;
  /** Whether one and the same program executed both. */
  readonly #oneProgram: boolean;
  readonly #known = new Map<string, Promise<CodeComparison>>();

  constructor(home: Home, before: RecordedTree, after: RecordedTree) {
    this.#home = home;
    const [old, fresh] = [before.graph.pipelineRun, after.graph.pipelineRun];
    this.#oneProgram = old.id === fresh.id || (old.code !== null && old.code === fresh.code);
  }

  /** Compares the code of two runs. */
  compare(before: RecordedRun, after: RecordedRun): Promise<CodeComparison> {
    if (computedBy(before) === computedBy(after)) return Promise.resolve(same);
    const isOwn = [before, after].every((run) => !wasTakenOver(run));
    // The program that executed a func in one pipeline run is the same for all its runs, save those from elsewhere.
    const id = isOwn ? [before, after].map(codeName).join("\n") : `${before.id} ${after.id}`;
    let comparison = this.#known.get(id);
    if (comparison === undefined) {
      comparison = this.#compare(before, after, isOwn && this.#oneProgram);
      this.#known.set(id, comparison);
    }
    return comparison;
  }

  async #compare(before: RecordedRun, after: RecordedRun, oneProgram: boolean): Promise<CodeComparison> {
    const found = await this.#byVersion(before, after);
    if (found !== undefined) return found;
    const own = sourceDifferences(before, after);
    if (own.length > 0) return { verdict: "changed", differences: own };
    return oneProgram ? same : { verdict: "unknown", differences: [] };
  }

  /** By what their cache keys say of the code; undefined if they do not tell. */
  async #byVersion(before: RecordedRun, after: RecordedRun): Promise<CodeComparison | undefined> {
    const records = await Promise.all([before, after].map((run) => this.#record(run)));
    const [old, fresh] = records;
    if (old === undefined || fresh === undefined) return undefined;
    const changes = diffKeyRecords(old, fresh).filter(({ ingredient }) => codeIngredients.has(ingredient));
    if (changes.length > 0) {
      const code = async (digest: string) => parseKeptCode(await this.#home.cache.codeOf(digest));
      const asIf: KeyRecord = { ...old, version: fresh.version, signature: fresh.signature };
      const differences = await keyDifferences(old, asIf, { code, values: () => Promise.resolve(undefined) });
      // A version that was given tells that the code changed, not how.
      const own = fresh.version.kind === "given" ? sourceDifferences(before, after) : [];
      return { verdict: "changed", differences: [...differences, ...own] };
    }
    // A version that somebody gives may stay while the code changes.
    if (fresh.version.kind === "auto") return same;
    const own = sourceDifferences(before, after);
    return own.length > 0 ? { verdict: "changed", differences: own } : undefined;
  }

  async #record({ cache }: RecordedRun): Promise<KeyRecord | undefined> {
    return cache?.key == null ? undefined : this.#home.cache.recordOf(cache.key);
  }
}

const codeIngredients = new Set<string>(["version", "signature"]);

/** The run whose body gave the result. */
function computedBy({ id, cache }: RecordedRun): string {
  return cache?.originRunId ?? id;
}

function wasTakenOver({ cache }: RecordedRun): boolean {
  return cache?.status === "CLONED" || cache?.status === "RESUMED";
}

/** Runs with one name executed the same code, as far as it is recorded. */
function codeName({ func, cache, options }: RecordedRun): string {
  const version = options?.["cache"] === undefined ? "" : JSON.stringify(options["cache"]);
  return `${func.key} ${cache?.key == null ? "" : "cached"} ${version}`;
}

/** In what the recorded sources of two runs' funcs differ. */
function sourceDifferences(
  { func: { record: before } }: Pick<RecordedRun, "func">,
  { func: { record: after } }: Pick<RecordedRun, "func">,
): Difference[] {
  const [old, fresh] = [before.source, after.source];
  if (old === fresh || old === null || fresh === null) return [];
  const diff = lineDiff(old, fresh);
  // Another indentation is no other code.
  if (diff.length === 0) return [];
  const file = after.file ?? before.file;
  const place = file === null ? "" : `  (${file}${after.line === null ? "" : `:${after.line}`})`;
  const text = `code: func "${after.id}" itself changed${place}`;
  return [{ ingredient: "code", name: after.id, text, before: old, after: fresh, diff }];
}
