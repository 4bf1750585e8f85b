// Drives the pipeline of `resume-pipeline.ts`. Arguments: home, log, durability, the pipeline run to resume or "rerun" with
// the run from which to re-run or nothing, the number of the step at which it ends itself or nothing.
import { writeSync } from "node:fs";
import { ArtifactStore, type Home, openHome } from "@reprise/store";
import { type Future, LocalRunner, type LocalRunnerOptions } from "../index.ts";
import { logTo } from "./resume-log.ts";
import { journey, journeyArguments } from "./resume-pipeline.ts";

const [path = "", log = "", durability = "", resume = "", last = ""] = process.argv.slice(2);

/** The same object, in which the nth call of the methods, counted together, comes to nothing or to nobody's knowledge. */
function ending<T extends object>(target: T, methods: readonly (keyof T & string)[]): T {
  return new Proxy(target, {
    get(_, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (!(methods as readonly unknown[]).includes(name)) return value.bind(target) as unknown;
      return (...args: unknown[]): unknown => {
        step();
        const done = value.apply(target, args) as unknown;
        step();
        return done;
      };
    },
  });
}

let steps = 0;
function step(): void {
  steps += 1;
  if (steps === Number(last)) process.kill(process.pid, "SIGKILL");
}

class EndingRunner extends LocalRunner {
  protected override async openHome(): Promise<Home> {
    const home = await openHome({ path });
    const { blobs, settings, code } = home;
    const backend = ending(home.backend, ["commit", "takeOver", "readGraph"]);
    const cache = ending(home.cache, ["claim", "write"]);
    const artifacts = new ArtifactStore(backend, blobs);
    return {
      path,
      backend,
      cache,
      blobs,
      settings,
      code,
      artifacts,
      makeWorkdir: () => home.makeWorkdir(),
      [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
    };
  }
}

if (durability !== "ordered" && durability !== "step") throw new Error(durability);
logTo(log);
const options: LocalRunnerOptions = { home: path, durability, forwardOutput: false, concurrency: 6 };
const runner = last === "" ? LocalRunner : EndingRunner;
writeSync(1, "begins\n");
const withRecorded: (...args: never[]) => Future<unknown> = journey;
const [, rerunFrom] = resume.split("rerun ");
let value: unknown;
if (resume === "") value = await new runner(options).run(journey(...journeyArguments));
else if (rerunFrom === undefined) value = await new runner({ ...options, resume }).run(withRecorded());
else value = await new runner({ ...options, rerunFrom }).run(withRecorded());
writeSync(1, `${JSON.stringify(value)}\n`);
