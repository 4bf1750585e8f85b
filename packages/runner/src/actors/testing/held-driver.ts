// A driver that hands over one task, for as long as the task lasts: `held-driver.ts HOME GATE NAME`.
import { openHome } from "@reprise/store";
import { ActorExecutor } from "../actor-executor.ts";
import { replicaProgram, tested } from "./tested-actor.ts";
import { TestTask } from "./test-task.ts";

const [path = "", gate = "", name = ""] = process.argv.slice(2);
await using home = await openHome({ path });
const environment = { ...tested, concurrency: 2, env: { GATE: gate } };
// It stays connected, as that of a runner does.
const executor = new ActorExecutor({ home, program: replicaProgram, environment });
await new TestTask("meet", [name]).startIn(executor).ended;
