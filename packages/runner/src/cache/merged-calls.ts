import { isFinished } from "@reprise/core";
import type { Call } from "../call.ts";

/**
 * Equal calls of one pipeline run: the first computes, the others wait for it.
 *
 * Waiting must never go round in a circle. Who waits for whom is: a run for the runs below it; a call for the call that
 * computes the same; a call that queues at a gate for those that hold it.
 */
export class MergedCalls {
  /** The call that computes, or has computed, each key. */
  readonly #owners = new Map<string, Call>();
  readonly #followers = new Map<Call, Call[]>();
  /** For each call that waits, the one that it waits for. */
  readonly #waits = new Map<Call, Call>();

  /** Who computes or has computed the key. */
  ownerOf(key: string): Call | undefined {
    return this.#owners.get(key);
  }

  /** From now on this call computes the key. */
  own(key: string, call: Call): void {
    this.#owners.set(key, call);
  }

  /** The key is computed by nobody any more. */
  disown(key: string, call: Call): void {
    if (this.#owners.get(key) === call) this.#owners.delete(key);
  }

  /** From now on a call waits for the one that computes the same. */
  follow(call: Call, owner: Call): void {
    const followers = this.#followers.get(owner);
    if (followers === undefined) this.#followers.set(owner, [call]);
    else followers.push(call);
    this.#waits.set(call, owner);
    call.follows = owner;
  }

  /** The calls that wait for this one and have not ended; from now on they do not wait any more. */
  takeFollowers(owner: Call): readonly Call[] {
    const followers = this.#followers.get(owner);
    if (followers === undefined) return [];
    this.#followers.delete(owner);
    for (const call of followers) this.#waits.delete(call);
    return followers.filter((call) => !isFinished(call.state));
  }

  /** A call that waited has ended. */
  leave(call: Call): void {
    const owner = this.#waits.get(call);
    if (owner === undefined) return;
    this.#waits.delete(call);
    const others = this.#followers.get(owner)?.filter((follower) => follower !== call) ?? [];
    if (others.length === 0) this.#followers.delete(owner);
    else this.#followers.set(owner, others);
  }

  /** All calls that cannot end before this one has: they wait for it, directly or not. */
  dependents(call: Call): ReadonlySet<Call> {
    const found = new Set([call]);
    for (const at of found) {
      if (at.parent !== null) found.add(at.parent);
      for (const follower of this.#followers.get(at) ?? []) found.add(follower);
      if (!at.holdsGate) continue;
      for (const sibling of at.parent?.children ?? []) {
        if (sibling.gate === at.gate && !sibling.holdsGate && !isFinished(sibling.state)) found.add(sibling);
      }
    }
    found.delete(call);
    return found;
  }

  /** Whether `owner` cannot end before `call` has: then waiting for it would never end. */
  waitsFor(owner: Call, call: Call): boolean {
    const seen = new Set<Call>();
    const open = [owner];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      if (at === call || isAbove(at, call)) return true;
      // Most calls have none below them, and equal calls may be many.
      if (at.openChildren > 0) {
        for (const [waiter, computes] of this.#waits) if (isAbove(at, waiter)) open.push(computes);
      }
      const { gate } = at;
      if (gate !== undefined && !at.holdsGate) {
        for (const sibling of at.parent?.children ?? []) {
          if (sibling.holdsGate && sibling.gate === gate) open.push(sibling);
        }
      }
    }
    return false;
  }
}

/** Whether a call made, directly or not, the other one. */
export function isAbove(call: Call, other: Call): boolean {
  for (let above = other.parent; above !== null; above = above.parent) if (above === call) return true;
  return false;
}
