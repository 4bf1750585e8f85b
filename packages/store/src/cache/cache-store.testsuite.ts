/** What every store of a cache has to do: run by the tests of each implementation. */
import { describe } from "vitest";
import type { CacheStore } from "./cache-store.ts";
import type { LeaseTimes } from "../sqlite/heartbeat.ts";
import { testClaims } from "./testing/claim-tests.ts";
import { testCycles } from "./testing/cycle-tests.ts";
import { testFilters } from "./testing/filter-tests.ts";
import { testLeaseProcesses } from "./testing/process-tests.ts";
import { testWrites } from "./testing/write-tests.ts";

/** A store that the suite may fill. */
export interface TestCache {
  /** Opens it; several at once are as several processes. Closed by whoever opened it. */
  open(lease?: LeaseTimes): Promise<CacheStore>;
  /** An expression that opens it in another process, where `store` is this package and `lease` the times of leases. */
  readonly expression: string;
}

/** Declares the tests for a kind of store; `create` makes an empty one for each test and removes it afterwards. */
export function testCacheStore(name: string, create: () => Promise<TestCache>): void {
  describe(name, () => {
    testClaims(create);
    testCycles(create);
    testWrites(create);
    testFilters(create);
    testLeaseProcesses(create);
  });
}
