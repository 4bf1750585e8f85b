/** What every executor has to do: run by the tests of each. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openHome } from "@reprise/store";
import { describe } from "vitest";
import type { Executor, ExecutorLane } from "../executor.ts";
import type { WireProgram } from "../protocol.ts";
import { testCalls } from "./executor-call-tests.ts";
import { testCancellation } from "./executor-cancel-tests.ts";
import { testLosses } from "./executor-loss-tests.ts";
import { testMessages } from "./executor-message-tests.ts";
import { testQueues, testWaiting } from "./executor-queue-tests.ts";
import { executorProgram } from "./executor-program.ts";
import { TaskLab } from "./test-task.ts";

/** An executor that a test may use, and end. */
export interface TestExecutor {
  readonly executor: Executor;
  /** A new lane with so many places; its processes are not those of others. */
  lane(limit: number): ExecutorLane;
  /** Ends it, with all of its processes. */
  close(): Promise<void>;
}

/** What an executor of the tests is made for. Times are in milliseconds. */
export interface TestExecutorOptions {
  /** Folder of the home. */
  readonly home: string;
  readonly program: WireProgram;
  /** Most places of a lane. */
  readonly limit: number;
  /** From one sign of life to the next. */
  readonly heartbeatMs: number;
  /** Without a sign of life, until the process is lost. */
  readonly silenceMs: number;
  /** From the cancellation of a body that does not stop to SIGTERM. */
  readonly stopMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly graceMs: number;
}

/** Makes what a test needs, until it is disposed of. */
export type MakeLab = (
  limit: number,
  times?: Partial<Pick<TestExecutorOptions, "heartbeatMs" | "silenceMs" | "stopMs" | "graceMs">>,
) => Promise<TaskLab & AsyncDisposable>;

/**
 * Declares the tests for a kind of executor.
 *
 * @param create makes one for a test.
 * @param keepsPlaces whether a body that waits keeps its place.
 */
export function testExecutor(
  name: string,
  create: (options: TestExecutorOptions) => Promise<TestExecutor>,
  keepsPlaces = false,
): void {
  const make: MakeLab = async (limit, times = {}) => {
    const path = await mkdtemp(join(tmpdir(), "reprise-executor-"));
    const home = await openHome({ path });
    const made = await create({
      home: path,
      program: executorProgram,
      limit,
      heartbeatMs: 100,
      silenceMs: 30_000,
      stopMs: 2_000,
      graceMs: 10_000,
      ...times,
    });
    const lab = new TaskLab(made.executor, home, made.lane(limit));
    return Object.assign(lab, {
      async [Symbol.asyncDispose]() {
        await made.close();
        await home[Symbol.asyncDispose]();
        await rm(path, { recursive: true, force: true });
      },
    });
  };
  describe(name, () => {
    testMessages(make);
    testCalls(make);
    testCancellation(make);
    testLosses(make);
    testQueues(make);
    if (!keepsPlaces) testWaiting(make);
  });
}
