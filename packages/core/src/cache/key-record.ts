import { encode } from "../codec/encode.ts";
import { FORMAT_VERSION } from "../codec/format.ts";
import type { Digest } from "../digest.ts";

/** Version of the canonical encoding of values; part of every key, so that a change of it makes misses. */
export const ENCODING_VERSION: number = FORMAT_VERSION;

/** One argument as it takes part in a key. */
export interface KeyInput {
  readonly name: string;
  /** Digest of the value; null if the argument is ignored. */
  readonly digest: Digest | null;
}

/** What stands for the code. */
export interface KeyVersion {
  /** `given`: the text of the option `version`. `auto`, `body`: a digest of the func's code. */
  readonly kind: "given" | "auto" | "body";
  readonly value: string;
}

/** Interface of the func: names of arguments, sorted, and digests of the JSON Schemas where schemas are given. */
export interface KeySignature {
  readonly parameters: readonly string[];
  readonly input: Digest | null;
  readonly output: Digest | null;
}

/**
 * Everything that decides whether an earlier result may be reused, each ingredient under its name. It is stored with the
 * entry, so that a miss can be explained.
 */
export interface KeyRecord {
  readonly encoding: number;
  /** Set by the store from who asks; nobody chooses it. */
  readonly account: string;
  readonly namespace: string;
  /** Id of the root func for `scope: "pipeline"`; null if all pipelines share. */
  readonly pipeline: string | null;
  readonly func: string;
  readonly signature: KeySignature;
  readonly version: KeyVersion;
  /** Sorted by name. */
  readonly inputs: readonly KeyInput[];
}

/** Names of the ingredients, in the order in which people want to hear of them. */
export const keyIngredients = [
  "func",
  "version",
  "signature",
  "inputs",
  "namespace",
  "pipeline",
  "account",
  "encoding",
] as const satisfies readonly (keyof KeyRecord)[];

/** Name of an ingredient of a key. */
export type KeyIngredient = (typeof keyIngredients)[number];

/**
 * The cache key: SHA-256 over the whole record, so its length is fixed whatever the inputs.
 *
 * Texts that people type (namespace, func, pipeline) count in their composed Unicode form.
 */
export function cacheKeyOf(record: KeyRecord): Digest {
  const { encoding, account, namespace, pipeline, func, signature, version, inputs } = record;
  return encode([
    encoding,
    account,
    namespace.normalize("NFC"),
    pipeline?.normalize("NFC") ?? null,
    func.normalize("NFC"),
    [signature.parameters, signature.input, signature.output],
    [version.kind, version.value],
    inputs.map(({ name, digest }) => [name, digest]),
  ]).digest;
}

/** An ingredient in which two key records differ. */
export type KeyDifference =
  | { readonly ingredient: Exclude<KeyIngredient, "inputs">; readonly before: string; readonly after: string }
  /** `before`, `after`: digest, `"ignored"`, or null where the argument is missing. */
  | {
      readonly ingredient: "inputs";
      readonly name: string;
      readonly before: string | null;
      readonly after: string | null;
    };

/** All ingredients in which `after` differs from `before`; none if they have one key. */
export function diffKeyRecords(before: KeyRecord, after: KeyRecord): readonly KeyDifference[] {
  return keyIngredients.flatMap((ingredient): readonly KeyDifference[] => {
    if (ingredient === "inputs") return diffInputs(before.inputs, after.inputs);
    const [old, fresh] = [describe(before, ingredient), describe(after, ingredient)];
    return old === fresh ? [] : [{ ingredient, before: old, after: fresh }];
  });
}

function describe(record: KeyRecord, ingredient: Exclude<KeyIngredient, "inputs">): string {
  switch (ingredient) {
    case "version":
      return `${record.version.kind}:${record.version.value}`;
    case "signature": {
      const { parameters, input, output } = record.signature;
      const schemas = [input === null ? "" : ` input ${input}`, output === null ? "" : ` output ${output}`];
      return `(${parameters.join(", ")})${schemas.join("")}`;
    }
    case "pipeline":
      return record.pipeline?.normalize("NFC") ?? "";
    default:
      return String(record[ingredient]).normalize("NFC");
  }
}

function diffInputs(before: readonly KeyInput[], after: readonly KeyInput[]): readonly KeyDifference[] {
  const text = (input: KeyInput | undefined): string | null =>
    input === undefined ? null : (input.digest ?? "ignored");
  const names = [...new Set([...before, ...after].map(({ name }) => name))].sort();
  return names.flatMap((name) => {
    const old = text(before.find((input) => input.name === name));
    const fresh = text(after.find((input) => input.name === name));
    return old === fresh ? [] : [{ ingredient: "inputs", name, before: old, after: fresh } as const];
  });
}
