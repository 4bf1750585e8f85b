import { encode, type LaneOptions, toFailure } from "@reprise/core";
import type { Call } from "../call.ts";
import { type Body, outsideBodies } from "../context.ts";
import { chain, type MaybePromise } from "../maybe-promise.ts";
import { messageOf } from "../message-of.ts";
import type { ValueFlow } from "../value-flow.ts";
import type { Executor, ExecutorLane } from "./executor.ts";
import { RemoteBody, type RemoteBodyHost } from "./remote-body.ts";

/** Where bodies execute that do not execute in the driver. */
export interface RemoteOptions {
  /** How many bodies of a lane may execute at once, and what their waiting means; undefined for lanes that are inline. */
  lane(name: string): RemoteLane | undefined;
  /** How many attempts of a run may be lost without counting as retries of its func. */
  readonly retries: number;
}

/** Bodies of one kind in one pipeline run, and who executes them. */
export interface RemoteLane extends ExecutorLane, LaneOptions {
  /** Whether its processes end with this one, so that bodies which were told to stop have until then. */
  readonly endsWithDriver: boolean;
  /** Loaded, or found, when it is first needed. */
  executor(): MaybePromise<Executor>;
}

/** So long, in ms, nobody needs to be told that bodies have not stopped yet. */
const moment = 500;

/** Hands bodies to executors. */
export class RemoteBodies {
  readonly #lanes = new Map<string, RemoteLane | undefined>();
  /** Bodies whose processes end with this one. */
  readonly #live = new Set<Body>();
  #allLeft: (() => void) | undefined = undefined;
  readonly #options: RemoteOptions;
  readonly #host: RemoteBodyHost & { readonly flow: ValueFlow };

  constructor(options: RemoteOptions, host: RemoteBodyHost & { readonly flow: ValueFlow }) {
    this.#options = options;
    this.#host = host;
  }

  /** The lane of that name, if its bodies execute elsewhere. */
  lane(name: string): RemoteLane | undefined {
    let lane = this.#lanes.get(name);
    if (lane === undefined && !this.#lanes.has(name)) {
      lane = this.#options.lane(name);
      this.#lanes.set(name, lane);
    }
    return lane;
  }

  /** The lane of a call, if its body executes elsewhere. */
  laneOf({ lane }: Call): RemoteLane | undefined {
    return lane === undefined ? undefined : this.lane(lane);
  }

  /** Executes the body of a call in a lane; it has been made for this attempt. */
  execute(body: Body, lane: RemoteLane): void {
    if (lane.endsWithDriver) this.#live.add(body);
    body.isRemote = true;
    const { flow } = this.#host;
    const failed = (error: unknown): void => {
      if (isOver(body)) this.#host.left(body);
      else this.#host.failed(body, error, toFailure(error), undefined);
    };
    const begin = (executor: Executor): MaybePromise<void> =>
      chain(flow.told(body.call), (args) =>
        chain(this.#affinityOf(body), (affinity) => {
          // It had to be read first, and meanwhile it was canceled.
          if (isOver(body)) {
            this.#host.left(body);
            return;
          }
          const remote = new RemoteBody(body, this.#host, { lane, args, affinity });
          body.remote = remote;
          remote.taken(executor.start(remote));
        }),
      );
    // Whatever processes and sockets are opened, what they say belongs to no body of this process.
    outsideBodies(() => {
      try {
        void chain(lane.executor(), begin, failed);
      } catch (error) {
        failed(error);
      }
    });
  }

  /** The code of a body is over. */
  left(body: Body): void {
    if (this.#live.delete(body) && this.#live.size === 0) this.#allLeft?.();
  }

  /**
   * Resolves when no body executes any more whose process would end with this one, or after `patience` ms.
   *
   * @param soon is told, after a moment, for which bodies this waits.
   */
  async allLeft(patience: number, soon: (bodies: readonly Body[]) => void): Promise<void> {
    if (this.#live.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#allLeft = resolve;
    const timers = [setTimeout(resolve, patience), setTimeout(() => soon([...this.#live]), moment)];
    await promise;
    for (const timer of timers) clearTimeout(timer);
  }

  /** The key of a call in the caches of replicas, as a text; undefined if any replica will do. */
  #affinityOf({ call }: Body): MaybePromise<string | undefined> {
    const key = call.definition.actor?.affinity as ((...args: unknown[]) => unknown) | undefined;
    if (key === undefined) return undefined;
    const told = (error: unknown): undefined => {
      this.#host.tracker?.warn(
        call,
        `affinity of func "${call.definition.id}" gave no key, so any replica will do: ${messageOf(error)}`,
      );
    };
    try {
      return chain(
        this.#host.flow.inputs(call),
        (args) =>
          chain(key(...args), (found) => {
            if (found === undefined || found === null) return undefined;
            return typeof found === "string" ? found : encode(found, { path: "affinity" }).digest;
          }),
        told,
      );
    } catch (error) {
      return told(error);
    }
  }
}

function isOver({ call, attempt }: Body): boolean {
  return call.attempt !== attempt || (call.state !== "SCHEDULED" && call.state !== "RUNNING");
}
