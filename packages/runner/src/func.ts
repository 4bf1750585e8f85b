import { DuplicateFuncError, RepriseError } from "@reprise/core";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { ActorDefinition } from "./actors/actor-definition.ts";
import { refuseActorOptions } from "./actors/actor-call-options.ts";
import { checkIgnored } from "./cache/ignored.ts";
import { Call } from "./call.ts";
import { parseCallOptions } from "./call-options.ts";
import { embeddedCode } from "./code-digest/embedded.ts";
import { currentBody } from "./context.ts";
import { type FuncActor, funcBrand, type FuncDefinition, funcRegistry, valueLabels } from "./func-definition.ts";
import type {
  AnySchema,
  BodyArgs,
  BodyReturn,
  CallArgs,
  CallResult,
  Func,
  FuncOptions,
  WithoutContext,
} from "./func-types.ts";
import { makeFuture } from "./future.ts";
import type { Future, Settle } from "./future-types.ts";
import { elementCall, mapDefinition, type MapOptions, parseMapOptions } from "./map.ts";
import { isContextName, parameterNames } from "./parameters.ts";
import { restoreMap } from "./recorded-options.ts";
import { callPlace, formatPlace, type SourcePlace } from "./source.ts";
import "./workers/bundled-process.ts";

const optionFields = [
  "id",
  "name",
  "description",
  "input",
  "output",
  "run",
  "tags",
  "cache",
  "standalone",
  "timeout",
  "retry",
  "resources",
];

/**
 * Declares a func: a function whose calls are tracked as runs. Calling it gives a future; the body runs when a runner
 * executes the graph. From Sematic's `@sematic.func`.
 *
 * @param id stable name of the func, unique in the program; it identifies the func in the store, so renaming the
 *   function in code changes nothing.
 * @param run the body, sync or async. It may call other funcs and return their futures, at any depth of its result.
 *   A last parameter named `context` receives the {@link RunContext}.
 * @throws RepriseError `FUNC_DEFINITION` or `INVALID_OPTION` naming what is wrong; `DuplicateFuncError` for an id that
 *   is taken.
 * @example
 * ```ts
 * import { func, LocalRunner } from "reprise";
 *
 * const add = func("add", (a: number, b: number) => a + b);
 * const sum = func("sum", () => add(add(1, 2), 3));
 * console.log(await new LocalRunner().run(sum())); // 6
 * ```
 */
export function func<A extends readonly unknown[], R>(
  id: string,
  run: (...args: A) => R,
): Func<WithoutContext<A>, Settle<Awaited<R>>>;
/**
 * The full form: one object with schemas and options.
 *
 * @example
 * ```ts
 * import { func } from "reprise";
 * import { z } from "zod";
 *
 * export const train = func({
 *   id: "train",
 *   input: z.object({ epochs: z.number().int().default(3) }),
 *   output: z.object({ loss: z.number() }),
 *   retry: { retries: 2 },
 *   timeout: "30m",
 *   run: ({ epochs }) => ({ loss: 1 / epochs }),
 * });
 * ```
 */
export function func<
  A extends BodyArgs<I>,
  R extends BodyReturn<O>,
  I extends AnySchema | undefined = undefined,
  O extends AnySchema | undefined = undefined,
>(options: FuncOptions<I, O, A, R>): Func<CallArgs<I, A>, CallResult<O, R>>;
export function func(...given: unknown[]): unknown {
  return declareFunc(given, callPlace(func), undefined);
}

/**
 * Declares a func of what `func` was given.
 *
 * @param environment whose replicas execute it; undefined for none.
 */
export function declareFunc(
  [first, second, ...further]: readonly unknown[],
  place: SourcePlace | undefined,
  environment: ActorDefinition | undefined,
): unknown {
  if (further.length > 0) {
    // Types are stripped: nobody else would tell that what stands there counts for nothing.
    throw new RepriseError(
      "FUNC_DEFINITION",
      `func ${JSON.stringify(first)} at ${formatPlace(place)}: it takes an id and a body. With options, give one object: func({ id, cache: true, run: body }).`,
    );
  }
  const given = typeof first === "object" && first !== null ? first : { id: first, run: second };
  const definition = define(given as Record<string, unknown>, place, environment);
  if (funcRegistry.has(definition.id)) {
    throw new DuplicateFuncError(
      definition.id,
      formatPlace(funcRegistry.get(definition.id)?.place),
      formatPlace(place),
    );
  }
  funcRegistry.set(definition.id, definition);
  return makeFunc(definition);
}

