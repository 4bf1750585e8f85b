import * as fc from "fast-check";
import { expect, it } from "vitest";
import { LocalRunner, type RunnerEvent } from "./index.ts";
import { evaluate, isCalm, node, optionsOf, plans, withWorkers } from "./testing/random-pipeline.ts";
import { problemsOfEvents } from "./testing/problems-of-events.ts";
import { homeOf, temporaryFolder } from "./testing/temporary-home.ts";
import { verifyHome } from "./testing/verify-home.ts";

/** How many pipelines are tried; `REPRISE_PROPERTY_RUNS` raises it. */
const numRuns = Math.ceil(Number(process.env["REPRISE_PROPERTY_RUNS"] ?? 2_000) * 0.02);

it("a pipeline made by chance does in workers what it does inline", { timeout: 180_000 + numRuns * 500 }, async () => {
  const home = temporaryFolder();
  let events: RunnerEvent[] = [];
  const options = { home, handleSignals: false, onEvent: (event: RunnerEvent) => void events.push(event) };
  {
    await using narrow = new LocalRunner({ ...options, maxParallelism: 1 });
    await using broad = new LocalRunner({ ...options, maxParallelism: 3 });
    await fc.assert(
      fc.asyncProperty(fc.oneof(plans(true), plans(false)).map(withWorkers), fc.boolean(), async (plan, isNarrow) => {
        events = [];
        const future = node(plan, [1]).$set(optionsOf(plan));
        const ended = await (isNarrow ? narrow : broad).run(future).catch((error: unknown) => ({ error }));
        const expected = isCalm(plan) ? evaluate(plan, [1]) : ended;
        expect({ ended, problems: problemsOfEvents(events) }).toEqual({ ended: expected, problems: [] });
      }),
      { numRuns },
    );
  }
  await verifyHome(await homeOf(home));
});
