/** The program of the replicas in the tests of pools. */
import { writeSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { ActorEnvironment, context, func } from "../../index.ts";

const environment = new ActorEnvironment({ name: "tested" });

const { GATE: gate = "", WARMUP: warmup } = process.env;

/** Connects to the gate of the test, under a name. */
function come(name: string): Socket {
  const socket = connect(gate);
  socket.on("error", () => undefined);
  socket.write(`${name} ${process.pid}\n`);
  return socket;
}

function answer(socket: Socket): Promise<string> {
  return new Promise((resolve) => socket.setEncoding("utf8").once("data", (text: string) => resolve(text.trim())));
}

/** One for each replica: it leaves when the replica does. */
const kept = environment.cache(() => come("cache"), {
  name: "kept",
  dispose: (socket) => {
    socket.write("disposed\n");
    socket.destroySoon();
  },
});

if (warmup !== undefined) {
  environment.warmup(async () => {
    const socket = come("warmup");
    const text = warmup === "waits" ? await answer(socket) : warmup;
    socket.destroySoon();
    if (text !== "warm") throw new Error(text);
  });
}

if (process.env["DIES"] !== undefined) {
  // As native code may: the replica was ready, and had nothing to do.
  environment.warmup(() => void setTimeout(() => process.exit(3), 10));
}

/** Waits at the gate until the test lets it go on; gives what it says. */
export const meet = environment.func("meet", async (name: string) => {
  const socket = come(name);
  const { signal } = context();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error));
  });
  try {
    return await Promise.race([answer(socket), aborted]);
  } finally {
    socket.destroySoon();
  }
});

/** As {@link meet}, but does not stop when it is told to. */
export const stubborn = environment.func("stubborn", async (name: string) => {
  const socket = come(name);
  context().signal.addEventListener("abort", () => void socket.write("was told\n"));
  const text = await answer(socket);
  socket.destroySoon();
  return text;
});

export const where = environment.func("where", () => `${process.pid}`);

/** Uses what is cached on the replica. */
export const cached = environment.func("cached", () => {
  kept();
  return `${process.pid}`;
});

export const variable = environment.func("variable", (name: string) => process.env[name] ?? "none");

/** Writes as native code does, past what captures the output of bodies, and waits at the gate. */
export const printing = environment.func("printing", async (text: string) => {
  writeSync(1, `${text}\n`);
  const socket = come("printing");
  const said = await answer(socket);
  socket.destroySoon();
  return said;
});

/** Takes ever more memory. */
export const hungry = environment.func("hungry", async () => {
  const all: Uint8Array[] = [];
  for (;;) {
    all.push(new Uint8Array(8 * 1024 * 1024).fill(all.length));
    await pause(1);
  }
});

const child = func("child", () => 1);

/** Waits for a run, then at the gate. */
export const waiting = environment.func("waiting", async () => {
  const value = await child()
    .$value()
    .catch((error: unknown) => (error as Error).message);
  const socket = come("waited");
  const text = await answer(socket);
  socket.destroySoon();
  return `${value}, ${text}`;
});
