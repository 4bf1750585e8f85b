import type { TreeDirectory, TreeNode } from "./tree.ts";

/** What is at one path, for the dashboard. */
type SummaryEntry =
  | { readonly path: string; readonly kind: "file"; readonly size: number; readonly executable: boolean }
  | { readonly path: string; readonly kind: "link"; readonly target: string }
  | { readonly path: string; readonly kind: "directory"; readonly size: number; readonly files: number };

/** What the dashboard shows of a directory. */
interface DirectorySummary {
  readonly digest: string;
  readonly ignore: readonly string[];
  /** Bytes of all files. */
  readonly size: number;
  readonly files: number;
  /** The uppermost levels first, at most {@link shownEntries}. */
  readonly entries: readonly SummaryEntry[];
  /** How many more there are. */
  readonly more: number;
}

const shownEntries = 200;

/** The uppermost part of a tree, with the size of each directory in it. */
export function summarizeTree(
  root: TreeDirectory,
  { digest, ignore }: { readonly digest: string; readonly ignore: readonly string[] },
): DirectorySummary {
  const totals = new Map<TreeNode, Total>();
  const { size, files, nodes } = total(root, totals);
  const entries: SummaryEntry[] = [];
  let level: { readonly path: string; readonly node: TreeNode }[] = root.nodes.map((node) => ({
    path: node.name,
    node,
  }));
  while (level.length > 0 && entries.length < shownEntries) {
    const shown = level.slice(0, shownEntries - entries.length);
    entries.push(...shown.map(({ path, node }) => entryOf(path, node, totals)));
    level = shown.flatMap(({ path, node }) =>
      node.kind === "directory" ? node.nodes.map((child) => ({ path: `${path}/${child.name}`, node: child })) : [],
    );
  }
  return { digest, ignore, size, files, entries, more: nodes - entries.length };
}

interface Total {
  size: number;
  files: number;
  nodes: number;
}

function total(directory: TreeDirectory, totals: Map<TreeNode, Total>): Total {
  const sum: Total = { size: 0, files: 0, nodes: directory.nodes.length };
  for (const node of directory.nodes) {
    if (node.kind === "directory") {
      const { size, files, nodes } = total(node, totals);
      sum.size += size;
      sum.files += files;
      sum.nodes += nodes;
    } else if (node.kind === "file") {
      sum.size += node.size;
      sum.files += 1;
    }
  }
  totals.set(directory, sum);
  return sum;
}

function entryOf(path: string, node: TreeNode, totals: ReadonlyMap<TreeNode, Total>): SummaryEntry {
  if (node.kind === "link") return { path, kind: "link", target: node.target };
  if (node.kind === "file") return { path, kind: "file", size: node.size, executable: node.executable };
  const { size = 0, files = 0 } = totals.get(node) ?? {};
  return { path, kind: "directory", size, files };
}
