import type { RecordedRun } from "@reprise/store";
import { didNotExecute, type RecordedTree } from "./recorded-tree.ts";

/** Which runs of two trees stand for each other. */
export class Matching {
  readonly #byBefore = new Map<string, RecordedRun>();
  readonly #byAfter = new Map<string, RecordedRun>();

  /** The run of the later tree that stands for one of the earlier. */
  after(id: string): RecordedRun | undefined {
    return this.#byBefore.get(id);
  }

  /** The run of the earlier tree that stands for one of the later. */
  before(id: string): RecordedRun | undefined {
    return this.#byAfter.get(id);
  }

  /** Notes that two runs stand for each other. */
  pair(before: RecordedRun, after: RecordedRun): void {
    this.#byBefore.set(before.id, after);
    this.#byAfter.set(after.id, before);
  }
}

/**
 * Finds for each run of a tree the one that stands for it in another: the tops for each other, and below two such runs the
 * calls of the same func that agree best. First those that a re-run took over; then those whose arguments are equal values
 * or come from runs that stand for each other; then those with equal arguments wherever they come from; then those with
 * the same name; then the rest in the order of the calls.
 */
export function matchRuns(before: RecordedTree, after: RecordedTree): Matching {
  const matching = new Matching();
  matching.pair(before.top, after.top);
  const open = [after.top];
  for (let run = open.pop(); run !== undefined; run = open.pop()) {
    const partner = matching.before(run.id);
    if (partner === undefined || partner.id === run.id || didNotExecute(partner) !== didNotExecute(run)) continue;
    new Siblings(before, after, matching, partner, run).match();
    open.push(...after.childrenOf(run.id));
  }
  return matching;
}

/** The calls of one func below two runs that stand for each other, as far as they have no partner yet. */
interface Group {
  readonly before: Set<RecordedRun>;
  readonly after: Set<RecordedRun>;
}

/** The calls of two runs that stand for each other. */
class Siblings {
  readonly #before: RecordedTree;
  readonly #after: RecordedTree;
  readonly #matching: Matching;
  readonly #groups = new Map<string, Group>();
  /** Later calls whose arguments may still be found to come from runs that stand for each other. */
  #open: readonly RecordedRun[];
  /** Earlier calls by where their arguments come from. */
  #wired: Pool | undefined;

  constructor(
    before: RecordedTree,
    after: RecordedTree,
    matching: Matching,
    parentBefore: RecordedRun,
    parentAfter: RecordedRun,
  ) {
    this.#before = before;
    this.#after = after;
    this.#matching = matching;
    for (const run of before.childrenOf(parentBefore.id)) this.#group(run).before.add(run);
    this.#open = after.childrenOf(parentAfter.id);
    for (const run of this.#open) this.#group(run).after.add(run);
  }

  match(): void {
    for (const group of this.#groups.values()) this.#byKey(group, ownOrigin, originOf);
    // One func after the other, because what a call got may come from calls of other funcs that are to be matched first.
    for (;;) {
      this.#byWiring();
      const group = this.#firstOpen();
      if (group === undefined) return;
      const values = (tree: RecordedTree) => (run: RecordedRun) => valueKey(tree, run);
      this.#byKey(group, values(this.#before), values(this.#after));
      this.#byKey(group, givenName, givenName);
      const late = [...group.after];
      for (const [at, early] of [...group.before].entries()) {
        const partner = late[at];
        if (partner !== undefined) this.#pair(group, early, partner);
      }
    }
  }

  #group(run: RecordedRun): Group {
    const key = groupKey(run);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { before: new Set(), after: new Set() };
      this.#groups.set(key, group);
    }
    return group;
  }

