import type { Failure, LogLevel, PipelineState, Progress, RunCache, RunKind, RunState } from "@reprise/core";

/** What a runner tells while it works, for a live view. All of it is plain data, so it can be sent to another process. */
export type RunnerEvent =
  | {
      readonly type: "pipeline";
      readonly id: string;
      readonly funcId: string;
      readonly name: string;
      readonly state: PipelineState;
      readonly time: number;
    }
  | RunChanged
  | { readonly type: "progress"; readonly runId: string; readonly progress: Progress; readonly time: number }
  | {
      readonly type: "log";
      readonly runId: string;
      readonly stream: "stdout" | "stderr" | "log";
      readonly level: LogLevel;
      readonly text: string;
      readonly time: number;
    }
  | {
      /** The pipeline run has ended, but these bodies in processes of their own were told to stop and have not yet. */
      readonly type: "stopping";
      readonly runs: readonly { readonly id: string; readonly label: string }[];
      readonly time: number;
    }
  | { readonly type: "warning"; readonly runId: string | null; readonly message: string; readonly time: number };

/** A run was created or changed its state, or what it waits for. */
export interface RunChanged {
  readonly type: "run";
  readonly id: string;
  readonly parentId: string | null;
  readonly funcId: string;
  readonly name: string;
  readonly kind: RunKind;
  readonly state: RunState;
  readonly attempt: number;
  readonly time: number;
  /** What the run waits for, in words: `train#3f2a`, `a slot`, `retry in 2 s`; absent if it does not wait. */
  readonly waitsFor?: string | undefined;
  readonly failure?: Failure | undefined;
  readonly reason?: string | undefined;
  /** What the cache did for the run; absent if it was not asked. */
  readonly cache?: RunCache | undefined;
}
