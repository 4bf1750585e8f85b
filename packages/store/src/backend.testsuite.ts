/** What every metadata store has to do: run by the tests of each implementation. */
import { describe } from "vitest";
import type { Backend } from "./backend.ts";
import type { LeaseTimes } from "./sqlite/heartbeat.ts";
import { testArtifacts } from "./testing/artifact-tests.ts";
import { testConcurrency } from "./testing/concurrency-tests.ts";
import { testDriverProcesses } from "./testing/driver-process-tests.ts";
import { testDrivers } from "./testing/driver-tests.ts";
import { testGraphs } from "./testing/graph-tests.ts";
import { testLineage } from "./testing/lineage-tests.ts";
import { testLists } from "./testing/list-tests.ts";
import { testPruning } from "./testing/prune-tests.ts";
import { testRecords } from "./testing/record-tests.ts";
import { testStates } from "./testing/state-tests.ts";

/** A store that the suite may fill. */
export interface TestStore {
  /** Opens it; several at once are as several processes. Closed by whoever opened it. */
  open(lease?: LeaseTimes): Promise<Backend>;
  /** An expression that opens it in another process, where `store` is this package and `lease` a variable. */
  readonly expression: string;
  /** Makes it look as if a later release had written it. */
  makeNewer(): Promise<void>;
}

/** Declares the tests for a kind of store; `create` makes an empty one for each test and removes it afterwards. */
export function testBackend(name: string, create: () => Promise<TestStore>): void {
  describe(name, () => {
    testRecords(create);
    testStates(create);
    testArtifacts(create);
    testLists(create);
    testPruning(create);
    testGraphs(create);
    testLineage(create);
    testDrivers(create);
    testDriverProcesses(create);
    testConcurrency(create);
  });
}
