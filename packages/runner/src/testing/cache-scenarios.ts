// Programs that want what other processes compute at the same moment. Arguments: scenario, folder that the processes
// share, lease times as JSON, flag that the body waits for.
import { setTimeout as pause } from "node:timers/promises";
import type { LeaseTimes } from "@reprise/store";
import { context, func, type LocalRunnerOptions } from "../index.ts";
import { LeaseRunner, say, statusTeller } from "./cache-runner.ts";
import { SharedFolder } from "./cache-shared.ts";

const [scenario = "", folder = "", times = "{}", flag = "finish"] = process.argv.slice(2);
const lease = JSON.parse(times) as LeaseTimes;
const shared = new SharedFolder(folder);

/** What the body of `work` does in this process before it gives its value. */
type Work = (signal: AbortSignal) => unknown;

/** To this one all processes give the same answer. */
const sameQuestion = "the same";

let doWork: Work = (signal) => shared.raised(flag, signal);

const work = func({
  id: "work",
  cache: { version: "1" },
  run: async (question: string) => {
    shared.log(`begin ${process.pid}`);
    say("begins");
    try {
      await doWork(context().signal);
    } finally {
      shared.log(`end ${process.pid}`);
    }
    return { question, answer: question === sameQuestion ? "of all" : `of ${process.pid}` };
  },
});

/** Holds a lease of its own while it waits for `work`. */
const holder = func({ id: "holder", cache: { version: "1" }, run: (question: string) => work(question) });

/** Waits for `work` for a second only, and goes on without it. */
const hasty = func({ id: "hasty", timeout: 1_000, run: (question: string) => work(question) });
const impatient = func({
  id: "impatient",
  cache: { version: "1" },
  run: async (question: string) => {
    await patience(question);
    say("gave up");
    await shared.raised(flag, context().signal);
    return { question, answer: "of nobody" };
  },
});
async function patience(question: string): Promise<void> {
  await hasty(question)
    .$value()
    .catch(() => undefined);
}

/** Who wants what, for processes that want each other's results in a circle; the JSON stands in the flag's place. */
interface Plan {
  readonly roots: readonly string[];
  readonly concurrency?: number;
  readonly wants: Readonly<Record<string, string>>;
}
let plan: Plan = { roots: [], wants: {} };

const crossed = func({
  id: "crossed",
  cache: { version: "1" },
  run: async (name: string): Promise<string> => {
    shared.log(`begin ${name}`);
    say(`begins ${name}`);
    const wanted = plan.wants[name];
    if (wanted === undefined) return `${name} alone`;
    await shared.raised("both");
    return `${name} after ${await wantedBy(wanted)}`;
  },
});
async function wantedBy(name: string): Promise<string> {
  return crossed(name).$value();
}
const crossing = func("crossing", ({ roots, concurrency }: Plan) => crossed.map([...roots], { concurrency }));

function runnerWith(options: LocalRunnerOptions = {}): LeaseRunner {
  return new LeaseRunner(shared.home, lease, { onEvent: statusTeller(), ...options });
}

/** Runs `work`, tells how it went, and stays until it is told to leave, so that no end of a process explains anything. */
async function answer(future: ReturnType<typeof work> = work("question")): Promise<void> {
  const handle = await runnerWith().submit(future);
  void shared.raised(`cancel ${process.pid}`).then(() => handle.cancel());
  try {
    say(`result ${(await handle.result()).answer}`);
  } catch (error) {
    say(`failed ${(error as Error).message}`);
  }
  say("ended");
  await shared.raised("leave");
  process.exit();
}

function working(body: Work): Promise<void> {
  doWork = body;
  return answer();
}

const scenarios: Readonly<Record<string, () => Promise<unknown>>> = {
  works: () => answer(),

  "works to the same result": () => answer(work(sameQuestion)),

  "works when all are ready": async () => {
    // What is loaded at first use is loaded now, so that all ask at the same moment.
    await new LeaseRunner(shared.home, lease, { cache: "off" }).run(func("warm up", () => 1)());
    say("ready");
    await shared.raised("go");
    await answer();
  },

  "fails twice": () =>
    working(async (signal) => {
      const executions = shared.logged.filter((line) => line.startsWith("begin ")).length;
      await shared.raised(flag, signal);
      // Time in which others would begin if they did not wait for the end.
      await pause(30);
      if (executions <= 2) throw new Error(`execution ${executions}`);
    }),

  "blocks the event loop": () =>
    working(() => {
      while (!shared.isRaised("waits"));
      const began = performance.now();
      while (performance.now() - began < 5 * (lease.grace ?? 0));
    }),

  "holds a lease and waits": () => answer(holder("question")),

  "gives up waiting": () => answer(impatient("question")),

  crosses: async () => {
    plan = JSON.parse(flag) as Plan;
    say(`result ${(await runnerWith().run(crossing(plan))).join(", ")}`);
  },

  "exits in the body": () =>
    working(async (signal) => {
      await shared.raised(flag, signal);
      process.exit(3);
    }),

  "throws outside of everything": () =>
    working(async (signal) => {
      await shared.raised(flag, signal);
      setTimeout(() => {
        throw new TypeError("in a timer");
      });
      await new Promise(() => undefined);
    }),

  "has nothing left to do": async () => {
    doWork = async (signal) => {
      await shared.raised(flag, signal);
      await new Promise(() => undefined);
    };
    await runnerWith().run(work("question"));
  },

  "leaves while a run goes on": async () => {
    void runnerWith()
      .run(work("question"))
      .catch(() => undefined);
    await shared.raised(flag);
    process.exit(0);
  },
};

await scenarios[scenario]?.();
