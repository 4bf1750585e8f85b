import type { RecordedRun } from "@reprise/store";
import type { RunInput } from "../why/run-inputs.ts";
import type { CodeComparer, CodeComparison } from "./compare-code.ts";
import type { Matching } from "./match-runs.ts";
import { didNotExecute, type RecordedTree } from "./recorded-tree.ts";

/** Two runs that stand for each other. */
export interface RunPair {
  readonly before: RecordedRun;
  readonly after: RecordedRun;
}

/** A run on both sides, or on one of them. */
export interface RunSides {
  readonly before: RecordedRun | undefined;
  readonly after: RecordedRun | undefined;
}

/** An argument that differs. */
export interface ChangedInput {
  readonly before: RunInput | undefined;
  readonly after: RunInput | undefined;
}

/** A run that gave another value, and the part of it that the argument is. */
export interface UpstreamRun extends RunPair {
  readonly sourcePath: string;
  /** Where it stands in the argument. */
  readonly argumentPath: string;
}

/** Why a call is not as it was, of one whose own inputs say nothing of it. */
export type CallerNote =
  /** Its caller has other code or inputs. */
  | { readonly type: "caller"; readonly pair: RunPair }
  /** Its caller had waited with `$value()` for a run that gave something else. */
  | { readonly type: "waited"; readonly run: RecordedRun }
  /** Its caller ended before, or has not ended. */
  | { readonly type: "ended"; readonly pair: RunPair }
  /** Its caller has the same code and inputs. */
  | { readonly type: "undetermined"; readonly pair: RunPair };

/** Why a run has another result than the one that it stands for. */
export type DiffReason =
  /** They are runs of different funcs. */
  | { readonly type: "func" }
  | { readonly type: "code"; readonly code: CodeComparison }
  /** An argument is another value, and that does not come from another run. */
  | { readonly type: "input"; readonly input: ChangedInput; readonly note: CallerNote | undefined }
  /** An argument is another value because other runs gave another one. Without `input`: it had to come after them. */
  | { readonly type: "upstream"; readonly input: ChangedInput | undefined; readonly from: readonly UpstreamRun[] }
  /** Runs that it called differ; `first` is the first of them. */
  | { readonly type: "nested"; readonly first: RunSides; readonly count: number }
  /** It ended otherwise, and nothing else differs. */
  | { readonly type: "outcome" }
  /** Equal inputs, equal code, another result. Not `certain`: of the code that its func uses not all is known. */
  | { readonly type: "nondeterministic"; readonly certain: boolean }
  /** The call was made on one side only. */
  | { readonly type: "only"; readonly note: CallerNote | undefined };

/** A run that differs, or one that is there on one side only. */
export interface DiffEntry extends RunSides {
  /** The first says most. */
  readonly reasons: readonly DiffReason[];
  /** Whether nothing else that differs explains it. */
  readonly isCause: boolean;
  /** Runs below it that are there on one side only, with it. */
  readonly below: number;
}

/** How two trees differ. */
export interface TreeDiff {
  /** In order of creation. */
  readonly entries: readonly DiffEntry[];
  /** Runs with equal results. */
  readonly equal: number;
  /** Those of them that have other code, by the func's id. */
  readonly changedFuncs: ReadonlyMap<string, number>;
}

/** Compares the runs of two trees that stand for each other. */
export async function compareRuns(
  before: RecordedTree,
  after: RecordedTree,
  matching: Matching,
  codes: CodeComparer,
): Promise<TreeDiff> {
  const comparison = new Comparison(before, after, matching, codes);
  return comparison.compare();
}

class Comparison {
  readonly #before: RecordedTree;
  readonly #after: RecordedTree;
  readonly #matching: Matching;
  readonly #codes: CodeComparer;
  /** What is compared, by the id of the later run. */
  readonly #pairs = new Map<string, RunPair & { readonly differs: boolean }>();
  /** Calls without a partner, in the order in which they are told. */
  readonly #only = new Map<string, { readonly run: RecordedRun; readonly order: number; readonly isAfter: boolean }>();
  /** Whether a caller's own code or inputs differ, by its id in the later tree. */
  readonly #changed = new Map<string, boolean>();
  /** The first call that a caller waited for and that differs, by the caller's id in the later tree. */
  readonly #waited = new Map<string, RecordedRun | undefined>();

