import type { Resources } from "../resources.ts";

/** An actor environment as the engine and the supervisor see it: validated, times in milliseconds. Plain JSON but `warmups`. */
export interface ActorDefinition {
  /** Unique in the program. */
  readonly name: string;
  readonly replicas: { readonly min: number; readonly max: number };
  /** Milliseconds after its last use that a replica above `min`, and then the pool, lives on. */
  readonly ttl: number;
  /** How many bodies a replica executes at once. */
  readonly concurrency: number;
  readonly resources: Resources | undefined;
  /** Environment variables of the replicas, besides those of whoever starts the pool. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether a body sees what others have left in globals, environment variables and module variables. */
  readonly isolation: "shared" | "clean";
}
