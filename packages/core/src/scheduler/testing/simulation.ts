import { isFinished } from "../../states.ts";
import type { LaneOptions } from "../lanes.ts";
import type { Gate, Wait } from "../run-node.ts";
import { gateFor, TestRun, World } from "./world.ts";

/** A random graph is told by random numbers: each decides what happens next. */
export interface History {
  readonly lanes: Readonly<
    Record<string, { readonly limit: number; readonly backlog: number; readonly keeps: boolean }>
  >;
  readonly concurrency: number;
  readonly infrastructureRetries: number;
  readonly choices: readonly number[];
}

/** What a body does, which only the body knows. */
export interface SimulatedBody {
  readonly attempt: number;
  /** Waits whose values it did not get. */
  readonly open: Set<Wait<TestRun>>;
  /** Those that it needs to go on, and which of them; empty while it executes. */
  readonly awaits: Set<Wait<TestRun>>;
  /** `race`: the first; `all`: all, or the first that failed; `settled`: all. */
  mode: "race" | "all" | "settled";
  /** When it went on although waits of it are open, in which nobody can see it. */
  wonAt: number | undefined;
}

interface Action {
  readonly what: string;
  readonly act: () => void;
}

type Add = (what: string, act: () => void, weight?: number) => void;

const mostRuns = 11;

/** Executes a random graph as bodies, workers, cache and store would do it, and keeps its own books. */
export class Simulation {
  readonly world: World;
  readonly history: History;
  readonly runs: TestRun[] = [];
  readonly bodies = new Map<TestRun, SimulatedBody>();
  /** Runs that asked the cache; with those that they have to wait for. */
  readonly asking = new Map<TestRun, TestRun | undefined>();
  /** What happened, for people. */
  readonly log: string[] = [];
  readonly #gates = new Map<string, Gate<TestRun>>();
  readonly #byLabel = new Map<string, TestRun>();
  #choice = 0;
  #seen = { started: 0, lookups: 0, delivered: 0, aborted: 0 };
  #calls = true;
  #after: () => void = () => undefined;

  constructor(history: History) {
    this.history = history;
    this.world = new World({
      concurrency: history.concurrency,
      infrastructureRetries: history.infrastructureRetries,
      lanes: (name): LaneOptions | undefined => {
        const lane = history.lanes[name];
        if (lane === undefined) return undefined;
        return { limit: lane.limit, keepsSlot: lane.keeps, backlog: () => lane.backlog };
      },
    });
    this.world.holds.add("publish");
    this.world.holds.add("assemble");
    this.#call(null);
  }

  /** Lets everything happen that the random numbers say; `after` is called after each step. */
  play(after: () => void): void {
    this.#after = after;
    while (this.#choice < this.history.choices.length && !this.world.ended) {
      this.#step();
      after();
    }
    // From here on nobody makes work, and everybody ends as soon as possible.
    this.#calls = false;
    for (let steps = 0; !this.world.ended; steps += 1) {
      const action = this.#actions().find(({ what }) => /^(begin|return|publish|assemble|answer)/.test(what));
      if (action !== undefined) this.#do(action);
      else if (!this.tick()) throw new Error(`nobody can go on any more: ${this.states()}\n${this.log.join("\n")}`);
      after();
      if (steps > 2_000) throw new Error(`it does not end: ${this.states()}\n${this.log.join("\n")}`);
    }
  }

  /** Waits for the next tick that the scheduler asks for. */
  tick(): boolean {
    const { nextTick } = this.world.scheduler;
    if (nextTick === undefined) return false;
    this.log.push(`tick +${nextTick - this.world.now}`);
    this.world.pass(Math.max(0, nextTick - this.world.now));
    this.#hear();
    this.#after();
    return true;
  }

  /** Writes all results, which takes no doing of anybody else. */
  store(): void {
    const find = (): TestRun | undefined => this.runs.find((run) => isUnwritten(run));
    for (let run = find(); run !== undefined; run = find()) {
      if (run.state === "RAN") this.world.assemble(run);
      else this.world.publish(run);
      this.#hear();
    }
  }

  /** Whether the body of a run does something, as far as it knows itself. */
  executes(run: TestRun): boolean {
    const body = this.bodies.get(run);
    return run.state === "RUNNING" && body?.attempt === run.attempt && body.awaits.size === 0;
  }

  /** Whether a body executes that is thought to wait. */
  get hasSecret(): boolean {
    return this.runs.some((run) => this.executes(run) && (this.bodies.get(run) as SimulatedBody).open.size > 0);
  }

  states(): string {
    return this.runs.map(({ label, state, lane = "inline" }) => `${label}@${lane} ${state}`).join(", ");
  }

  /** Lanes that keep places. */
  keeps({ lane }: TestRun): boolean {
    return lane !== undefined && this.history.lanes[lane]?.keeps === true;
  }

