import { Queue } from "@reprise/core";
import type { RecordedEdge, RecordedRun } from "@reprise/store";
import type { Call, Composite } from "../call.ts";
import { formatPath } from "../part-path.ts";
import type { Values } from "../values.ts";
import { hasGivenItems, type Prior } from "./prior.ts";

/** Recorded calls that agree in their key, in order of creation, until they answer. */
class EqualCalls {
  readonly #priors: Prior[] = [];
  readonly #taken = new Set<Prior>();
  #next = 0;
  #byShape: Map<string, Queue<Prior>> | undefined = undefined;

  add(prior: Prior): void {
    this.#priors.push(prior);
  }

  get left(): Prior[] {
    return this.#priors.filter((prior) => !this.#taken.has(prior));
  }

  /** The first that is left. */
  first(): Prior | undefined {
    while (this.#taken.has(this.#priors[this.#next] as Prior)) this.#next += 1;
    return this.#take(this.#priors[this.#next]);
  }

  /** The first of this shape that is left; `undefined` is the shape of none. */
  ofShape(shape: string | undefined): Prior | undefined {
    if (shape === undefined) return undefined;
    const same = (this.#byShape ??= this.#shapes()).get(shape);
    for (let prior = same?.take(); prior !== undefined; prior = same?.take()) {
      if (!this.#taken.has(prior)) return this.#take(prior);
    }
    return undefined;
  }

  /** The first that is left and has not given its result. */
  unreturned(): Prior | undefined {
    return this.#take(this.left.find(({ run }) => run.ranAt === null));
  }

  get isOne(): boolean {
    return this.#priors.length - this.#taken.size < 2;
  }

  #take(prior: Prior | undefined): Prior | undefined {
    if (prior !== undefined) this.#taken.add(prior);
    return prior;
  }

  #shapes(): Map<string, Queue<Prior>> {
    const byShape = new Map<string, Queue<Prior>>();
    for (const prior of this.left) {
      const shape = hasGivenItems(prior.run) ? shapeOfElements(prior) : shapeKeyOf(prior.run);
      const same = byShape.get(shape) ?? new Queue<Prior>();
      byShape.set(shape, same);
      same.push(prior);
    }
    return byShape;
  }
}

/** The recorded calls of a body that executes again, until they answer its calls. */
export class RecordedCalls {
  readonly #byKey = new Map<string, EqualCalls>();

  /** @param keyOf what a call must agree in to be the recorded one; undefined for one that answers nothing. */
  constructor(priors: readonly Prior[], keyOf: (run: RecordedRun) => string | undefined) {
    for (const prior of priors) {
      const key = hasGivenItems(prior.run) ? givenMap(prior.run.func.record.id) : keyOf(prior.run);
      if (key === undefined) continue;
      const same = this.#byKey.get(key) ?? new EqualCalls();
      this.#byKey.set(key, same);
      same.add(prior);
    }
  }

  /**
   * The first recorded call of this key that has not answered.
   *
   * @param shape tells equal calls apart that begin in another order than they were made: one whose arguments came from
   *   where those of the recorded call came from goes first. See {@link shapeKeyOf}.
   */
  take(key: string, shape?: () => string | undefined): Prior | undefined {
    const same = this.#byKey.get(key);
    if (same === undefined || shape === undefined || same.isOne) return same?.first();
    return same.ofShape(shape()) ?? same.first();
  }

  /**
   * The recorded map of this call, whose items were given as an array, in a pipeline run that goes on: one with the same
   * elements, or one that was interrupted before it had made all of them, because only those tell its items.
   */
  takeMap({ definition, map }: Call, values: Values): Prior | undefined {
    const same = this.#byKey.get(givenMap(definition.id));
    if (same === undefined) return undefined;
    const shapes = map?.calls?.map((element) => shapeKeyOfCall(element, values)) ?? [];
    return same.ofShape(shapes.includes(undefined) ? undefined : shapes.join("\n")) ?? same.unreturned();
  }

  /** Those that have not answered. */
  get left(): Prior[] {
    return [...this.#byKey.values()].flatMap((same) => same.left);
  }
}

/** What the elements of a recorded map were given. */
function shapeOfElements({ children }: Prior): string {
  return children.map(({ run }) => shapeKeyOf(run)).join("\n");
}

/** The key of a map whose items were given as an array: its elements are matched one by one. */
export function givenMap(funcId: string): string {
  return `map of ${funcId}`;
}

/**
 * The key of a recorded call by the values that its body got: for a new pipeline run, where code may have changed.
 *
 * @param outputOf the digest of the result of a recorded run.
 */
export function valueKeyOf(
  { kind, func, edges }: RecordedRun,
  outputOf: (runId: string) => string | undefined,
): string | undefined {
  const digests: (string | undefined)[] = [];
  for (const { kind: edgeKind, argument, artifact, sourceRunId, sourcePath, argumentPath } of edges) {
    if (edgeKind !== "data") continue;
    if (sourceRunId === null) digests[argument] = artifact?.digest;
    else if (argumentPath === "" && sourcePath === "") digests[argument] = outputOf(sourceRunId);
    else digests[argument] ??= undefined;
  }
  return Array.from(digests).includes(undefined) ? undefined : valueKey(kind, func.record.id, digests as string[]);
}

/** The key of a call by the digests of its arguments. */
export function valueKey(kind: string, funcId: string, digests: readonly string[]): string {
  return `${kind} ${digests.join(" ")} ${funcId}`;
}

/**
 * The key of a recorded call by its arguments as they were given, with the runs whose values stood in them: for a
 * pipeline run that goes on, where runs keep their ids.
 */
export function shapeKeyOf({ kind, func, edges }: RecordedRun): string {
  const args: ArgumentShape[] = [];
  for (const edge of edges) if (edge.kind === "data" || edge.kind === "template") addEdge(args, edge);
  return shapeKey(kind, func.record.id, args);
}

/** The key of a call by its arguments as they were given; undefined if one needs a call that is not recorded. */
export function shapeKeyOfCall({ definition, args }: Call, values: Values): string | undefined {
  const shapes: ArgumentShape[] = [];
  for (const arg of args) {
    const shape = shapeOf(arg, values);
    if (shape === undefined) return undefined;
    shapes.push(shape);
  }
  return shapeKey(definition.kind, definition.id, shapes);
}

/** An argument as it was given: the digest of what stood around futures, and the futures. */
interface ArgumentShape {
  around: string | undefined;
  readonly parts: string[];
}

function addEdge(args: ArgumentShape[], { kind, argument, artifact, sourceRunId, sourcePath }: RecordedEdge): void {
  const shape = (args[argument] ??= { around: undefined, parts: [] });
  if (sourceRunId !== null) shape.parts.push(`${sourceRunId}${sourcePath}`);
  else if (kind === "template" || shape.parts.length === 0) shape.around = artifact?.digest;
}

function shapeOf({ stored, parts }: Composite, values: Values): ArgumentShape | undefined {
  const shape: ArgumentShape = { around: stored === undefined ? undefined : values.digestOf(stored), parts: [] };
  for (const { call, path } of parts) {
    const prior = call.replay?.prior;
    if (prior === undefined) return undefined;
    shape.parts.push(`${prior.run.id}${formatPath(path)}`);
  }
  return shape;
}

function shapeKey(kind: string, funcId: string, args: readonly ArgumentShape[]): string {
  return `${kind} ${args.map(({ around = "", parts }) => [around, ...parts].join("+")).join(" ")} ${funcId}`;
}
