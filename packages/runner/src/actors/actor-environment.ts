import { type Duration, RepriseError } from "@reprise/core";
import { declareFunc } from "../func.ts";
import { definitionOf } from "../func-definition.ts";
import type {
  ActorFuncOptions,
  AnySchema,
  BodyArgs,
  BodyReturn,
  CallArgs,
  CallResult,
  Func,
  WithoutContext,
} from "../func-types.ts";
import type { Settle } from "../future-types.ts";
import type { Resources } from "../resources.ts";
import { callPlace, formatPlace, type SourcePlace } from "../source.ts";
import type { ActorDefinition } from "./actor-definition.ts";
import { parseActorOptions } from "./actor-options.ts";
import { actorRegistry, type DeclaredActor } from "./actor-registry.ts";
import { type CachedFunction, makeCached } from "./cached-function.ts";
import type { ActorCacheOptions, Cacheable } from "./cache-options.ts";

/** How many replicas an environment has. */
export interface ActorReplicas {
  /** So many stay while the pool lives, also without work. Default: 0. */
  readonly min?: number | undefined;
  /** So many there are at most. */
  readonly max: number;
}

/** What an {@link ActorEnvironment} is made of. */
export interface ActorEnvironmentOptions {
  /** Name of the environment, unique in the program. */
  readonly name: string;
  /**
   * How many replicas there may be: the first task starts one, and further ones come while there is more work than they
   * have places for. A number N is `{ min: 0, max: N }`. Default: 1.
   */
  readonly replicas?: number | ActorReplicas | undefined;
  /** Time without a task after which a replica above `min`, and then the whole pool, ends. Default: `"90s"`. */
  readonly ttl?: Duration | undefined;
  /** How many bodies a replica executes at the same time, in one event loop. Default: 1. */
  readonly concurrency?: number | undefined;
  /** What each replica asks of the machine. */
  readonly resources?: Resources | undefined;
  /** Environment variables of the replicas, besides those of the process that starts the pool. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /**
   * What a body sees of those before it. `"shared"`: globals and module variables stay. `"clean"`: they do not, nor do
   * environment variables and the working directory; needs `concurrency: 1`. What `cache` holds stays in any case, and so
   * do files. Default: `"shared"`.
   */
  readonly isolation?: "shared" | "clean" | undefined;
}

/**
 * A pool of processes that stay alive between runs, so that what is costly to load, such as a model, is loaded once for each
 * of them and not for each run. Replicas start when the first func of the environment is called, serve all pipelines of this
 * program, also of other drivers, and end some time after the last call. From Union's `ActorEnvironment` and Flyte's
 * reusable containers.
 *
 * Any difference in options or code is another pool, so that nothing stale is ever met. Where bodies execute inline, as in
 * a `SilentRunner`, so do those of actors: caches are then in the memory of the process itself.
 *
 * @throws RepriseError `INVALID_OPTION` naming the option, or if another environment has the name.
 * @example
 * ```ts
 * import { ActorEnvironment, type DirectoryArtifact } from "reprise";
 *
 * const embedder = new ActorEnvironment({ name: "embedder", replicas: { min: 1, max: 4 }, ttl: "5m", concurrency: 8 });
 *
 * const loadModel = embedder.cache(async (model: DirectoryArtifact) => Model.load(await model.download()), {
 *   dispose: (model) => model.close(),
 * });
 *
 * export const embed = embedder.func("embed", async (texts: string[], model: DirectoryArtifact) =>
 *   (await loadModel(model)).embed(texts),
 * );
 * ```
 */
export class ActorEnvironment {
  /** The options as they apply: with defaults, times in milliseconds. */
  readonly definition: ActorDefinition;
  readonly #declared: DeclaredActor;

