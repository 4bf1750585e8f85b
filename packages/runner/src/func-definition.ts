import type { FuncRecord, RunKind } from "@reprise/core";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { ParsedOptions } from "./call-options.ts";
import type { ActorDefinition } from "./actors/actor-definition.ts";
import { readSource, type SourcePlace } from "./source.ts";

/** A func as the engine sees it. */
export interface FuncDefinition {
  readonly kind: RunKind;
  readonly id: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly input: StandardSchemaV1 | undefined;
  readonly output: StandardSchemaV1 | undefined;
  readonly options: ParsedOptions;
  readonly run: (...args: never[]) => unknown;
  /** Names of the body's parameters, for edges and messages. */
  readonly parameters: readonly string[];
  /** How arguments and result are called in errors: `epochs of func "train"`. Made once, as every call needs them. */
  readonly labels: ValueLabels;
  /** Position of the parameter that receives the context, or -1. */
  readonly contextAt: number;
  readonly place: SourcePlace | undefined;
  /** The environment whose replicas execute it; undefined for a func of no actor. */
  readonly actor?: FuncActor | undefined;
}

/** What ties a func to an actor. */
export interface FuncActor {
  readonly environment: ActorDefinition;
  /** The key that a call has in the caches of a replica, of its arguments; undefined: any replica will do. */
  readonly affinity: ((...args: never[]) => unknown) | undefined;
}

/** How the values of a func are called in errors. */
export interface ValueLabels {
  readonly arguments: readonly string[];
  readonly output: string;
}

/** The labels of a func's values. */
export function valueLabels(id: string, parameters: readonly string[]): ValueLabels {
  return { arguments: parameters.map((name) => `${name} of func "${id}"`), output: `output of func "${id}"` };
}

/** How the argument at a position is called in errors. */
export function argumentLabel({ id, labels }: FuncDefinition, at: number): string {
  return labels.arguments[Math.min(at, labels.arguments.length - 1)] ?? `argument ${at + 1} of func "${id}"`;
}

const records = new WeakMap<FuncDefinition, FuncRecord>();

/** What is recorded of a func. Its source is read when this is first asked for. */
export function funcRecord(definition: FuncDefinition): FuncRecord {
  const known = records.get(definition);
  if (known !== undefined) return known;
  const { id, name, description, run, place } = definition;
  const { text, comment } = readSource(run, place);
  const record = {
    id,
    name,
    description: description ?? comment ?? null,
    source: text,
    file: place?.file ?? null,
    line: place?.line ?? null,
  };
  records.set(definition, record);
  return record;
}

/** Says what is recorded of a func whose source does not tell, because the program was bundled. */
export function setFuncRecord(definition: FuncDefinition, record: FuncRecord): void {
  records.set(definition, record);
}

/** A func that this process does not define, of its record. Its body cannot execute. */
export function recordedFunc(record: FuncRecord): FuncDefinition {
  const { id, name, description, file, line } = record;
  const definition: FuncDefinition = {
    kind: "func",
    id,
    name,
    description: description ?? undefined,
    input: undefined,
    output: undefined,
    options: {},
    run: () => {
      throw new Error(`func "${id}" is not part of this program`);
    },
    parameters: [],
    labels: valueLabels(id, []),
    contextAt: -1,
    place: file === null ? undefined : { file, line: line ?? 1, column: 1 },
  };
  records.set(definition, record);
  return definition;
}

/** Symbol under which a func carries its definition; the same in every copy of the library. */
export const funcBrand = Symbol.for("reprise.func");

/** The definition of a func, or undefined for anything else. */
export function definitionOf(value: unknown): FuncDefinition | undefined {
  if (typeof value !== "function") return undefined;
  return (value as { [funcBrand]?: FuncDefinition })[funcBrand];
}

// Shared by all copies of the library in one process, so that ids are unique in the program.
const registryKey = Symbol.for("reprise.funcs");

/** The funcs that this process has defined, by id. */
export const funcRegistry: Map<string, FuncDefinition> = ((globalThis as Record<symbol, unknown>)[registryKey] ??=
  new Map()) as Map<string, FuncDefinition>;

/** The funcs that this process has defined, exported or not, by id. */
export function definedFuncs(): ReadonlyMap<string, FuncDefinition> {
  return funcRegistry;
}
