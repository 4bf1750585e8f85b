import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { RepriseError } from "@reprise/core";
import { compareNames, isNodeName, type TreeDirectory, type TreeNode } from "./tree.ts";

/**
 * The canonical bytes of a tree: for each node a tag, the length of its name, the name in UTF-8, and
 *
 * - file (1) and executable file (2): size, 32 bytes of digest;
 * - link (3): length of its target, the target in UTF-8;
 * - directory (4): its nodes, and a tag 0 that ends them. The root is such a list of nodes without a name.
 *
 * Nodes are sorted by the bytes of their names. Lengths and sizes are little-endian base-128 numbers.
 */
const tag = { end: 0, file: 1, executable: 2, link: 3, directory: 4 } as const;

// PATH_MAX of Linux allows 2,047 directories in one another.
const maxDepth = 2_100;

/** Bytes of a tree; equal for equal trees. */
export function writeListing(root: TreeDirectory): Uint8Array {
  const writer = new ListingWriter();
  const visit = (nodes: readonly TreeNode[]): void => {
    for (const node of nodes) {
      writer.head(node);
      if (node.kind === "directory") visit(node.nodes);
    }
    writer.byte(tag.end);
  };
  visit(root.nodes);
  return writer.take();
}

/**
 * Digest of a tree: that of each directory is the SHA-256 of its nodes as they stand in a listing, each directory among
 * them by its own digest (a Merkle tree), so equal subtrees have equal digests wherever they are.
 */
export function digestTree(root: TreeDirectory): string {
  const writer = new ListingWriter();
  const visit = (nodes: readonly TreeNode[]): Buffer => {
    const inner = nodes.map((node) => (node.kind === "directory" ? visit(node.nodes) : undefined));
    writer.text("reprise directory");
    nodes.forEach((node, index) => {
      writer.head(node);
      const digest = inner[index];
      if (digest !== undefined) writer.bytes(digest);
    });
    return createHash("sha256").update(writer.take()).digest();
  };
  return visit(root.nodes).toString("hex");
}

/**
 * The tree of a listing.
 *
 * @throws RepriseError `ARTIFACT_DAMAGED` if the bytes are no listing or not the canonical one.
 */
export function readListing(bytes: Uint8Array): TreeDirectory {
  const reader = new ListingReader(bytes);
  const read = (name: string, depth: number): TreeDirectory => {
    if (depth > maxDepth) throw damaged("directories nested too deep");
    const nodes: TreeNode[] = [];
    for (let kind = reader.byte(); kind !== tag.end; kind = reader.byte()) {
      const child = reader.text();
      const previous = nodes.at(-1);
      if (!isNodeName(child)) throw damaged("a name that is none");
      if (previous !== undefined && compareNames(previous.name, child) >= 0) throw damaged("names out of order");
      nodes.push(kind === tag.directory ? read(child, depth + 1) : reader.leaf(kind, child));
    }
    return { kind: "directory", name, nodes };
  };
  const root = read("", 0);
  reader.end();
  return root;
}

class ListingWriter {
  #buffer = Buffer.allocUnsafe(4_096);
  #length = 0;

  head(node: TreeNode): void {
    this.byte(node.kind === "file" && node.executable ? tag.executable : tag[node.kind]);
    this.text(node.name);
    if (node.kind === "file") {
      this.number(node.size);
      this.#reserve(32);
      this.#length += this.#buffer.write(node.digest, this.#length, 32, "hex");
    } else if (node.kind === "link") {
      this.text(node.target);
    }
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length] = value;
    this.#length += 1;
  }

  number(value: number): void {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.byte((rest % 128) + 128);
    this.byte(rest);
  }

  text(value: string): void {
    const length = Buffer.byteLength(value);
    this.number(length);
    this.#reserve(length);
    this.#length += this.#buffer.write(value, this.#length, length, "utf8");
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  /** A copy of what was written; the writer starts anew. */
  take(): Uint8Array {
    const written = Uint8Array.prototype.slice.call(this.#buffer, 0, this.#length);
    this.#length = 0;
    return new Uint8Array(written.buffer, written.byteOffset, written.length);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + count));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

class ListingReader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  byte(): number {
    const value = this.#bytes[this.#position++];
    if (value === undefined) throw damaged("it ends too early");
    return value;
  }

  number(): number {
    let value = 0;
    for (let scale = 1; scale < Number.MAX_SAFE_INTEGER; scale *= 128) {
      const part = this.byte();
      value += (part % 128) * scale;
      if (part < 128 && (part > 0 || scale === 1) && Number.isSafeInteger(value)) return value;
      if (part < 128) break;
    }
    throw damaged("a number that is none");
  }

  text(): string {
    const bytes = this.#take(this.number());
    if (!isUtf8(bytes)) throw damaged("a text that is not UTF-8");
    return bytes.toString("utf8");
  }

  leaf(kind: number, name: string): TreeNode {
    if (kind === tag.link) return { kind: "link", name, target: this.text() };
    if (kind !== tag.file && kind !== tag.executable) throw damaged("an unknown kind of node");
    const size = this.number();
    return { kind: "file", name, size, digest: this.#take(32).toString("hex"), executable: kind === tag.executable };
  }

  end(): void {
    if (this.#position !== this.#bytes.length) throw damaged("bytes after its end");
  }

  #take(length: number): Buffer {
    if (length > this.#bytes.length - this.#position) throw damaged("it ends too early");
    this.#position += length;
    return this.#bytes.subarray(this.#position - length, this.#position);
  }
}

function damaged(reason: string): RepriseError {
  return new RepriseError(
    "ARTIFACT_DAMAGED",
    `The listing of a directory is damaged: ${reason}. Run the func that made it again.`,
  );
}