  /** The group of the earliest call that may still get a partner. */
  #firstOpen(): Group | undefined {
    let first: { readonly group: Group; readonly position: number } | undefined;
    for (const group of this.#groups.values()) {
      const [run] = group.after;
      if (run === undefined || group.before.size === 0) continue;
      if (first === undefined || run.position < first.position) first = { group, position: run.position };
    }
    return first?.group;
  }

  /** Calls whose arguments are equal values or come from runs that stand for each other. */
  #byWiring(): void {
    this.#wired ??= this.#wiredBefore();
    const pool = this.#wired;
    const partner = (id: string) =>
      this.#matching.before(id)?.id ?? (this.#before.find(id) === undefined ? undefined : id);
    // In order of creation: what a call got comes from calls before it.
    for (const run of this.#open) {
      const group = this.#group(run);
      if (!group.after.has(run) || group.before.size === 0) continue;
      const key = wiringKey(this.#after, run, partner);
      const early = key === undefined ? undefined : pool.take(run, `${groupKey(run)} ${key}`, group.before);
      if (early !== undefined) this.#pair(group, early, run);
    }
    // What depends on values alone will not be found later either.
    this.#open = this.#open.filter((run) => this.#group(run).after.has(run) && isWired(this.#after, run));
  }

  #wiredBefore(): Pool {
    const pool = new Pool();
    for (const { before } of this.#groups.values()) {
      for (const run of before) {
        const key = wiringKey(this.#before, run, (id) => id);
        if (key !== undefined) pool.add(run, `${groupKey(run)} ${key}`);
      }
    }
    return pool;
  }

  #byKey(
    group: Group,
    keyBefore: (run: RecordedRun) => string | undefined,
    keyAfter: (run: RecordedRun) => string | undefined,
  ): void {
    if (group.before.size === 0 || group.after.size === 0) return;
    const pool = new Pool();
    for (const run of group.before) {
      const key = keyBefore(run);
      if (key !== undefined) pool.add(run, key);
    }
    for (const run of group.after) {
      const key = keyAfter(run);
      const early = key === undefined ? undefined : pool.take(run, key, group.before);
      if (early !== undefined) this.#pair(group, early, run);
    }
  }

  #pair(group: Group, before: RecordedRun, after: RecordedRun): void {
    group.before.delete(before);
    group.after.delete(after);
    this.#matching.pair(before, after);
  }
}

function groupKey({ kind, func }: RecordedRun): string {
  return `${kind} ${func.record.id}`;
}

/** The run that computed a result first. */
function ownOrigin({ id, cache }: RecordedRun): string {
  return cache?.originRunId ?? id;
}

/** As {@link ownOrigin}, of what a re-run took over. */
function originOf({ cache }: RecordedRun): string | undefined {
  return cache?.status === "CLONED" ? (cache.originRunId ?? undefined) : undefined;
}

function givenName({ name, func }: RecordedRun): string | undefined {
  return name === func.record.name ? undefined : name;
}

/** What a call got, wherever it came from; undefined if that is not known of all arguments. */
function valueKey(tree: RecordedTree, run: RecordedRun): string | undefined {
  return argumentKey(tree, run, ({ artifactId }) => artifactId);
}

/** What a call got and from which runs; undefined if one of them stands for no other. */
function wiringKey(
  tree: RecordedTree,
  run: RecordedRun,
  partner: (id: string) => string | undefined,
): string | undefined {
  return argumentKey(tree, run, ({ sources, artifactId, templateId }) => {
    if (sources.length === 0) return artifactId;
    const parts = [templateId ?? ""];
    for (const { sourceRunId, sourcePath, argumentPath } of sources) {
      const id = partner(sourceRunId ?? "");
      if (id === undefined) return undefined;
      parts.push(`${argumentPath}<${id}${sourcePath}`);
    }
    return parts.join(" ");
  });
}

/** Whether a call, or an element of it, got anything from other runs. */
function isWired(tree: RecordedTree, run: RecordedRun): boolean {
  const inputs = tree.inputsOf(run);
  if (inputs.some(({ sources }) => sources.length > 0)) return true;
  return run.kind === "map" && tree.childrenOf(run.id).some((element) => isWired(tree, element));
}

type Input = ReturnType<RecordedTree["inputsOf"]>[number];

function argumentKey(
  tree: RecordedTree,
  run: RecordedRun,
  textOf: (input: Input) => string | undefined,
): string | undefined {
  const inputs = tree.inputsOf(run);
  const parts: (string | undefined)[] = inputs.map((input) => {
    const text = textOf(input);
    return text === undefined ? undefined : `${input.name}=${text}`;
  });
  // The items of a map that got them as an array are known from its elements alone.
  if (run.kind === "map" && inputs.length === 0) {
    parts.push(...tree.childrenOf(run.id).map((element) => argumentKey(tree, element, textOf)));
  }
  return parts.includes(undefined) ? undefined : parts.join("\n");
}

/** Runs that wait for a partner with the same key; of several, one with the same name is preferred, then the first. */
class Pool {
  readonly #queues = new Map<string, { readonly runs: RecordedRun[]; next: number }>();

  add(run: RecordedRun, key: string): void {
    for (const each of [key, `${key}\n${run.name}`]) {
      const queue = this.#queues.get(each);
      if (queue === undefined) this.#queues.set(each, { runs: [run], next: 0 });
      else queue.runs.push(run);
    }
  }

  /** One of those that are still `free`. */
  take({ name }: RecordedRun, key: string, free: ReadonlySet<RecordedRun>): RecordedRun | undefined {
    return this.#take(`${key}\n${name}`, free) ?? this.#take(key, free);
  }

  #take(key: string, free: ReadonlySet<RecordedRun>): RecordedRun | undefined {
    const queue = this.#queues.get(key);
    if (queue === undefined) return undefined;
    while (queue.next < queue.runs.length) {
      const run = queue.runs[queue.next++];
      if (run !== undefined && free.has(run)) return run;
    }
    return undefined;
  }
}
