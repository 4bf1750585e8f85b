// Programs that end in the midst of a pipeline run. Arguments: scenario, home.
import { setTimeout as pause } from "node:timers/promises";
import { context, func, LocalRunner } from "../index.ts";
import { SlowRunner } from "./slow-blobs.ts";

const [scenario = "", home = ""] = process.argv.slice(2);

const work = func("work", async () => {
  await pause(60_000, undefined, { signal: context().signal });
});
const large = func("large", (length: number) => new Uint8Array(length).fill(7));

const exitsAtOnce = func("exits at once", (code: number) => process.exit(code));
const exitsLater = func("exits later", async (code: number) => {
  await pause(30);
  process.exit(code);
});
const throwsInTimer = func("throws in a timer", async (_code: number) => {
  setTimeout(() => {
    throw new TypeError("in a timer");
  }, 20);
  await pause(60_000);
});
const rejects = func("rejects", async (_code: number) => {
  void Promise.reject(new RangeError("nobody listens"));
  await pause(60_000);
});
const fails = func("fails", async (): Promise<string> => {
  await pause(10);
  throw new Error("as a child");
});
const forgets = func("forgets", async (_code: number) => {
  void fails().$value();
  await pause(60_000);
});
const never = func("never", () => new Promise<void>(() => undefined));

const troubles = { exits: exitsAtOnce, later: exitsLater, throwsInTimer, rejects, forgets };
const beside = func("beside", (what: keyof typeof troubles, code: number) => {
  work();
  return troubles[what](code);
});
const takesLarge = func("takes large", async (bytes: Uint8Array, code: number) => {
  await pause(30);
  if (code < 0) process.kill(process.pid, "SIGINT");
  else process.exit(code);
  await pause(60_000);
  return bytes.length;
});
const makesLarge = func("makes large", async (code: number) => {
  await pause(30);
  return takesLarge(large(200_000), code);
});

const neverWritten = new SlowRunner(home, () => new Promise<void>(() => undefined));
const runner = new LocalRunner({ home });

const scenarios: Readonly<Record<string, () => Promise<unknown>>> = {
  "exit in a body": () => runner.run(beside("exits", 3)),
  "exit of the root": () => runner.run(exitsAtOnce(9)),
  "exit later": () => runner.run(beside("later", 4)),
  "exit while values are written": () => neverWritten.run(makesLarge(5)),
  "exit while arguments are written": () => neverWritten.run(takesLarge(new Uint8Array(200_000), 6)),
  "signal while values are written": () => neverWritten.run(makesLarge(-1)),
  exception: () => runner.run(beside("throwsInTimer", 0)),
  rejection: () => runner.run(beside("rejects", 0)),
  "forgotten value": () => runner.run(beside("forgets", 0)),
  "nothing left to do": () => runner.run(never()),
  "handled exception": () => {
    process.on("uncaughtException", () => setTimeout(() => process.exit(8), 20));
    setTimeout(() => {
      throw new Error("handled elsewhere");
    }, 5);
    return runner.run(work());
  },
};

await scenarios[scenario]?.();
