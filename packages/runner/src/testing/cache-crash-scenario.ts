// Stores a result and ends itself at the given step of doing so. Arguments: home, name of the step, at which time it ends.
import { ArtifactStore, type Backend, type CacheStore, type Home, LocalBlobStore, openHome } from "@reprise/store";
import { LocalRunner } from "../index.ts";
import { say } from "./cache-runner.ts";
import { results } from "./cache-values.ts";

const [path = "", last = "", time = ""] = process.argv.slice(2);
let times = 0;

function step(name: string): void {
  if (name !== last) return;
  times += 1;
  if (times !== Number(time)) return;
  say("ends");
  process.kill(process.pid, "SIGKILL");
}

/** The same object, with steps before and after the methods. */
function stepping<T extends Backend | CacheStore>(target: T, methods: readonly (keyof T & string)[]): T {
  const wrapped = new Map<unknown, unknown>();
  for (const method of methods) {
    const work = target[method] as (...args: unknown[]) => unknown;
    wrapped.set(method, (...args: unknown[]): unknown => {
      step(`before ${method}`);
      const done = work.apply(target, args);
      step(`after ${method}`);
      return done;
    });
  }
  return new Proxy(target, {
    get(_, name) {
      const value: unknown = wrapped.get(name) ?? Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

class SteppingRunner extends LocalRunner {
  protected override async openHome(): Promise<Home> {
    const home = await openHome({ path });
    const { settings, code } = home;
    const backend = stepping(home.backend, ["commit"]);
    const cache = stepping(home.cache, ["claim", "write"]);
    const blobs = new LocalBlobStore(`${path}/blobs`, { onStep: (name) => step(`blob ${name}`) });
    return {
      path,
      backend,
      cache,
      code,
      blobs,
      settings,
      artifacts: new ArtifactStore(backend, blobs),
      makeWorkdir: () => home.makeWorkdir(),
      [Symbol.asyncDispose]: () => home[Symbol.asyncDispose](),
    };
  }
}

await new SteppingRunner().run(results(7));
say("unharmed");
