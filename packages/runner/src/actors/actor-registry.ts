import type { SourcePlace } from "../source.ts";
import type { ActorDefinition } from "./actor-definition.ts";
import type { CacheTable } from "./cache-table.ts";

/** An environment that this process has declared. */
export interface DeclaredActor {
  readonly definition: ActorDefinition;
  readonly place: SourcePlace | undefined;
  /** What a replica does before it takes tasks, in this order. */
  readonly warmups: { readonly place: SourcePlace | undefined; readonly run: () => unknown }[];
}

interface Registry {
  readonly environments: Map<string, DeclaredActor>;
  /** By actor and place. */
  readonly tables: Map<string, CacheTable>;
  /** How many cached functions were declared at a place since the user's code was loaded. */
  readonly declared: Map<string, number>;
}

// Outside of user modules, which may be loaded anew, and shared by all copies of the library in one process.
const registryKey = Symbol.for("reprise.actors");

/** What the actors of this process are made of. */
export const actorRegistry: Registry = ((globalThis as Record<symbol, unknown>)[registryKey] ??= {
  environments: new Map(),
  tables: new Map(),
  declared: new Map(),
}) as Registry;

/** The environments that this process has declared, by name. */
export function declaredActors(): ReadonlyMap<string, DeclaredActor> {
  return actorRegistry.environments;
}