function define(
  given: Record<string, unknown>,
  place: SourcePlace | undefined,
  environment: ActorDefinition | undefined,
): FuncDefinition {
  const { id, name, description, input, output, run, affinity, ...options } = given;
  const what = `func ${typeof id === "string" ? `"${id}"` : "without an id"} at ${formatPlace(place)}`;
  if (typeof id !== "string" || id.trim() === "" || id.length > 200 || /[\p{Cc}]/u.test(id)) {
    throw new RepriseError(
      "FUNC_DEFINITION",
      `${what}: give it an id, a text of 1 to 200 characters: func("train", body).`,
    );
  }
  checkFields(given, environment, what);
  const actor = actorOf(environment, affinity, what);
  if (name !== undefined && (typeof name !== "string" || name.trim() === "")) {
    throw new RepriseError("INVALID_OPTION", `${what}: name must be a text that is not empty.`);
  }
  if (description !== undefined && typeof description !== "string") {
    throw new RepriseError("INVALID_OPTION", `${what}: description must be a text.`);
  }
  const body = checkBody(run, what);
  const schema = checkSchema(input, "input", what);
  const names = embeddedCode(id.normalize("NFC"))?.parameters ?? parameterNames(body);
  const parameters = schema === undefined ? names : ["input"];
  const definition: FuncDefinition = {
    kind: "func",
    id: id.normalize("NFC"),
    name: name ?? id,
    description,
    input: schema,
    output: checkSchema(output, "output", what),
    options: parseCallOptions(options, what),
    run: body,
    parameters,
    labels: valueLabels(id.normalize("NFC"), parameters),
    contextAt:
      schema === undefined ? names.findLastIndex((last, at) => at === names.length - 1 && isContextName(last)) : 1,
    place,
    ...(actor === undefined ? {} : { actor }),
  };
  checkIgnored(definition, definition.options.cache, what);
  return definition;
}

function checkFields(given: object, environment: ActorDefinition | undefined, what: string): void {
  const fields =
    environment === undefined
      ? optionFields
      : [...optionFields.filter((field) => field !== "standalone" && field !== "resources"), "affinity"];
  if (environment !== undefined) refuseActorOptions(given, environment, what);
  for (const field of Object.keys(given)) {
    if (fields.includes(field)) continue;
    const advice = field === "affinity" ? " It is for funcs of an ActorEnvironment: gpu.func({ … })." : "";
    throw new RepriseError(
      "INVALID_OPTION",
      `${what}: unknown option "${field}"; known: ${fields.join(", ")}.${advice}`,
    );
  }
}

function actorOf(environment: ActorDefinition | undefined, affinity: unknown, what: string): FuncActor | undefined {
  if (environment === undefined) return undefined;
  if (affinity !== undefined && typeof affinity !== "function") {
    throw new RepriseError(
      "INVALID_OPTION",
      `${what}: affinity must be a function that gives a key of the arguments, not ${affinity === null ? "null" : typeof affinity}.`,
    );
  }
  return { environment, affinity: affinity as FuncActor["affinity"] };
}

function checkBody(run: unknown, what: string): (...args: never[]) => unknown {
  if (typeof run !== "function") {
    throw new RepriseError(
      "FUNC_DEFINITION",
      `${what}: the body must be a function, not ${run === null ? "null" : typeof run}.` +
        (typeof run === "object" && run !== null
          ? " With options, give one object: func({ id, cache: true, run: body })."
          : ""),
    );
  }
  const kind = (Object.getPrototypeOf(run) as { constructor?: { name?: unknown } } | null)?.constructor?.name;
  if (kind === "GeneratorFunction" || kind === "AsyncGeneratorFunction") {
    throw new RepriseError(
      "FUNC_DEFINITION",
      `${what}: a body cannot be a generator. Return an array, or a future per part.`,
    );
  }
  if (/^class\b/.test(Function.prototype.toString.call(run))) {
    throw new RepriseError(
      "FUNC_DEFINITION",
      `${what}: a body cannot be a class. Give a function that makes the object.`,
    );
  }
  if ((run as { [funcBrand]?: unknown })[funcBrand] !== undefined) {
    throw new RepriseError("FUNC_DEFINITION", `${what}: the body is a func already. Call it inside the body instead.`);
  }
  return run as (...args: never[]) => unknown;
}

