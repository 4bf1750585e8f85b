import type { Home } from "@reprise/store";
import type { Executor } from "../workers/executor.ts";
import type { WireProgram } from "../workers/protocol.ts";
import type { ActorDefinition } from "./actor-definition.ts";

export function actorExecutorOf(_options: {
  readonly home: Home;
  readonly program: WireProgram;
  readonly environment: ActorDefinition;
}): Promise<Executor> {
  throw new Error("not there yet");
}
