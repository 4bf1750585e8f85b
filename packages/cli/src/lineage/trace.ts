import type { LineageStep } from "./lineage-step.ts";
import type { OpenStep } from "./lineage-source.ts";

/** How far to follow values. */
export interface TraceLimits {
  /** Steps from the value. */
  readonly depth: number;
  /** Steps in all. */
  readonly steps: number;
  /** Steps from one value or run. */
  readonly width: number;
}

/** A step with what follows it. */
export interface LineageNode extends Omit<LineageStep, "key"> {
  /** What follows was told above. */
  readonly isRepeated: boolean;
  /** Steps right behind this one that are left out: too far away, or too many. */
  readonly left: number;
  readonly children: readonly LineageNode[];
}

/** What was found of a step: what follows it, as far as that is told. */
interface Found {
  readonly steps: readonly OpenStep[];
  readonly left: number;
}

/**
 * Follows steps: what is near before what is far, everything once. Of what is reached several times, only the first place
 * in the tree tells what follows.
 */
export async function trace(first: readonly OpenStep[], limits: TraceLimits): Promise<LineageNode[]> {
  const found = new Map<string, Found>();
  let level: readonly OpenStep[] = first;
  let count = first.length;
  for (let depth = 1; depth < limits.depth && level.length > 0 && count < limits.steps; depth++) {
    const next: OpenStep[] = [];
    for (const step of level) {
      if (found.has(step.key) || count >= limits.steps) continue;
      const all = await step.next();
      const steps = chosen(all, limits.width);
      found.set(step.key, { steps, left: all.length - steps.length });
      next.push(...steps);
      count += steps.length;
    }
    level = next;
  }
  // Of what is not followed any more it is told whether there is more.
  for (const step of [first, ...[...found.values()].map(({ steps }) => steps)].flat()) {
    if (!found.has(step.key)) found.set(step.key, { steps: [], left: (await step.next()).length });
  }
  const told = new Set<string>();
  const nodeOf = ({ next: _next, key, covers, ...about }: OpenStep): LineageNode => {
    const { steps, left } = found.get(key) ?? { steps: [], left: 0 };
    const isRepeated = told.has(key) && steps.length + left > 0;
    told.add(key);
    if (covers !== undefined) told.add(covers);
    return isRepeated
      ? { ...about, isRepeated, left: 0, children: [] }
      : { ...about, isRepeated, left, children: steps.map(nodeOf) };
  };
  return first.map(nodeOf);
}

/** The first steps; of elements of a group, which are much alike, fewer. */
function chosen(steps: readonly OpenStep[], width: number): readonly OpenStep[] {
  let elements = 0;
  const few = steps.filter(({ link }) => link.type !== "element" || ++elements <= Math.ceil(width / 3));
  return few.slice(0, width);
}
