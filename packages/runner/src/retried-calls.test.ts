import { expect, test } from "vitest";
import { context, func, LocalRunner } from "./index.ts";
import { homeOf, temporaryFolder } from "./testing/temporary-home.ts";
import { verifyHome } from "./testing/verify-home.ts";

const leaf = func("leaf", (value: number) => value);
const parent = func({
  id: "parent",
  retry: { retries: 1 },
  run: (count: number) => {
    const leaves = Array.from({ length: count }, (_, at) => leaf(at));
    // Its calls have been submitted, and end before any of them has begun.
    if (context().attempt === 1) throw new RangeError("the first attempt fails");
    return leaves[0];
  },
});

test("calls of an attempt that fails at once are recorded once each, however many batches that takes", async () => {
  const path = temporaryFolder();
  await using runner = new LocalRunner({ home: path, forwardOutput: false });
  const count = 3_000;
  const handle = await runner.submit(parent(count));
  expect(await handle.result()).toBe(0);
  const home = await homeOf(path);
  await verifyHome(home);
  const runs = await home.backend.listRuns(handle.id);
  const lost = runs.filter(({ parentAttempt, state }) => parentAttempt === 1 && state === "CANCELED");
  expect([lost.length, runs.length]).toEqual([count, 2 * count + 1]);
  const events = await home.backend.eventsOf(handle.id);
  expect(events.filter(({ kind }) => kind === "cancel")).toHaveLength(count);
});
