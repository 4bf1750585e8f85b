// Programs that are stopped while bodies of all kinds are at work. Arguments: scenario, home.
import { writeSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { context, func, LocalRunner, type LocalRunnerOptions } from "../index.ts";

const [scenario = "", home = ""] = process.argv.slice(2);

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

/** Ends with its signal, and tidies up for a while. */
const polite = func("polite", async () => {
  const { signal, workdir } = context();
  try {
    await pause(60_000, undefined, { signal });
    return workdir;
  } finally {
    await pause(50);
    say(`tidied up, ${(signal.reason as Error).name}`);
    console.log("last words");
  }
});

const deaf = func("deaf", async (): Promise<void> => {
  for (;;) await pause(1_000);
});

/** Needs half a minute after its signal. */
const slow = func("slow", async () => {
  try {
    await pause(60_000, undefined, { signal: context().signal });
  } finally {
    await pause(30_000);
  }
});

const waits = func("waits", () => {
  // Nobody awaits this one; that the body is told to stop must not crash the process.
  void deaf().$value();
  return deaf().$value();
});
const queued = func("queued", () => pause(60_000));
const dependent = func("dependent", (value: unknown) => value);
const retries = func({
  id: "retries",
  retry: { retries: 3, delay: "1h" },
  run: () => {
    throw new Error("not yet");
  },
});

const work = func("work", async () => {
  const last = polite();
  retries();
  waits();
  slow();
  deaf();
  for (let at = 0; at < 20; at += 1) queued();
  dependent(last);
  await pause(100);
  say("ready");
  await last.$value();
});

async function run(options: LocalRunnerOptions = {}): Promise<unknown> {
  return new LocalRunner({ home, concurrency: 5, ...options }).run(work());
}

const scenarios: Readonly<Record<string, () => Promise<unknown>>> = {
  uncaught: () => run(),

  caught: async () => {
    await run().catch((error: Error) => say(`caught ${error.message.replace(/.* was /, "")}`));
    setInterval(() => undefined, 1_000);
  },

  "own end": async () => {
    await run().catch(() => undefined);
    process.exit(5);
  },

  "own listener": async () => {
    process.on("SIGINT", () => say("own listener"));
    await run().catch(() => say("caught"));
    await pause(900);
    process.exit(7);
  },

  "not handled": () => run({ handleSignals: false }),

  "busy afterwards": async () => {
    await run().catch(() => undefined);
    say("ended");
    await pause(60_000);
  },

  "two runners": async () => {
    await Promise.allSettled([run(), run({ durability: "step" })]);
    say("both ended");
  },
};

await scenarios[scenario]?.();
