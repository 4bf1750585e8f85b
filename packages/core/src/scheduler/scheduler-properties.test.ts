import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isFinished } from "../states.ts";
import { Search } from "./testing/search.ts";
import { type History, isStarved, Simulation } from "./testing/simulation.ts";
import type { TestRun } from "./testing/world.ts";

const lane = (keeps: fc.Arbitrary<boolean>): fc.Arbitrary<History["lanes"][string]> =>
  fc.record({ limit: fc.integer({ min: 1, max: 3 }), backlog: fc.constantFrom(0, 0, 2), keeps });

function histories(keeps: fc.Arbitrary<boolean>): fc.Arbitrary<History> {
  return fc.record({
    lanes: fc.oneof(fc.record({ a: lane(keeps) }), fc.record({ a: lane(keeps), b: lane(keeps) })),
    concurrency: fc.integer({ min: 1, max: 3 }),
    infrastructureRetries: fc.integer({ min: 0, max: 2 }),
    choices: fc.array(fc.nat({ max: 1_000_000 }), { minLength: 10, maxLength: 150, size: "max" }),
  });
}

const anyLanes = histories(fc.boolean());
const actors = histories(fc.constant(true));
const workers = histories(fc.constant(false));

/** The same histories each time: how many starve in them is counted. */
const seed = 1;

/** Plays random histories; gives the shortest in which `holds` says what is wrong after some step. */
function counterexample(
  all: fc.Arbitrary<History>,
  numRuns: number,
  look: (simulation: Simulation) => {
    readonly after?: () => string | undefined;
    readonly end?: () => string | undefined;
  },
): unknown {
  const asSaid = fc.property(all, (history) => {
    const simulation = new Simulation(history);
    const { after, end } = look(simulation);
    const complain = (wrong: string | undefined): void => {
      if (wrong !== undefined) throw new Error(`${wrong}\n${simulation.states()}\n${simulation.log.join("\n")}`);
    };
    simulation.play(() => complain(after?.()));
    complain(end?.());
  });
  const { counterexample: found, errorInstance } = fc.check(asSaid, { numRuns, seed });
  return found === null ? null : (errorInstance as Error).message;
}

describe("any history", () => {
  it("ends, with all runs ended and nothing held", () => {
    const wrong = counterexample(anyLanes, 1_500, ({ runs, world }) => ({
      end: () => {
        if (!runs.every(({ state }) => isFinished(state))) return "a run has not ended";
        if (runs.some(({ holdsSlot, isSuspended }) => holdsSlot || isSuspended))
          return "a run that has ended holds something";
        return world.scheduler.running === 0 ? undefined : "slots are lost";
      },
    }));
    expect(wrong).toBeNull();
  });

  it("never has more bodies of a lane execute than its limit, nor hands over more than its backlog", () => {
    const wrong = counterexample(anyLanes, 1_000, ({ history, runs }) => ({
      after: () => {
        for (const [name, { limit, backlog, keeps }] of Object.entries(history.lanes)) {
          const own = runs.filter((run) => run.lane === name);
          const bodies = own.filter(
            ({ state, waits, isSuspended }) => state === "RUNNING" && (keeps || (waits === 0 && !isSuspended)),
          );
          if (bodies.length > limit) return `${bodies.length} bodies of ${name}`;
          if (own.filter(({ holdsSlot }) => holdsSlot).length > limit + backlog) return `too many places of ${name}`;
        }
        const inline = runs.filter((run) => run.lane === undefined && run.holdsSlot);
        return inline.length > history.concurrency ? `${inline.length} bodies inline` : undefined;
      },
    }));
    expect(wrong).toBeNull();
  });

  it("hands over whatever there is a place for, deepest first", () => {
    const depth = ({ parent }: TestRun): number => (parent === null ? 0 : 1 + depth(parent));
    const wrong = counterexample(anyLanes, 1_000, (simulation) => {
      const { history, runs, world } = simulation;
      let seen = 0;
      return {
        after: () => {
          for (const [name, { limit }] of Object.entries(history.lanes)) {
            const queued = runs.filter((run) => run.lane === name && run.state === "SCHEDULED" && !run.holdsSlot);
            const taken = runs.filter((run) => run.lane === name && run.holdsSlot).length;
            if (queued.length > 0 && taken < limit) return `a place of ${name} is not used`;
            // The last that was handed over in this step: nobody deeper waits.
            const last = runs.find(({ label }) => label === world.started.slice(seen).at(-1));
            if (last?.lane === name && queued.some((run) => depth(run) > depth(last)) && last.holdsSlot)
              return `${last.label} came before those below it`;
          }
          seen = world.started.length;
          return undefined;
        },
      };
    });
    expect(wrong).toBeNull();
  });

  it("tells every body that no longer counts to stop, once", () => {
    const wrong = counterexample(anyLanes, 1_000, ({ world, bodies }) => ({
      after: () => {
        if (new Set(world.aborted).size < world.aborted.length) return "somebody was told to stop twice";
        for (const [run, { attempt, open }] of bodies) {
          const counts = run.state === "RUNNING" && run.attempt === attempt;
          if (counts && world.aborted.includes(`${run.label}#${attempt}`)) return `${run.label} still counts`;
          if (run.state === "CANCELED" && open.size > 0 && !world.aborted.includes(`${run.label}#${run.attempt}`))
            return `${run.label} was not told to stop`;
        }
        return undefined;
      },
    }));
    expect(wrong).toBeNull();
  });

  it("counts retries for what was lost apart from those of the func", () => {
    const wrong = counterexample(anyLanes, 1_000, ({ history, runs, world }) => ({
      after: () => {
        for (const run of runs) {
          const retries = world.retried.filter(({ label }) => label === run.label);
          const own = retries.filter(({ infrastructure }) => infrastructure === undefined);
          const lost = retries.filter(({ infrastructure }) => infrastructure !== undefined);
          const allowed = run.retry?.retries ?? 0;
          if (own.length > allowed) return `${run.label} was retried too often`;
          if (lost.length > history.infrastructureRetries) return `${run.label} was lost too often`;
          if (lost.some(({ infrastructure, delay }, at) => infrastructure?.retry !== at + 1 || delay !== 100 * 2 ** at))
            return `the retries of ${run.label} are numbered wrongly`;
          if (own.some(({ delay }, at) => delay !== (run.retry?.delay ?? 0) * 2 ** at))
            return `the retries of ${run.label} wait for a wrong time`;
          const begun = 1 + retries.length - (run.state === "RETRYING" ? 1 : 0);
          if (run.attempt > begun) return `${run.label} has an attempt too many`;
          // What was lost uses up the retries of the func only after its own.
          const hasFailed = run.state === "FAILED" && run.origin === run && run.attempt > 0 && !isStarved(run);
          const wasDone = world.changes.includes(`${run.label} RAN`) || world.changes.includes(`${run.label} RESOLVED`);
          if (hasFailed && !wasDone && own.length < allowed) return `${run.label} was not retried often enough`;
        }
        return undefined;
      },
    }));
    expect(wrong).toBeNull();
  });
});

