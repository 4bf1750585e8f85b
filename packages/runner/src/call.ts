import { formatRunId, type RetryPolicy, RunNode } from "@reprise/core";
import type { CallCache } from "./cache/call-cache.ts";
import type { ParsedOptions } from "./call-options.ts";
import type { Body } from "./context.ts";
import type { FuncDefinition } from "./func-definition.ts";
import type { MapPlan } from "./map.ts";
import { actorLane, standaloneLane } from "./lane-names.ts";
import { newRunId } from "./run-ids.ts";
import type { CallReplay } from "./rerun/call-replay.ts";
import type { TemplatePart } from "./template.ts";
import type { CallTrack } from "./tracker.ts";
import type { Stored } from "./values.ts";

/**
 * A value that may have futures in it: an argument of a call, or the result of a body. `stored` is the value with slots
 * for the futures; undefined if the value is one future as such.
 */
export interface Composite {
  readonly stored: Stored | undefined;
  readonly parts: readonly TemplatePart[];
}

/** Shared by the many calls that have none: an empty list each would cost more than the rest of some calls. */
export const none: readonly never[] = Object.freeze([]);

/** One call of a func: a run in the graph, with what the engine needs to execute it. */
export class Call extends RunNode<Call> {
  readonly definition: FuncDefinition;
  /** The body that made this call; undefined for a root. */
  readonly maker: Body | undefined;
  /** Arguments as they were given, until the engine has taken a snapshot of them. */
  given: readonly unknown[] | undefined;
  args: readonly Composite[] = none;
  /** Calls whose values or success this one needs. */
  sources: readonly Call[] = none;
  /** Those of {@link sources} that `$after` added. */
  after: Call[] | undefined = undefined;
  changes: ParsedOptions | undefined = undefined;
  submitted = false;
  /** Whether another call takes a value from this one or starts after it. */
  isUsed = false;
  body: Body | undefined = undefined;
  /** The result as the body gave it, while futures in it have no value yet. */
  result: Composite | undefined = undefined;
  output: Stored | undefined = undefined;
  /** What was thrown, as itself, for handing on within this process. */
  error: unknown = undefined;
  map: MapPlan | undefined = undefined;
  /** Set if the call asks the cache. */
  cache: CallCache | undefined = undefined;
  track: CallTrack | undefined = undefined;
  /** Set if the record of a pipeline run says something of the call, or may do so. */
  replay: CallReplay | undefined = undefined;
  #uuid: Uint8Array | undefined = undefined;
  #id: string | undefined = undefined;

  constructor(definition: FuncDefinition, given: readonly unknown[], maker: Body | undefined, parent: Call | null) {
    super(parent);
    this.definition = definition;
    this.given = given;
    this.maker = maker;
  }

  /** The run's id in 16 bytes; made when somebody first asks for it in this or that form. */
  get uuid(): Uint8Array {
    this.#uuid ??= newRunId();
    return this.#uuid;
  }

  /** The run's id as text. */
  get id(): string {
    this.#id ??= formatRunId(this.uuid);
    return this.#id;
  }

  /** Makes the call stand for a recorded run. */
  takeId(uuid: Uint8Array): void {
    this.#uuid = uuid;
    this.#id = undefined;
  }

  override get retry(): RetryPolicy | undefined {
    return this.changes?.retry ?? this.definition.options.retry;
  }

  override get timeout(): number | undefined {
    return this.changes?.timeout ?? this.definition.options.timeout;
  }

  override get lane(): string | undefined {
    const { actor, options } = this.definition;
    if (actor !== undefined) return actorLane(actor.environment.name);
    return (this.changes?.standalone ?? options.standalone) === true ? standaloneLane : undefined;
  }

  get name(): string {
    return this.changes?.name ?? this.definition.options.name ?? this.definition.name;
  }

  get tags(): readonly string[] {
    return this.changes?.tags ?? this.definition.options.tags ?? [];
  }

  override get label(): string {
    return `${this.name}#${this.id.slice(-8)}`;
  }

  /** The func and the run, for error messages. */
  get place(): string {
    return `func "${this.definition.id}", run ${this.id}`;
  }
}
