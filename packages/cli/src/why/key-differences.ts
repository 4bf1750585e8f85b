import { diffKeyRecords, type KeyDifference, type KeyRecord } from "@reprise/core";
import { versionText } from "../cache/entry-texts.ts";
import { codeDifferences, type KeptCode } from "./code-differences.ts";
import type { Difference } from "./difference.ts";
import { isDigest, valueDifferences } from "./value-differences.ts";

/** What is known besides the digests of two keys. */
export interface KeySources {
  /** The values of an argument, before and after; undefined if they cannot be read. */
  readonly values: (name: string) => Promise<readonly [before: unknown, after: unknown] | undefined>;
  /** The code behind the digest of a version; undefined if it is not kept. */
  readonly code: (digest: string) => Promise<KeptCode | undefined>;
}

/** Places told of one argument. */
const maxPlaces = 8;

/** In what the key `after` differs from `before`, in words; empty if the keys are one. */
export async function keyDifferences(
  before: KeyRecord,
  after: KeyRecord,
  sources: KeySources,
): Promise<readonly Difference[]> {
  const found: Difference[] = [];
  for (const difference of diffKeyRecords(before, after)) {
    if (difference.ingredient === "inputs") found.push(...(await inputDifferences(difference, sources)));
    else if (difference.ingredient === "version") found.push(...(await versionDifferences(before, after, sources)));
    else if (difference.ingredient === "signature") found.push(...signatureDifferences(before, after));
    else found.push(otherDifference(difference));
  }
  return found;
}

async function inputDifferences(
  { name, before, after }: Extract<KeyDifference, { ingredient: "inputs" }>,
  { values }: KeySources,
): Promise<readonly Difference[]> {
  const read = async () => (isDigest(before) && isDigest(after) ? await values(name) : undefined);
  const equal = "what was given is equal; what the schema or [cacheKey]() makes of it is not";
  return valueDifferences({ ingredient: "inputs", name, before, after }, read, { equal, limit: maxPlaces });
}

async function versionDifferences(
  { version: before }: KeyRecord,
  { version: after, func }: KeyRecord,
  { code }: KeySources,
): Promise<readonly Difference[]> {
  if (before.kind !== "given" && after.kind !== "given") {
    const [old, fresh] = await Promise.all([code(before.value), code(after.value)]);
    if (before.kind === after.kind && old !== undefined && fresh !== undefined) {
      return codeDifferences(func, old, fresh);
    }
  }
  const text = (version: KeyRecord["version"]) => {
    if (version.kind === "given") return `"${versionText(version)}"`;
    return `${version.kind === "auto" ? "all its code" : "its own body"} (${version.value.slice(0, 8)})`;
  };
  const onlyCode = before.kind === after.kind && before.kind !== "given";
  const [old, fresh] = onlyCode ? [before.value.slice(0, 8), after.value.slice(0, 8)] : [text(before), text(after)];
  const head = onlyCode ? "code changed" : "version";
  const tail = onlyCode ? "  (its sources are not kept)" : "";
  return [
    {
      ingredient: "version",
      name: "",
      text: `${head}: ${old} → ${fresh}${tail}`,
      before: before.value,
      after: after.value,
      diff: [],
    },
  ];
}

function signatureDifferences(before: KeyRecord, after: KeyRecord): Difference[] {
  const found: Difference[] = [];
  const add = (name: string, old: string | null, fresh: string | null, text: string): void => {
    found.push({ ingredient: "signature", name, text, before: old, after: fresh, diff: [] });
  };
  const [old, fresh] = [before, after].map(({ signature }) => `(${signature.parameters.join(", ")})`);
  if (old !== fresh) add("parameters", old ?? null, fresh ?? null, `parameters: ${old} → ${fresh}`);
  for (const side of ["input", "output"] as const) {
    const [was, is] = [before.signature[side], after.signature[side]];
    if (was === is) continue;
    const verb = was === null ? "is new" : is === null ? "is gone" : "changed";
    add(side, was, is, `signature: the ${side} schema ${verb}`);
  }
  return found;
}

function otherDifference({ ingredient, before, after }: Exclude<KeyDifference, { ingredient: "inputs" }>): Difference {
  const all = (pipeline: string) => (pipeline === "" ? "all pipelines" : `"${pipeline}"`);
  const texts: Partial<Record<typeof ingredient, string>> = {
    namespace: `namespace: ${before} → ${after}`,
    pipeline: `shared by: ${all(before)} → ${all(after)}`,
    encoding: `encoding of values: version ${before} → ${after}`,
  };
  return {
    ingredient,
    name: "",
    text: texts[ingredient] ?? `${ingredient}: ${before} → ${after}`,
    before,
    after,
    diff: [],
  };
}
