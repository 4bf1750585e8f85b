import type { Home } from "@reprise/store";
import type { ActorDefinition } from "../actors/actor-definition.ts";
import { funcRegistry } from "../func-definition.ts";
import { actorLane, standaloneLane } from "../lane-names.ts";
import type { Executor, ExecutorLane } from "./executor.ts";
import type { WireProgram } from "./protocol.ts";
import type { RemoteLane, RemoteOptions } from "./remote-bodies.ts";

/** What a local runner says of the lanes of a pipeline run. */
export interface LocalLanesOptions {
  readonly maxParallelism: number;
  readonly infrastructureRetries: number;
  readonly program: WireProgram;
}

/** The lanes of a pipeline run on this machine: worker processes for standalone funcs, replicas for those of actors. */
export function localLanes(home: Home, options: LocalLanesOptions): RemoteOptions {
  return {
    retries: options.infrastructureRetries,
    lane(name) {
      if (name === standaloneLane) return standalone(home, options);
      const environment = environmentOf(name);
      return environment === undefined ? undefined : actor(home, options, environment);
    },
  };
}

const loadPools = () => import("./process-pool.ts");

/** Loaded with the first body that executes in a worker. */
let pools: ReturnType<typeof loadPools> | undefined;

/** Ends the worker processes for a home that have nothing to do; done when they are gone. */
export async function endIdleWorkers({ path }: Home): Promise<void> {
  await (await pools)?.endIdleWorkers(path);
}

function standalone({ path }: Home, { maxParallelism, program }: LocalLanesOptions): RemoteLane {
  const lane: ExecutorLane = { name: standaloneLane, limit: maxParallelism };
  let pool: Executor | undefined;
  const open = async (): Promise<Executor> => {
    pools ??= loadPools();
    const { poolOf } = await pools;
    return (pool ??= poolOf({ home: path, program }));
  };
  return { ...lane, endsWithDriver: true, backlog: () => pool?.backlog(lane) ?? 0, executor: () => pool ?? open() };
}

function actor(home: Home, { program }: LocalLanesOptions, environment: ActorDefinition): RemoteLane {
  let executor: Promise<Executor> | undefined;
  return {
    name: actorLane(environment.name),
    limit: environment.replicas.max * environment.concurrency,
    keepsSlot: true,
    // The supervisor sees to it that they stop.
    endsWithDriver: false,
    executor() {
      executor ??= import("../actors/actor-executor.ts").then(({ actorExecutorOf }) =>
        actorExecutorOf({ home, program, environment }),
      );
      return executor;
    },
  };
}

/** The environment of a lane: some func of the program belongs to it. */
function environmentOf(lane: string): ActorDefinition | undefined {
  for (const { actor: found } of funcRegistry.values()) {
    if (found !== undefined && actorLane(found.environment.name) === lane) return found.environment;
  }
  return undefined;
}
