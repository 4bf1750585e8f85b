import { openHome } from "@reprise/store";
import { testExecutor } from "../workers/testing/executor.testsuite.ts";
import { ActorExecutor } from "./actor-executor.ts";
import { Supervisor } from "./supervisor-server.ts";
import { replicaProgram, tested } from "./testing/tested-actor.ts";

testExecutor(
  "the replicas of an actor",
  async ({ home: path, program, limit, heartbeatMs, silenceMs, stopMs, graceMs }) => {
    const times = { stop: stopMs, grace: Math.min(graceMs, 1_000), silence: silenceMs, heartbeat: heartbeatMs };
    const supervisor = new Supervisor({ home: path, times, log: () => undefined });
    await supervisor.listen();
    const home = await openHome({ path });
    const environment = { ...tested, replicas: { min: 0, max: limit } };
    // Replicas know their environment.
    const files = [program, replicaProgram].flatMap((all) => (all.kind === "files" ? all.files : []));
    const executor = new ActorExecutor({ home, program: { kind: "files", files }, environment });
    return {
      executor,
      lane: (places) => ({ name: "actor tested", limit: places }),
      async close() {
        executor[Symbol.dispose]();
        await supervisor.end("the test is over");
        await home[Symbol.asyncDispose]();
      },
    };
  },
  true,
);