describe("lanes whose bodies give their places back", () => {
  it("never starve, however runs are nested", () => {
    const wrong = counterexample(workers, 1_000, ({ runs }) => ({
      after: () => (runs.some(isStarved) ? "a run has starved" : undefined),
    }));
    expect(wrong).toBeNull();
  });
});

describe("lanes whose bodies keep their places", () => {
  it("starve nobody who could have begun, nor for the sake of those who could have gone on", () => {
    let starved = 0;
    const wrong = counterexample(actors, 2_000, (simulation) => {
      const { runs, world } = simulation;
      let before = new Search(simulation);
      let seen = world.changes.length;
      const known = new Set<TestRun>();
      // The moment before each tick is what the decision was made on.
      const tick = simulation.tick.bind(simulation);
      let wrongly: string | undefined;
      simulation.tick = () => {
        before = new Search(simulation);
        seen = world.changes.length;
        const ticked = tick();
        const victims = runs.filter((run) => isStarved(run) && !known.has(run));
        if (victims.length > 1) wrongly ??= "two have starved at once";
        for (const victim of victims) {
          known.add(victim);
          starved += 1;
          // A timeout at the same moment has changed what the decision was made on.
          if (world.changes[seen] !== `${victim.label} FAILED`) continue;
          if (before.mayBegin(victim, true)) wrongly ??= `${victim.label} could have begun`;
          const holders = before.waitingHolders.filter((run) => run.lane === victim.lane);
          for (const holder of holders)
            if (before.mayHear(holder, true))
              wrongly ??= `${holder.label} could have gone on, before ${victim.label} starved`;
          if (!holders.every(({ label }) => victim.failure?.message.includes(label) === true))
            wrongly ??= `${victim.label} does not say who holds the places`;
        }
        return ticked;
      };
      return { after: () => wrongly };
    });
    expect(wrong).toBeNull();
    expect(starved).toBeGreaterThan(100);
  });

  it("leave nobody waiting for ever", () => {
    let looked = 0;
    const wrong = counterexample(actors, 1_000, (simulation) => {
      let steps = 0;
      let isIdle = false;
      return {
        after: () => {
          steps += 1;
          if (isIdle || steps % 7 !== 0) return undefined;
          isIdle = true;
          simulation.store();
          isIdle = false;
          if (simulation.world.ended || simulation.hasSecret) return undefined;
          if (new Search(simulation).waitingHolders.length === 0) return undefined;
          // For long enough nobody does anything; only time passes.
          const ran = simulation.runs.filter(isStarved).length;
          const end = simulation.world.now + 120_000;
          isIdle = true;
          while ((simulation.world.scheduler.nextTick ?? end) < end) simulation.tick();
          isIdle = false;
          looked += 1;
          if (simulation.runs.filter(isStarved).length > ran) return undefined;
          const search = new Search(simulation);
          for (const [name, { limit }] of Object.entries(simulation.history.lanes)) {
            const holders = search.waitingHolders.filter((run) => run.lane === name);
            if (
              holders.length < limit ||
              !simulation.runs.some((run) => run.lane === name && run.state === "SCHEDULED")
            )
              continue;
            if (!holders.some((holder) => search.mayHear(holder, false)))
              return `${name} stands still, and nobody says so`;
          }
          return undefined;
        },
      };
    });
    expect(wrong).toBeNull();
    expect(looked).toBeGreaterThan(100);
  });
});