function checkSchema(schema: unknown, side: string, what: string): StandardSchemaV1 | undefined {
  if (schema === undefined) return undefined;
  if (!isStandardSchema(schema)) {
    throw new RepriseError(
      "FUNC_DEFINITION",
      `${what}: ${side} must be a Standard Schema, as zod, valibot and arktype make them.`,
    );
  }
  return schema;
}

function isStandardSchema(schema: unknown): schema is StandardSchemaV1 {
  const { "~standard": standard } = Object(schema) as { "~standard"?: { validate?: unknown } };
  return typeof standard?.validate === "function";
}

function makeFunc(definition: FuncDefinition): unknown {
  const call = (...args: unknown[]): unknown => {
    checkArguments(definition, args);
    return begin(new Call(definition, args, currentBody(), currentBody()?.call ?? null));
  };
  const map = (items: unknown, options: MapOptions = {}): unknown => {
    const { tolerate, ...plan } = parseMapOptions(options, definition);
    const group = new Call(groups.of(definition), [items], currentBody(), currentBody()?.call ?? null);
    group.tolerate = tolerate;
    group.map = { ...plan, calls: undefined };
    if (Array.isArray(items))
      group.map.calls = Array.from(items, (item: unknown) => elementCall(group, { ...plan, calls: undefined }, item));
    return begin(group);
  };
  return Object.defineProperties(call, {
    id: { value: definition.id, enumerable: true },
    name: { value: definition.name, configurable: true },
    map: { value: map },
    [funcBrand]: { value: definition },
  });
}

/** Calls a func of which only the definition is at hand, e.g. one that its file does not export. */
export function callOf(definition: FuncDefinition, args: readonly unknown[]): Future<unknown> {
  return (makeFunc(definition) as (...given: readonly unknown[]) => Future<unknown>)(...args);
}

/**
 * Calls a func of which only the definition is at hand for many arguments, as its `map` does for an array of items.
 *
 * @param elements the arguments of each element.
 * @param options those of the map as they are recorded with its run.
 */
export function mapOf(
  definition: FuncDefinition,
  elements: readonly (readonly unknown[])[],
  options: Readonly<Record<string, unknown>> | null,
): Future<unknown> {
  const { tolerate, ...plan } = restoreMap(options);
  const group = new Call(groups.of(definition), [elements], undefined, null);
  group.tolerate = tolerate;
  const calls = elements.map((args) => {
    const call = new Call(definition, args, undefined, group);
    call.changes = plan.each;
    return call;
  });
  group.map = { ...plan, element: definition, calls };
  return makeFuture(group);
}

function begin(call: Call): unknown {
  const { maker } = call;
  if (maker !== undefined) maker.host.accept(maker, call);
  return makeFuture(call);
}

/** The definition of the groups of a func's maps. */
export function groupDefinition(definition: FuncDefinition): FuncDefinition {
  return groups.of(definition);
}

const groups = {
  definitions: new WeakMap<FuncDefinition, FuncDefinition>(),
  of(definition: FuncDefinition): FuncDefinition {
    let group = this.definitions.get(definition);
    if (group === undefined) {
      group = mapDefinition(definition);
      this.definitions.set(definition, group);
    }
    return group;
  },
};

/** With a schema there is one input; a second argument would be lost without a word. */
function checkArguments(definition: FuncDefinition, args: readonly unknown[]): void {
  if (definition.input !== undefined && args.length > 1) {
    throw new RepriseError(
      "INPUT_INVALID",
      `func "${definition.id}" takes one input, as its schema says, but was called with ${args.length} arguments.`,
    );
  }
}
