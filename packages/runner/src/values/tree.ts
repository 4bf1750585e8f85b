/** What a directory holds, in memory. */

/** A file in a tree. */
export interface TreeFile {
  readonly kind: "file";
  readonly name: string;
  readonly size: number;
  /** As `digestBytes` gives it for the content: 64 hexadecimal characters. */
  readonly digest: string;
  readonly executable: boolean;
}

/** A symbolic link in a tree: the text of its target, not what is there. */
export interface TreeLink {
  readonly kind: "link";
  readonly name: string;
  readonly target: string;
}

/** A directory in a tree. Its nodes are sorted by the bytes of their names. */
export interface TreeDirectory {
  readonly kind: "directory";
  readonly name: string;
  readonly nodes: readonly TreeNode[];
}

export type TreeNode = TreeFile | TreeLink | TreeDirectory;

/** A node with its path from the root, parts joined by `/`. */
export interface PlacedNode {
  readonly path: string;
  readonly node: TreeNode;
}

/** All nodes below a directory, each directory before what it holds. */
export function* walkTree(root: TreeDirectory, prefix = ""): Generator<PlacedNode, void, undefined> {
  for (const node of root.nodes) {
    const path = prefix + node.name;
    yield { path, node };
    if (node.kind === "directory") yield* walkTree(node, `${path}/`);
  }
}

const surrogate = /[\ud800-\udfff]/;

/** Order of names by their bytes in UTF-8. It differs from that of UTF-16 only where characters beyond U+FFFF occur. */
export function compareNames(left: string, right: string): number {
  if (left === right) return 0;
  if (surrogate.test(left) || surrogate.test(right)) return Buffer.compare(Buffer.from(left), Buffer.from(right));
  return left < right ? -1 : 1;
}

/** Whether a text can be the name of one node: not empty, no separator, not a way to another directory. */
export function isNodeName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !name.includes("/") && !name.includes("\0");
}
