import { BlobRef } from "./blob-ref.ts";
import { cut } from "./cut.ts";
import { containerSummary } from "./summary-containers.ts";
import type { Summary, SummaryNode } from "./summarize.ts";
import { knownTypeName } from "./type-name.ts";
import type { RegisteredType, TypeRegistry } from "./type-registry.ts";

/** Makes summaries. Space is in characters, roughly: each container shares what it was given among its elements. */
export class Summarizer {
  readonly registry: TypeRegistry;
  readonly maxItems: number;
  readonly #maxDepth: number;
  readonly #path: object[] = [];

  constructor(registry: TypeRegistry, maxItems: number, maxDepth: number) {
    this.registry = registry;
    this.maxItems = Math.max(1, maxItems);
    this.#maxDepth = maxDepth;
  }

  summarize(value: unknown, space: number): Summary {
    switch (typeof value) {
      case "string":
        return cutString(value, space);
      case "number":
        return Number.isFinite(value) && !Object.is(value, -0) ? value : { $: "number", text: numberText(value) };
      case "boolean":
        return value;
      case "undefined":
        return { $: "undefined" };
      case "bigint":
        return bigintSummary(value, space);
      case "object":
        return value === null ? null : this.#object(value, space);
      default:
        return { $: "more", text: typeof value };
    }
  }

  #object(value: object, space: number): Summary {
    if (this.#path.length >= this.#maxDepth || this.#path.includes(value)) {
      return { $: "more", text: Array.isArray(value) ? "array" : "object" };
    }
    this.#path.push(value);
    try {
      return this.#known(value, space);
    } catch (error) {
      // A getter, a proxy or the summary of a type threw: the rest is still worth showing.
      return { $: "more", text: cut(`cannot be shown: ${error instanceof Error ? error.message : "it threw"}`, 200) };
    } finally {
      this.#path.pop();
    }
  }

  #known(value: object, space: number): Summary {
    if (value instanceof BlobRef) return { $: "blob", digest: value.digest, length: value.size };
    const type = knownTypeName(value, this.registry);
    const registered = type === undefined ? undefined : this.registry.named(type);
    if (registered !== undefined && this.registry.find(value) === registered) {
      return this.#registered(value, registered, space);
    }
    return scalarSummary(value, type, space) ?? containerSummary(this, value, type, space);
  }

  #registered(value: object, type: RegisteredType, space: number): SummaryNode {
    const { name, render } = type;
    const shown = type.summary === undefined ? type.encode?.(value) : type.summary(value);
    const node = { $: "type", name, ...(render !== undefined && { render }) };
    return shown === undefined ? node : { ...node, value: this.summarize(shown, space - name.length - 40) };
  }
}

function scalarSummary(value: object, type: string | undefined, space: number): SummaryNode | undefined {
  if (value instanceof Date) {
    const valid = !Number.isNaN(value.getTime());
    return { $: "Date", text: valid ? value.toISOString() : "Invalid Date" };
  }
  if (value instanceof RegExp) return { $: "RegExp", text: cut(String(value), space) };
  if (value instanceof URL) return { $: "URL", text: cut(value.href, space) };
  if (value instanceof Error) {
    return { $: "Error", name: cut(value.name, 200), text: cut(value.message, space) };
  }
  return type === undefined ? { $: "more", text: "instance of an unregistered class" } : undefined;
}

/** Characters of a cut string besides its text. */
const nodeOverhead = 48;

function cutString(value: string, space: number): Summary {
  if (value.length <= Math.max(16, space)) return value;
  return { $: "string", length: value.length, text: cut(value, space - nodeOverhead) };
}

function bigintSummary(value: bigint, space: number): SummaryNode {
  // The decimal digits of a huge one would take longer than all the rest.
  const huge = value > hugeBigint || value < -hugeBigint;
  const text = huge ? `0x${value.toString(16)}` : String(value);
  return text.length <= Math.max(40, space)
    ? { $: "bigint", text }
    : { $: "bigint", text: cut(text, space), length: text.length };
}

const hugeBigint = 2n ** 4096n;

function numberText(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}
