import type { Past, Scheduler } from "@reprise/core";
import type { Call } from "../call.ts";
import type { Body } from "../context.ts";
import type { ValueFlow } from "../value-flow.ts";

/** What an engine asks of a recorded pipeline run that is re-run or goes on. */
export interface EngineReplay {
  /** Gives the root what is recorded of it. */
  begin(root: Call): void;
  /** Whether it brings the call into the graph by itself: as it was recorded. Asked when the call's sources are in it. */
  takesIn(call: Call): boolean;
  /** How far a call that stands for a run of this pipeline run had come; undefined for a call that is new. */
  pastOf(call: Call): Past | undefined;
  /** A call asks for a recorded result: gives it, or calls `otherwise`. */
  lookUp(call: Call, otherwise: () => void): void;
  /** A body begins. */
  begins(call: Call): void;
  /** The code of a body that counts is over. */
  ends(body: Body): void;
  /** The root has ended. */
  over(): void;
}

/** What a replay needs of the engine. */
export interface ReplayEngine {
  readonly scheduler: Scheduler<Call>;
  readonly flow: ValueFlow;
  /** Hands a call to the scheduler. */
  readonly submit: (call: Call) => void;
  /** Called when the scheduler has something new to say. */
  readonly goOn: () => void;
}