  #pick(count: number): number {
    const choice = this.history.choices[this.#choice] ?? 0;
    this.#choice += 1;
    return choice % count;
  }

  #step(): void {
    const actions = this.#actions();
    const action = actions[this.#pick(actions.length)];
    if (action !== undefined) this.#do(action);
  }

  #do({ what, act }: Action): void {
    this.log.push(what);
    act();
    this.#hear();
  }

  /** Takes note of what the scheduler has said. */
  #hear(): void {
    const { started, lookups, delivered } = this.world;
    for (; this.#seen.started < started.length; this.#seen.started += 1) {
      const run = this.#named(started[this.#seen.started] as string);
      if (run.state === "RUNNING") this.#begun(run);
    }
    for (; this.#seen.lookups < lookups.length; this.#seen.lookups += 1) {
      this.asking.set(this.#named(lookups[this.#seen.lookups] as string), undefined);
    }
    for (; this.#seen.delivered < delivered.length; this.#seen.delivered += 1) {
      this.#delivered(delivered[this.#seen.delivered] as Wait<TestRun>);
    }
    for (const run of this.asking.keys()) {
      if (run.state !== "CREATED" && run.state !== "RETRYING") this.asking.delete(run);
    }
  }

  #named(label: string): TestRun {
    return this.#byLabel.get(label) as TestRun;
  }

  #begun(run: TestRun): void {
    this.bodies.set(run, {
      attempt: run.attempt,
      open: new Set(),
      awaits: new Set(),
      mode: "all",
      wonAt: undefined,
    });
  }

  #delivered(wait: Wait<TestRun>): void {
    const body = this.bodies.get(wait.waiter);
    if (body?.open.delete(wait) !== true || !body.awaits.delete(wait)) return;
    const failed = wait.source.state !== "RESOLVED";
    if (body.mode === "race" || (body.mode === "all" && failed)) body.awaits.clear();
    if (body.awaits.size === 0) body.wonAt = this.world.now;
  }

  #actions(): Action[] {
    const actions: Action[] = [];
    const add: Add = (what, act, weight = 1) => {
      for (let times = 0; times < weight; times += 1) actions.push({ what, act });
    };
    for (const run of this.runs) {
      const { label } = run;
      if (run.state === "SCHEDULED" && run.holdsSlot) this.#handedOver(run, add);
      if (this.executes(run)) this.#executing(run, add);
      if (this.asking.has(run)) this.#asked(run, add);
      if (run.state === "RESOLVED" && !run.published) add(`publish ${label}`, () => this.world.publish(run));
      if (run.state === "RAN" && run.openChildren === 0) add(`assemble ${label}`, () => this.world.assemble(run));
    }
    add("time", () => this.#time(), 2);
    return actions;
  }

  #handedOver(run: TestRun, add: Add): void {
    const { label } = run;
    add(`lose ${label}`, () => this.world.loses(run, { isFinal: this.#pick(8) === 7 }));
    // What was handed over on top of the limit waits for a place at whoever executes it.
    const limit = this.history.lanes[run.lane ?? ""]?.limit ?? 0;
    const taken = this.runs.filter(
      (other) => other.lane === run.lane && other.state === "RUNNING" && other.holdsSlot,
    ).length;
    if (taken >= limit) return;
    const begin = (): void => {
      if (!this.world.begins(run)) throw new Error(`${label} was handed over and must not begin`);
      this.#begun(run);
    };
    add(`begin ${label}`, begin, 4);
  }

  #executing(run: TestRun, add: Add): void {
    const { label } = run;
    const { world } = this;
    const children = (run.children ?? []).filter(({ state }) => !isFinished(state));
    // A root that ends early makes for dull histories.
    const mayEnd = !this.#calls || run.parent !== null || this.runs.length === mostRuns;
    if (mayEnd) add(`return ${label}`, () => world.returns(run, { assembles: this.#pick(2) === 1 }));
    if (!this.#calls) return;
    if (this.runs.length < mostRuns) add(`call in ${label}`, () => this.#call(run), 4);
    if (children.length > 0) add(`wait in ${label}`, () => this.#wait(run, children), 4);
    if (mayEnd) add(`throw ${label}`, () => world.throws(run));
    if (run.parent === null) return;
    add(`cancel ${label}`, () => world.cancels(run));
    if (this.history.lanes[run.lane ?? ""] !== undefined)
      add(`lose ${label}`, () => world.loses(run, { isFinal: this.#pick(8) === 7 }));
  }

  #asked(run: TestRun, add: Add): void {
    const { label } = run;
    const { world } = this;
    const followed = this.asking.get(run);
    if (followed !== undefined && !isFinished(followed.state)) return;
    const answer =
      (act: () => unknown): (() => void) =>
      () => {
        this.asking.delete(run);
        act();
      };
    add(
      `answer ${label}: miss`,
      answer(() => world.misses(run)),
    );
    if (!this.#calls) return;
    add(
      `answer ${label}: hit`,
      answer(() => world.hits(run)),
    );
    if (followed !== undefined) return;
    add(`let ${label} follow`, () => {
      const others = this.runs.filter((other) => !isFinished(other.state) && !this.#reaches(other, run));
      const other = others[this.#pick(others.length || 1)];
      if (other === undefined) return;
      this.log.push(`  ${other.label}`);
      this.asking.set(run, other);
      run.follows = other;
    });
  }

  /** Whether a run cannot end before another, or one above that, has. */
  #reaches(from: TestRun, to: TestRun): boolean {
    const goals = new Set<TestRun>();
    for (let above: TestRun | null = to; above !== null; above = above.parent) goals.add(above);
    const open = [from];
    const seen = new Set(open);
    for (const run of open) {
      if (goals.has(run)) return true;
      const next = this.runs.filter(
        (one) =>
          one.parent === run ||
          one.dependents?.includes(run) === true ||
          (run.gate !== undefined && one.gate === run.gate) ||
          this.asking.get(run) === one,
      );
      for (const one of next) {
        if (!seen.has(one)) open.push(one);
        seen.add(one);
      }
    }
    return false;
  }

  #time(): void {
    const step = [1, 100, 1_000, 10_000][this.#pick(4)] as number;
    // Who goes on with one of several values does not take so long that it is thought to wait for the others.
    const isSlow = (run: TestRun): boolean => {
      const body = this.bodies.get(run) as SimulatedBody;
      return this.executes(run) && body.open.size > 0 && (body.wonAt ?? 0) + 25_000 < this.world.now + step;
    };
    if (this.runs.some(isSlow)) return;
    const end = this.world.now + step;
    for (
      let { nextTick } = this.world.scheduler;
      nextTick !== undefined && nextTick <= end;
      { nextTick } = this.world.scheduler
    )
      this.tick();
    this.world.pass(Math.max(0, end - this.world.now));
    this.#hear();
  }

  #wait(run: TestRun, children: readonly TestRun[]): void {
    const body = this.bodies.get(run) as SimulatedBody;
    body.mode = (["race", "all", "settled"] as const)[this.#pick(3)] ?? "all";
    const count = 1 + this.#pick(3);
    for (let at = 0; at < count; at += 1) {
      const wait = this.world.scheduler.wait(run, children[this.#pick(children.length)] as TestRun);
      if (wait === undefined) throw new Error("there is nothing to wait for");
      body.open.add(wait);
      body.awaits.add(wait);
    }
    this.world.settle();
  }

  #call(parent: TestRun | null): void {
    const names = Object.keys(this.history.lanes);
    const lane = parent === null ? undefined : [...names, ...names, undefined][this.#pick(names.length * 2 + 1)];
    const siblings = (parent?.children ?? []).filter(({ state }) => state !== "CANCELED");
    const needs = this.#pick(3) === 0 ? siblings.filter(() => this.#pick(2) === 0) : [];
    const retries = this.#pick(4);
    const gate = parent !== null && this.#pick(5) === 4 ? this.#gateIn(parent) : undefined;
    const options = {
      needs,
      tolerate: this.#pick(4) === 3 ? 1 : 0,
      asksCache: parent !== null && this.#pick(5) === 4,
      ...(lane === undefined ? {} : { lane }),
      ...(retries === 0 ? {} : { retry: { retries: retries - 1, delay: this.#pick(2) * 50 } }),
      ...(this.#pick(8) === 7 ? { timeout: 5_000 } : {}),
      ...(gate === undefined ? {} : { gate }),
    };
    const run = new TestRun(`r${this.runs.length}`, parent, options, this.world);
    this.runs.push(run);
    this.#byLabel.set(run.label, run);
    this.log.push(
      `  ${run.label} of ${parent?.label} ${JSON.stringify({ ...options, needs: needs.map(({ label }) => label), gate: gate?.limit })}`,
    );
    this.world.scheduler.create(run, needs, this.world.now);
    this.world.settle();
    this.#hear();
  }

  /** One for the calls of an attempt: calls of another one do not queue behind those that are left of it. */
  #gateIn({ label, attempt }: TestRun): Gate<TestRun> {
    const key = `${label}#${attempt}`;
    const gate = this.#gates.get(key) ?? gateFor(1 + this.#pick(2));
    this.#gates.set(key, gate);
    return gate;
  }
}

function isUnwritten({ state, published, openChildren }: TestRun): boolean {
  return (state === "RESOLVED" && !published) || (state === "RAN" && openChildren === 0);
}

/** Whether a run has failed for want of a place. */
export function isStarved({ failure }: TestRun): boolean {
  return failure?.code === "ACTOR_STARVED";
}
