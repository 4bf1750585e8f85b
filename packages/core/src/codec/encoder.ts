import { types } from "node:util";
import type { BlobPart, BlobRef } from "./blob-ref.ts";
import { ByteWriter } from "./byte-writer.ts";
import { FORMAT_VERSION, headerFlag, MAX_DEPTH, tag } from "./format.ts";
import { writeArray } from "./encode-array.ts";
import { writeInstance } from "./encode-instance.ts";
import { writePlainObject } from "./encode-object.ts";
import { Refusal } from "./refusal.ts";
import { refuseUnknown } from "./refuse-unknown.ts";
import type { TypeRegistry } from "./type-registry.ts";

const objectPrototype = Object.prototype;
const maxKeptPending = 256;

/** Writes the nodes of one document. */
export class Encoder extends ByteWriter {
  registry: TypeRegistry;
  /** Whether instances take part by `[cacheKey]()`, and only the digest of the result is wanted. */
  forKey: boolean;
  readonly blobs = new Map<string, BlobPart>();
  readonly references = new Map<string, BlobRef>();
  /** Keys of the object that is being read. */
  readonly keys: string[] = [];
  /** Values of the objects that are being written, the innermost last, in place of an array for each. */
  readonly pending: unknown[] = [];
  /** How many of `pending` are in use. */
  pendingCount = 0;
  /** Whether `for … in` finds exactly the own properties of plain objects. */
  plainIteration = true;
  #depth = 0;

  constructor(registry: TypeRegistry, forKey: boolean) {
    super();
    this.registry = registry;
    this.forKey = forKey;
  }

  /** Makes the encoder, whatever it did before, ready for another document. */
  restart(registry: TypeRegistry, forKey: boolean): void {
    this.registry = registry;
    this.forKey = forKey;
    this.position = 0;
  }

  /** Lets go of everything that belongs to the last document. */
  forget(): void {
    this.#depth = 0;
    this.pendingCount = 0;
    if (this.pending.length > maxKeptPending) this.pending.length = 0;
    else this.pending.fill(undefined);
    if (this.blobs.size > 0) this.blobs.clear();
    if (this.references.size > 0) this.references.clear();
  }

  /** Writes the whole document of a value. */
  document(value: unknown): void {
    this.plainIteration = isUnpolluted();
    this.bytes[0] = FORMAT_VERSION;
    this.position = 2;
    this.value(value);
    this.bytes[1] =
      (this.blobs.size > 0 ? headerFlag.blobs : 0) | (this.references.size > 0 ? headerFlag.references : 0);
  }

  /** Writes the node of a value. A chain of comparisons: V8 makes each a check of its own, and a switch a call. */
  value(value: unknown): void {
    if (typeof value === "string") this.string(value);
    else if (typeof value === "number") this.number(value);
    else if (typeof value === "object") {
      if (value === null) this.byte(tag.null);
      else this.#object(value);
    } else if (typeof value === "boolean") this.byte(value ? tag.true : tag.false);
    else if (value === undefined) this.byte(tag.undefined);
    else if (typeof value === "bigint") this.bigint(value);
    else refuseUnknown(value);
  }

  #object(value: object): void {
    if (this.#depth === MAX_DEPTH) {
      throw new Refusal(`the value is nested more than ${MAX_DEPTH} levels deep; store it flat`, { tooDeep: true });
    }
    this.#depth++;
    // Asked first: everything else that can be asked of a proxy runs code of the user.
    if (types.isProxy(value)) refuseUnknown(value);
    const prototype = Object.getPrototypeOf(value) as object | null;
    if (prototype === objectPrototype) writePlainObject(this, value, tag.object);
    else if (Array.isArray(value)) writeArray(this, value, prototype);
    else writeInstance(this, value, prototype);
    this.#depth--;
  }
}

/** Whether nobody has put an enumerable property on the prototype of all objects. */
function isUnpolluted(): boolean {
  for (const _ in objectPrototype) return false;
  return true;
}
