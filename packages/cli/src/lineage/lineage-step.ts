import type { CacheStatus, RunState } from "@reprise/core";

/** A run as lineage tells of it. */
export interface LineageRun {
  readonly id: string;
  readonly rootId: string;
  readonly name: string;
  readonly funcId: string;
  readonly state: RunState;
  readonly status: CacheStatus;
}

/** How a value came from a run, or what a run made of it. Paths are as those of edges: `.model`, `[3]`, or empty. */
export type LineageLink =
  /** It is the run's result. */
  | { readonly type: "made" }
  /** It is a part of the run's result. */
  | { readonly type: "part"; readonly sourcePath: string }
  /** Upstream: an argument came from the run. */
  | { readonly type: "argument"; readonly name: string; readonly sourcePath: string }
  /** Upstream: an argument that holds results of several runs, which stand below it. */
  | { readonly type: "composite"; readonly name: string }
  /** Upstream: a place in such an argument came from the run. */
  | { readonly type: "place"; readonly place: string; readonly sourcePath: string }
  /** Upstream: an argument that came from no run. `isInput`: of the root, where it came from whoever called it. */
  | { readonly type: "value"; readonly name: string; readonly isInput: boolean }
  /** Upstream: the run's body gave such arguments. */
  | { readonly type: "caller" }
  /** Upstream: a place in the result came from the run. Downstream: the run's result holds it there. */
  | { readonly type: "result"; readonly place: string; readonly sourcePath: string }
  /** Upstream: an element of the group. Downstream: the group of which it is one. */
  | { readonly type: "element"; readonly index: number }
  /** Upstream: its body waited for the run. Downstream: the run's body waited for it. */
  | { readonly type: "waited" }
  /** Downstream: the run got it as an argument. */
  | { readonly type: "use"; readonly name: string; readonly place: string; readonly sourcePath: string }
  /** Downstream: another run whose result it is without that it was computed again. */
  | { readonly type: "reused" };

/** One step from a value to where it came from, or to what was made of it. */
export interface LineageStep {
  /** Equal for steps from which the same follows. */
  readonly key: string;
  readonly link: LineageLink;
  readonly run: LineageRun | null;
  /** The run that computed the result, if `run` has reused it and that run is still recorded. */
  readonly computedBy: LineageRun | null;
  /** The value: what flowed upstream of a run; what the run made of it downstream. */
  readonly artifact: string | null;
}
