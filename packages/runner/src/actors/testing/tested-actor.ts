import { fileURLToPath } from "node:url";
import type { WireProgram } from "../../workers/protocol.ts";
import type { ActorDefinition } from "../actor-definition.ts";

/** The environment of the tests of pools: one replica, that lives long enough. */
export const tested: ActorDefinition = {
  name: "tested",
  replicas: { min: 0, max: 1 },
  ttl: 60_000,
  concurrency: 1,
  resources: undefined,
  env: {},
  isolation: "shared",
};

/** What its replicas execute. */
export const replicaProgram: WireProgram = {
  kind: "files",
  files: [fileURLToPath(new URL("replica-program.ts", import.meta.url))],
};
