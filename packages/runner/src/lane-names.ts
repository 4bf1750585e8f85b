/** Lane of funcs that are standalone. */
export const standaloneLane = "standalone";

/** Lane of the funcs of an actor. */
export function actorLane(environment: string): string {
  return `actor ${environment}`;
}
