import { compareNames } from "./tree.ts";

/** A node of a tree whose files are of type `F`. */
type Node<F> = F | Link | Directory<F>;

interface File {
  readonly kind: "file";
  readonly name: string;
}

interface Link {
  readonly kind: "link";
  readonly name: string;
  readonly target: string;
}

interface Directory<F> {
  readonly kind: "directory";
  readonly name: string;
  readonly nodes: readonly Node<F>[];
}

/** Where a path in a tree leads: to a node, to nothing, out of the tree, or round in a circle. */
export type Destination<F> =
  | { readonly kind: "node"; readonly node: Node<F> }
  | { readonly kind: "nothing" }
  | { readonly kind: "outside" }
  | { readonly kind: "loop" };

// As many links as Linux follows on one path.
const maxLinks = 40;

/**
 * Follows a path in a tree as the operating system would, through links, but without touching any file system. An
 * absolute target leads out of the tree, also if it is a path of the place where the tree was taken from: the tree may
 * be restored anywhere.
 *
 * @param from names of the directories that lead from the root to where the path starts.
 */
export function followPath<F extends File>(root: Directory<F>, from: readonly string[], path: string): Destination<F> {
  const trail: Node<F>[] = [root];
  for (const name of from) {
    const next = child(trail.at(-1), name);
    if (next === undefined) return { kind: "nothing" };
    trail.push(next);
  }
  const steps = path.split("/").reverse();
  let links = 0;
  if (path.startsWith("/")) return { kind: "outside" };
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    if (step === "" || step === ".") continue;
    if (trail.at(-1)?.kind !== "directory") return { kind: "nothing" };
    if (step === "..") {
      trail.pop();
      if (trail.length === 0) return { kind: "outside" };
      continue;
    }
    const next = child(trail.at(-1), step);
    if (next === undefined) return isEscape(steps, trail.length) ? { kind: "outside" } : { kind: "nothing" };
    if (next.kind !== "link") {
      trail.push(next);
      continue;
    }
    links += 1;
    if (links > maxLinks) return { kind: "loop" };
    if (next.target.startsWith("/")) return { kind: "outside" };
    steps.push(...next.target.split("/").reverse());
  }
  return { kind: "node", node: trail.at(-1) ?? root };
}

/** Whether a path whose beginning does not exist would leave the tree all the same if it did. */
function isEscape(remaining: readonly string[], depth: number): boolean {
  // The missing part counts as one directory; `depth` counts the root.
  let level = depth;
  for (const step of remaining.toReversed()) {
    if (step === "" || step === ".") continue;
    level += step === ".." ? -1 : 1;
    if (level < 0) return true;
  }
  return false;
}

function child<F extends File>(parent: Node<F> | undefined, name: string): Node<F> | undefined {
  if (parent?.kind !== "directory") return undefined;
  const { nodes } = parent;
  let low = 0;
  for (let high = nodes.length; low < high;) {
    const middle = (low + high) >>> 1;
    if (compareNames(nodes[middle]?.name ?? "", name) < 0) low = middle + 1;
    else high = middle;
  }
  return nodes[low]?.name === name ? nodes[low] : undefined;
}
