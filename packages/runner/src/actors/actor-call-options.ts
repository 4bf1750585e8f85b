import { RepriseError } from "@reprise/core";
import type { ActorDefinition } from "./actor-definition.ts";

/**
 * Refuses options that say where a run executes, which for a func of an actor its environment says.
 *
 * @throws RepriseError `INVALID_OPTION` naming the option.
 */
export function refuseActorOptions(options: object, { name }: ActorDefinition, what: string): void {
  const { standalone, resources } = options as { readonly standalone?: unknown; readonly resources?: unknown };
  if (standalone !== undefined) {
    throw new RepriseError(
      "INVALID_OPTION",
      `${what}: standalone is not for funcs of an actor, which execute on the replicas of "${name}". For a process of its own declare the func with func({ …, standalone: true }).`,
    );
  }
  if (resources !== undefined) {
    throw new RepriseError(
      "INVALID_OPTION",
      `${what}: resources are those of the replicas: new ActorEnvironment({ name: "${name}", resources: { … } }). A call that needs others needs a func of another environment.`,
    );
  }
}
