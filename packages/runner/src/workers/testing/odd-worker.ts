// A worker process that does nothing but what the tests of its other end ask for: by the variable ODD before it is ready,
// by the ids of funcs for its tasks. It uses nothing of the library, so that it is there at once.
import { spawn } from "node:child_process";
import { writeSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { Worker } from "node:worker_threads";

type Fields = Readonly<Record<string, unknown>>;

const send = (message: Fields): unknown => process.send?.(message);

/** Gives signs of life over the lifeline from a thread. */
function liveOn(): void {
  const program = `
    const { writeSync } = require("node:fs");
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (;;) {
      try { writeSync(4, "."); } catch (error) { if (error.code === "EPIPE") process.kill(-process.pid, "SIGKILL"); }
      Atomics.wait(pause, 0, 0, 20);
    }`;
  new Worker(program, { eval: true }).unref();
}

const tasks: Readonly<Record<string, (task: string, argument: string) => void>> = {
  echo: (task, text) => {
    send({ type: "started", task, time: Date.now() });
    send({ type: "progress", task, done: text.length, total: null, note: text });
    send({ type: "result", task, value: null, template: { stored: null, parts: [] } });
  },
  says: (task, text) => {
    process.stdout.write(`out ${text}\n`);
    process.stderr.write(`err ${text}`);
    process.stderr.write(" more\nrest");
    tasks["echo"]?.(task, text);
  },
  // As soon as the system has all that was said.
  exit: (_task, code) =>
    process.send?.({ type: "heartbeat", memory: null, caches: [] }, () => process.exit(Number(code))),
  // Leaves it to the pipe to hold all of this.
  "flood and exit": (_task, count) => {
    writeSync(1, Array.from({ length: Number(count) }, (_, line) => `line ${line}\n`).join(""));
    process.exit(0);
  },
  throw: (_task, text) => {
    throw new TypeError(text);
  },
  "reject later": (task, text) => {
    tasks["echo"]?.(task, text);
    void Promise.reject(new RangeError(text));
  },
  kill: (_task, signal) => process.kill(process.pid, signal),
  heap: () => {
    const all: unknown[] = [];
    for (;;) all.push(Array.from({ length: 10_000 }, () => all.length));
  },
  memory: () => {
    writeSync(4, "M");
    process.kill(process.pid, "SIGKILL");
  },
  env: (task, name) => {
    const note = JSON.stringify([process.env[name] ?? null, process.cwd(), process.execArgv, process.argv.slice(2)]);
    send({ type: "progress", task, done: 0, total: null, note });
  },
  "ignore signals": (task) => {
    process.on("SIGTERM", () => send({ type: "progress", task, done: 1, total: null, note: "SIGTERM" }));
    send({ type: "started", task, time: Date.now() });
  },
  nonsense: () => send({ type: "started", task: 5 }),
  disconnect: () => {
    process.disconnect();
    setInterval(() => undefined, 1_000);
  },
  block: (task, text) => {
    if (text === "with thread") liveOn();
    // The thread must have begun.
    setTimeout(() => {
      process.send?.({ type: "started", task, time: Date.now() }, () => {
        for (;;);
      });
    }, 200);
  },
  lives: (task) => {
    liveOn();
    send({ type: "started", task, time: Date.now() });
  },
  // Calls where its end will be noticed, then does what the rest says.
  calls: (task, rest) => {
    const socket = connect(process.env["LIVES"] ?? "");
    socket.write(`${task} ${process.pid}\n`, () => {
      socket.unref();
      const [name = "", argument = ""] = rest.split(", ");
      tasks[name]?.(task, argument);
    });
  },
  // A process that would outlive its parent, holds its output open and, as `daemon`, is in a group of its own.
  "leave behind": (task, kind) => {
    // Told only when it is noticed to live: whoever hears of it may end everything at once.
    const said = 'require("node:fs").writeSync(3, "noticed")';
    const script = `require("node:net").connect(process.env.LIVES).write("${task} left " + process.pid + "\\n", () => ${said})`;
    const left = spawn(process.execPath, ["-e", script], {
      stdio: ["ignore", "inherit", "inherit", "pipe"],
      detached: kind === "daemon",
    });
    left.unref();
    const noticed = left.stdio[3] as Socket;
    noticed.once("data", () => {
      noticed.destroy();
      send({ type: "started", task, time: Date.now() });
    });
  },
};

function hear(message: Fields): void {
  if (message["type"] === "hello") {
    begin();
  } else if (message["type"] === "start") {
    const [name = "", argument = ""] = String(message["func"]).split(": ");
    tasks[name]?.(String(message["task"]), argument);
  } else if (message["type"] === "end") {
    if (process.env["ODD"] !== "stays") process.disconnect();
  }
}

function begin(): void {
  const cause = { name: "TypeError", message: "not found", classes: ["TypeError", "Error"] };
  const failure = { name: "Error", message: "no such module: not found", classes: ["Error"], cause };
  switch (process.env["ODD"]) {
    case "unable":
      send({ type: "unable", failure });
      break;
    case "never ready":
      console.error("still loading the model");
      break;
    case "fails":
      throw new TypeError("top level");
    default:
      send({ type: "heartbeat", memory: 5, caches: [] });
      send({ type: "ready", protocol: 1, pid: process.pid });
  }
}

process.on("message", (message: Fields | readonly Fields[]) => {
  for (const one of Array.isArray(message) ? (message as readonly Fields[]) : [message as Fields]) hear(one);
});
