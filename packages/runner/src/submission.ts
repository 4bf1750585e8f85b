import type { Scheduler } from "@reprise/core";
import type { EngineCache } from "./cache/call-cache.ts";
import type { Call } from "./call.ts";
import { MadeCalls } from "./made-calls.ts";
import type { EngineReplay } from "./rerun/engine-replay.ts";
import type { Tracker } from "./tracker.ts";
import type { ValueFlow } from "./value-flow.ts";

/** What hands calls to the scheduler needs. */
export interface SubmissionOptions {
  readonly scheduler: Scheduler<Call>;
  readonly flow: ValueFlow;
  readonly tracker: Tracker | undefined;
  readonly cache: EngineCache | undefined;
  /** Undefined unless a recorded pipeline run is re-run or goes on. */
  readonly replay: EngineReplay | undefined;
  /** Called when the scheduler has something new to say. */
  readonly goOn: () => void;
}

/** Hands calls to the scheduler, what they need before them: those of one turn of a body together. */
export class Submission extends MadeCalls {
  constructor({ flow, goOn, ...options }: SubmissionOptions) {
    super({ flow, goOn, take: (call) => create(call, options) });
  }
}

function create(call: Call, { replay, cache, tracker, scheduler }: Omit<SubmissionOptions, "flow" | "goOn">): void {
  if (replay?.takesIn(call) === true) return;
  if (cache?.concerns(call) === true) call.asksCache = true;
  const past = replay?.pastOf(call);
  if (past === undefined) tracker?.created(call, Date.now());
  scheduler.create(call, call.sources, Date.now(), past);
}