  constructor(before: RecordedTree, after: RecordedTree, matching: Matching, codes: CodeComparer) {
    this.#before = before;
    this.#after = after;
    this.#matching = matching;
    this.#codes = codes;
  }

  async compare(): Promise<TreeDiff> {
    this.#walk();
    const found: (DiffEntry & { readonly order: number })[] = [];
    const changedFuncs = new Map<string, number>();
    const sizes = [this.#before, this.#after].map(sizesBelow);
    let equal = 0;
    for (const pair of [...this.#pairs.values()].sort((a, b) => a.after.position - b.after.position)) {
      const code = await this.#codeOf(pair);
      const reasons = this.#ownReasons(pair, code);
      this.#changed.set(pair.after.id, reasons.length > 0);
      if (!pair.differs) {
        equal += pair.before.id === pair.after.id ? 1 + (sizes[1]?.get(pair.after.id) ?? 0) : 1;
        const { id } = pair.after.func.record;
        if (code.verdict === "changed") changedFuncs.set(id, (changedFuncs.get(id) ?? 0) + 1);
        continue;
      }
      if (reasons.length === 0) reasons.push(this.#otherReason(pair, code));
      found.push({
        before: pair.before,
        after: pair.after,
        reasons,
        ...aboutCause(pair, reasons),
        order: pair.after.position,
      });
    }
    for (const { run, order, isAfter } of this.#only.values()) {
      const below = sizes[isAfter ? 1 : 0]?.get(run.id) ?? 0;
      const note = this.#callerNote(run, isAfter, order);
      const [before, after] = isAfter ? [undefined, run] : [run, undefined];
      found.push({
        before,
        after,
        reasons: [{ type: "only", note }],
        isCause: note?.type !== "ended" && !isPassedOn(note),
        below,
        order,
      });
    }
    found.sort((a, b) => a.order - b.order);
    return { entries: found, equal, changedFuncs };
  }

  /** Finds all pairs, and the calls without a partner. Below a reused result nothing is recorded to be compared. */
  #walk(): void {
    const open = [{ before: this.#before.top, after: this.#after.top }];
    for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
      const { before, after } = pair;
      this.#pairs.set(after.id, { ...pair, differs: resultDiffers(before, after) });
      if (before.id === after.id || didNotExecute(before) !== didNotExecute(after)) continue;
      for (const child of this.#after.childrenOf(after.id)) {
        const partner = this.#matching.before(child.id);
        if (partner !== undefined) open.push({ before: partner, after: child });
        else this.#only.set(child.id, { run: child, order: child.position, isAfter: true });
      }
      // What is gone is told behind the call before it.
      let order = after.position;
      for (const child of this.#before.childrenOf(before.id)) {
        const partner = this.#matching.after(child.id);
        if (partner !== undefined) order = Math.max(order, partner.position);
        else this.#only.set(child.id, { run: child, order: order + 0.5, isAfter: false });
      }
    }
  }

  async #codeOf({ before, after }: RunPair): Promise<CodeComparison> {
    if (before.func.record.id !== after.func.record.id) return { verdict: "unknown", differences: [] };
    return this.#codes.compare(before, after);
  }

  /** What differs of the run itself: its func, its code, what it got. */
  #ownReasons(pair: RunPair, code: CodeComparison): DiffReason[] {
    const reasons: DiffReason[] = [];
    if (pair.before.func.record.id !== pair.after.func.record.id) reasons.push({ type: "func" });
    if (code.verdict === "changed") reasons.push({ type: "code", code });
    const inputs = this.#inputReasons(pair);
    reasons.push(...inputs.filter(({ type }) => type === "input"), ...inputs.filter(({ type }) => type !== "input"));
    return reasons;
  }

  #inputReasons(pair: RunPair): DiffReason[] {
    const [olds, news] = [this.#before.inputsOf(pair.before), this.#after.inputsOf(pair.after)];
    const reasons: DiffReason[] = [];
    for (let at = 0; at < Math.max(olds.length, news.length); at++) {
      const input = { before: olds[at], after: news[at] };
      if (input.before?.artifactId === input.after?.artifactId && input.after?.artifactId !== undefined) continue;
      const from = this.#upstream(input);
      if (from.length > 0) reasons.push({ type: "upstream", input, from });
      const isKnown = input.before?.artifactId !== undefined && input.after?.artifactId !== undefined;
      const isOwn = isKnown || input.before === undefined || input.after === undefined;
      if (isOwn && (from.length === 0 || this.#isWiredOtherwise(input))) {
        reasons.push({ type: "input", input, note: this.#callerNote(pair.after, true, pair.after.position) });
      }
    }
    const order = this.#orderedAfter(pair);
    if (order.length > 0 && reasons.length === 0) reasons.push({ type: "upstream", input: undefined, from: order });
    return reasons;
  }

  /** Runs that an argument comes from on both sides and that gave another value. */
  #upstream({ before, after }: ChangedInput): UpstreamRun[] {
    const found: UpstreamRun[] = [];
    for (const [at, source] of (after?.sources ?? []).entries()) {
      const partner = before?.sources[at];
      const { argumentPath, sourcePath } = source;
      if (partner?.argumentPath !== argumentPath || partner.sourcePath !== sourcePath) continue;
      const pair = this.#sourcePair(partner.sourceRunId, source.sourceRunId);
      if (pair !== undefined && resultDiffers(pair.before, pair.after))
        found.push({ ...pair, sourcePath, argumentPath });
    }
    return found;
  }

  /** Two runs that a value came from, if they stand for each other, or may: what is outside both trees was not matched. */
  #sourcePair(beforeId: string | null, afterId: string | null): RunPair | undefined {
    const [before, after] = [this.#before.find(beforeId ?? ""), this.#after.find(afterId ?? "")];
    if (before === undefined || after === undefined) return undefined;
    const isOutside = !this.#before.has(before.id) && !this.#after.has(after.id);
    const fits = isOutside
      ? before.func.record.id === after.func.record.id
      : this.#matching.before(after.id)?.id === before.id;
    return fits ? { before, after } : undefined;
  }

  /** Whether an argument is made of other parts, or has other values around them. */
  #isWiredOtherwise({ before, after }: ChangedInput): boolean {
    if (before?.templateId !== after?.templateId || before?.sources.length !== after?.sources.length) return true;
    return (after?.sources ?? []).some(({ argumentPath, sourcePath, sourceRunId }, at) => {
      const old = before?.sources[at];
      if (old?.argumentPath !== argumentPath || old.sourcePath !== sourcePath) return true;
      return this.#sourcePair(old.sourceRunId, sourceRunId) === undefined;
    });
  }

  /** Runs that had to succeed first, and ended otherwise. */
  #orderedAfter({ after, before }: RunPair): UpstreamRun[] {
    if (after.state === before.state) return [];
    return after.edges.flatMap(({ kind, sourceRunId }) => {
      if (kind !== "order" && kind !== "data") return [];
      const partner = this.#matching.before(sourceRunId ?? "");
      const pair = this.#sourcePair(partner?.id ?? null, sourceRunId);
      return pair === undefined || pair.before.state === pair.after.state
        ? []
        : [{ ...pair, sourcePath: "", argumentPath: "" }];
    });
  }

  /** Why a run differs whose code and inputs are the same. */
  #otherReason(pair: RunPair, code: CodeComparison): DiffReason {
    const { before, after } = pair;
    const nested = this.#nested(pair);
    const [first] = nested;
    // What a body has not waited for cannot have made it fail.
    const waited = nested.find((run) => run.awaited);
    const failedItself = [before, after].some(({ state }) => state === "FAILED");
    const blamed = failedItself ? waited : first;
    if (blamed !== undefined) return { type: "nested", first: this.#sidesOf(blamed), count: nested.length };
    if (before.state !== after.state) return { type: "outcome" };
    return { type: "nondeterministic", certain: code.verdict === "same" };
  }

  /** Calls of a run that differ, or that were made on one side only though both sides ended well. */
  #nested({ before, after }: RunPair): RecordedRun[] {
    const isWhole = [before, after].every(({ state }) => state === "RESOLVED" || state === "NESTED_FAILED");
    const gone = isWhole ? this.#before.childrenOf(before.id).filter(({ id }) => this.#only.has(id)) : [];
    const there = this.#after
      .childrenOf(after.id)
      .filter(({ id }) => this.#pairs.get(id)?.differs ?? (isWhole && this.#only.has(id)));
    return [...there, ...gone];
  }

  #sidesOf(run: RecordedRun): RunSides {
    const only = this.#only.get(run.id);
    if (only === undefined) return { before: this.#matching.before(run.id), after: run };
    return only.isAfter ? { before: undefined, after: run } : { before: run, after: undefined };
  }

  /** What is known of why a caller made a call with other values, or made it at all. */
  #callerNote(run: RecordedRun, isAfter: boolean, order: number): CallerNote | undefined {
    const caller = this.#callerOf(run, isAfter);
    if (caller === undefined) return undefined;
    const other = isAfter ? caller.before : caller.after;
    const isWhole = other.state === "RESOLVED" || other.state === "NESTED_FAILED";
    if (!isWhole && this.#only.has(run.id)) return { type: "ended", pair: caller };
    if (this.#changed.get(caller.after.id) === true) return { type: "caller", pair: caller };
    const waited = this.#waitedOf(caller);
    if (waited !== undefined && waited.position < order) return { type: "waited", run: waited };
    return { type: "undetermined", pair: caller };
  }

  /** The runs whose bodies made a call. Who made the elements of a map that has no recorded items is its own caller. */
  #callerOf(run: RecordedRun, isAfter: boolean): RunPair | undefined {
    const tree = isAfter ? this.#after : this.#before;
    if (run.id === tree.top.id) return undefined;
    const id = (isAfter ? run.parentId : this.#matching.after(run.parentId ?? "")?.id) ?? "";
    const pair = this.#pairs.get(id);
    if (pair?.after.kind !== "map" || this.#after.inputsOf(pair.after).length > 0) return pair;
    return this.#callerOf(pair.after, true) ?? pair;
  }

  #waitedOf({ after }: RunPair): RecordedRun | undefined {
    if (this.#waited.has(after.id)) return this.#waited.get(after.id);
    const calls = this.#after.childrenOf(after.id);
    const found = calls.find(({ id, awaited }) => awaited && this.#pairs.get(id)?.differs === true);
    this.#waited.set(after.id, found);
    return found;
  }
}

/** How many runs are below each run. */
function sizesBelow(tree: RecordedTree): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const { id, parentId } of tree.runs.toReversed()) {
    if (parentId !== null) sizes.set(parentId, (sizes.get(parentId) ?? 0) + (sizes.get(id) ?? 0) + 1);
  }
  return sizes;
}

/** Whether two runs ended otherwise or gave another result. */
export function resultDiffers(before: RecordedRun, after: RecordedRun): boolean {
  if (before.state !== after.state) return true;
  if (before.state === "FAILED") return failureText(before) !== failureText(after);
  return before.output?.digest !== after.output?.digest;
}

function failureText({ failure }: RecordedRun): string {
  return failure === null ? "" : `${failure.name}: ${failure.message}`;
}

/** Whether a call differs because its caller does. */
function isPassedOn(note: CallerNote | undefined): boolean {
  return note?.type === "waited" || (note?.type === "caller" && resultDiffers(note.pair.before, note.pair.after));
}

function aboutCause({ before, after }: RunPair, [first]: readonly DiffReason[]): Pick<DiffEntry, "isCause" | "below"> {
  const explained =
    first === undefined ||
    first.type === "upstream" ||
    first.type === "nested" ||
    (first.type === "input" && isPassedOn(first.note));
  // Somebody, or the failure of another run, canceled it.
  const stopped =
    first?.type === "outcome" && [before, after].some(({ state }) => state !== "RESOLVED" && state !== "FAILED");
  return { isCause: !explained && !stopped, below: 0 };
}
