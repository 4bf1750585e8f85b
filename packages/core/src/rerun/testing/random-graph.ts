import * as fc from "fast-check";
import { isFinished, type RunState } from "../../states.ts";
import type { GraphRun } from "../graph-run.ts";

type Draft = { -readonly [Key in keyof GraphRun]: GraphRun[Key] } & { children: Draft[] };

/**
 * Pipeline runs as they may be recorded: nested calls that need each other, maps of both kinds, retried attempts, failures
 * that were caught, tolerated or passed on, reused results. With `open` the driver may have died in the middle.
 */
export function recordedGraphs(options: { readonly open: boolean }): fc.Arbitrary<GraphRun[]> {
  // Choices, not runs, are drawn: whatever remains of a list of them when it is shortened is still a consistent graph.
  return fc
    .array(fc.nat(59), { minLength: 1, maxLength: 400, size: "max" })
    .map((choices) => new Author(choices, options).write());
}

/** Makes up what happened, choice by choice; without further choices every run succeeds and calls nothing. */
class Author {
  readonly #choices: readonly number[];
  readonly #open: boolean;
  readonly #runs: Draft[] = [];
  #chosen = 0;

  constructor(choices: readonly number[], options: { readonly open: boolean }) {
    this.#choices = choices;
    this.#open = options.open;
  }

  write(): GraphRun[] {
    this.#func(null, [], 0);
    return this.#runs;
  }

  #choose(below: number): number {
    const choice = this.#choices[this.#chosen] ?? 0;
    this.#chosen += 1;
    return choice % below;
  }

  /** True once in `times`. */
  #once(times: number): boolean {
    return this.#choose(times) === times - 1;
  }

  #draft(parent: Draft | null, kind: GraphRun["kind"], sources: readonly Draft[]): Draft {
    const run: Draft = {
      id: `r${this.#runs.length}`,
      parentId: parent?.id ?? null,
      kind,
      state: "CREATED",
      attempt: 0,
      parentAttempt: parent?.attempt ?? 0,
      awaited: false,
      returned: false,
      hasArguments: kind === "func",
      sources: sources.map(({ id }) => id),
      children: [],
    };
    this.#runs.push(run);
    parent?.children.push(run);
    return run;
  }

  /** Some of `among`, which were called before. */
  #some(among: readonly Draft[]): Draft[] {
    const count = among.length === 0 ? 0 : this.#choose(3);
    return [...new Set(Array.from({ length: count }, () => among[this.#choose(among.length)] as Draft))];
  }

  #func(parent: Draft | null, sources: readonly Draft[], depth: number): Draft {
    const run = this.#draft(parent, "func", sources);
    if (!this.#begins(run, sources)) return run;
    if (parent !== null && this.#once(8)) {
      run.attempt = this.#choose(2);
      run.returned = run.attempt === 1;
      run.state = "RESOLVED";
      return run;
    }
    do {
      run.attempt += 1;
      cancelBelow(run);
      this.#body(run, depth);
    } while (this.#once(6));
    this.#end(run);
    return run;
  }

  /** Whether a run is ever started; if it is not, it has its state. */
  #begins(run: Draft, sources: readonly Draft[]): boolean {
    const missing = sources.find(({ state }) => state !== "RESOLVED");
    if (missing === undefined && !this.#once(this.#open ? 12 : 30)) return true;
    const waits = this.#open && (missing === undefined || !isFinished(missing.state));
    if (!waits) run.state = "CANCELED";
    else if (missing === undefined && this.#once(2)) {
      run.state = "SCHEDULED";
      run.attempt = 1;
    }
    return false;
  }

  /** What one attempt calls. */
  #body(run: Draft, depth: number): void {
    const calls: Draft[] = [];
    const count = depth > 3 ? 0 : ([2, 3, 0, 1, 4][this.#choose(5)] as number);
    for (let call = 0; call < count && this.#chosen < this.#choices.length; call += 1) {
      const called = this.#once(4) ? this.#map(run, calls, depth + 1) : this.#func(run, this.#some(calls), depth + 1);
      called.awaited = this.#once(3);
      calls.push(called);
    }
  }

  #map(parent: Draft, calls: readonly Draft[], depth: number): Draft {
    const items = calls.length > 0 && this.#once(2) ? [calls[this.#choose(calls.length)] as Draft] : undefined;
    const sources = items ?? (this.#once(4) ? this.#some(calls) : []);
    const map = this.#draft(parent, "map", sources);
    map.hasArguments = items !== undefined;
    if (!this.#begins(map, sources)) return map;
    map.attempt = 1;
    map.returned = true;
    const count = this.#choose(4);
    for (let element = 0; element < count; element += 1) {
      this.#func(map, items === undefined ? this.#some(calls) : [], depth + 1);
    }
    const tolerates = this.#once(2);
    if (this.#open && map.children.some(({ state }) => !isFinished(state))) map.state = "RAN";
    else finish(map, tolerates || map.children.every(isResolved) ? "RESOLVED" : "NESTED_FAILED");
    return map;
  }

  /** How the last attempt ended, which depends on what became of its calls. */
  #end(run: Draft): void {
    const calls = run.children.filter(({ parentAttempt }) => parentAttempt === run.attempt);
    const broken = calls.some((call) => isFinished(call.state) && !isResolved(call) && !isCaught(call, calls));
    const goesOn = this.#open && (run.parentId === null || !this.#once(3));
    const waits = calls.some(({ state }) => !isFinished(state));
    if (broken) {
      run.returned = this.#once(2);
      finish(run, "NESTED_FAILED");
    } else if (goesOn && this.#once(waits ? 2 : 5)) {
      run.state = this.#once(2) ? "RETRYING" : "RUNNING";
      if (run.state === "RETRYING") cancelBelow(run);
    } else if (waits || this.#once(10)) {
      run.returned = calls.length > 0 && !this.#once(3);
      if (run.returned && goesOn) run.state = "RAN";
      else finish(run, this.#once(2) ? "CANCELED" : "FAILED");
    } else {
      run.returned = true;
      run.state = "RESOLVED";
    }
  }
}

function isResolved({ state }: Draft): boolean {
  return state === "RESOLVED";
}

/** A body deals with a failure by waiting for the call that failed, or for one that did not start because of it. */
function isCaught(call: Draft, calls: readonly Draft[]): boolean {
  if (call.awaited) return true;
  if (call.sources.some((id) => calls.some((source) => source.id === id && !isResolved(source)))) return true;
  return calls.some(({ awaited, sources }) => awaited && sources.includes(call.id));
}

function finish(run: Draft, state: RunState): void {
  run.state = state;
  cancelBelow(run);
}

/** Ends what is still going on inside of a run. */
function cancelBelow(run: Draft): void {
  for (const child of run.children) {
    if (!isFinished(child.state)) child.state = "CANCELED";
    cancelBelow(child);
  }
}