  constructor(options: ActorEnvironmentOptions) {
    const place = callPlace(ActorEnvironment as unknown as (...args: never[]) => unknown);
    this.definition = parseActorOptions(options, `ActorEnvironment at ${formatPlace(place)}`);
    this.#declared = { definition: this.definition, place, warmups: [] };
    declare(this.#declared);
  }

  /** Name of the environment. */
  get name(): string {
    return this.definition.name;
  }

  /**
   * Declares a func whose runs execute on replicas of this environment. It is called, and takes options, as other funcs do;
   * a result that the durable cache has needs no replica.
   *
   * @param id stable name of the func, unique in the program.
   * @param run the body, sync or async.
   * @throws RepriseError `FUNC_DEFINITION` or `INVALID_OPTION` naming what is wrong: `standalone` and `resources` are said
   *   by the environment; `DuplicateFuncError` for an id that is taken.
   * @example
   * ```ts
   * const embed = embedder.func("embed", async (texts: string[]) => (await loadModel("small")).embed(texts));
   * ```
   */
  func<A extends readonly unknown[], R>(
    id: string,
    run: (...args: A) => R,
  ): Func<WithoutContext<A>, Settle<Awaited<R>>>;
  /**
   * The full form: one object with schemas and options.
   *
   * @example
   * ```ts
   * export const embed = embedder.func({
   *   id: "embed",
   *   input: z.object({ texts: z.array(z.string()), model: z.string() }),
   *   affinity: ({ model }) => model,
   *   run: async ({ texts, model }) => (await loadModel(model)).embed(texts),
   * });
   * ```
   */
  func<
    A extends BodyArgs<I>,
    R extends BodyReturn<O>,
    I extends AnySchema | undefined = undefined,
    O extends AnySchema | undefined = undefined,
  >(options: ActorFuncOptions<I, O, A, R>): Func<CallArgs<I, A>, CallResult<O, R>>;
  func(...given: unknown[]): unknown {
    // oxlint-disable-next-line typescript/unbound-method -- it only tells where the stack is to be cut
    return declareFunc(given, callPlace(ActorEnvironment.prototype.func), this.definition);
  }

  /**
   * Keeps the results of a function in the memory of a replica, for all bodies, runs and pipelines for as long as the
   * replica lives. The values are live: the same object each time, be it a model, a connection or a function; they are never
   * stored or sent. Called outside a replica it keeps them in the process. From Union's `@actor_cache`.
   *
   * The key is made of the arguments by value, as in the durable cache: plain data, files and directories by content,
   * instances by `[cacheKey]()`, by `hash()` and `equals()`, or by the codec they are registered with. Defaults of
   * parameters that are written as literals apply; arguments that the function does not declare do not count; `this` counts
   * if the function uses it.
   *
   * Calls for one key that come together load once, and all get the value, or the error; a load that failed is not kept.
   * Loads of different keys go on side by side. Files that the function downloads stay as long as the value.
   *
   * @param fn any function, sync or async; the result has its type. Call it where the module is loaded. It should take what
   *   it needs as arguments, and call no funcs.
   * @throws RepriseError `FUNC_DEFINITION` or `INVALID_OPTION` naming what is wrong. The result throws
   *   `VALUE_NOT_STORABLE` for arguments that have no key.
   * @example
   * ```ts
   * const connect = db.cache((url: string) => new Pool(url), { maxEntries: 4, dispose: (pool) => pool.end() });
   * ```
   */
  cache<F extends Cacheable>(fn: F, options: ActorCacheOptions<F> = {}): CachedFunction<F> {
    // oxlint-disable-next-line typescript/unbound-method -- it only tells where the stack is to be cut
    const place = callPlace(ActorEnvironment.prototype.cache);
    return makeCached(this.definition.name, fn, options, place) as CachedFunction<F>;
  }

  /**
   * Calls a function on each replica, also on those that start later, before it takes tasks: to load what every task needs.
   * Several are called one after the other. One that fails fails the replica, and no task.
   *
   * @param args what the function is called with.
   * @throws RepriseError `FUNC_DEFINITION` if it is no function, or a func.
   * @example
   * ```ts
   * embedder.warmup(loadModel, "small");
   * embedder.warmup(async () => (await loadModel("small")).embed(["warm"]));
   * ```
   */
  warmup<A extends readonly unknown[]>(fn: (...args: A) => unknown, ...args: A): void {
    // oxlint-disable-next-line typescript/unbound-method -- it only tells where the stack is to be cut
    const place = callPlace(ActorEnvironment.prototype.warmup);
    if (typeof fn !== "function" || definitionOf(fn) !== undefined) {
      throw new RepriseError(
        "FUNC_DEFINITION",
        `warmup of actor "${this.name}" at ${formatPlace(place)}: it takes a plain function, such as () => load("small")${typeof fn === "function" ? ", not a func, whose calls are runs" : ""}.`,
      );
    }
    this.#declared.warmups.push({ place, run: () => fn(...args) });
  }
}

/** Makes an environment known. The same declaration may come again: its module was loaded anew. */
function declare(declared: DeclaredActor): void {
  const { environments } = actorRegistry;
  const { definition, place } = declared;
  const known = environments.get(definition.name);
  if (known !== undefined && !isSamePlace(known.place, place)) {
    throw new RepriseError(
      "INVALID_OPTION",
      `ActorEnvironment at ${formatPlace(place)}: the name "${definition.name}" is taken by the one at ${formatPlace(known.place)}. Names are unique in a program; to use one environment in several modules, export it.`,
    );
  }
  environments.set(definition.name, declared);
}

function isSamePlace(a: SourcePlace | undefined, b: SourcePlace | undefined): boolean {
  return a?.file === b?.file && a?.line === b?.line && a?.column === b?.column;
}
