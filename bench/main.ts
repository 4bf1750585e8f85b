// `npm run bench [name …] [--once-million] [--patience=SECONDS] [--json]`: see docs/benchmarks.md.
import { fork } from "node:child_process";
import { once } from "node:events";
import { parseArgs } from "node:util";
import type { Benchmark, Growth, Measure, Report } from "./benchmark.ts";
import { describeMachine } from "./machine.ts";
import { setPatience } from "./measure/quiet.ts";
import { growthLine, heading, measureLine } from "./render.ts";

// Loaded alone, in the process that runs it: no benchmark finds code that another has compiled or spoiled.
const benchmarks: Readonly<Record<string, () => Promise<Benchmark>>> = {
  silent: async () => (await import("./silent.ts")).silent,
  tracked: async () => (await import("./tracked.ts")).tracked,
  codec: async () => (await import("./codec.ts")).codec,
  digest: async () => (await import("./digest.ts")).digest,
  directory: async () => (await import("./directory.ts")).directory,
  startup: async () => (await import("./startup.ts")).startup,
  memory: async () => (await import("./memory.ts")).memory,
  "cache-hits": async () => (await import("./cache-hits.ts")).cacheHits,
  "cache-misses": async () => (await import("./cache-misses.ts")).cacheMisses,
  "cache-inputs": async () => (await import("./cache-inputs.ts")).cacheInputs,
  rerun: async () => (await import("./rerun.ts")).rerun,
  workers: async () => (await import("./workers.ts")).workers,
  actors: async () => (await import("./actors.ts")).actors,
  "cache-code": async () => (await import("./cache-code.ts")).cacheCode,
};

type Message =
  | { readonly type: "title"; readonly title: string }
  | { readonly type: "measure"; readonly measure: Measure }
  | { readonly type: "growth"; readonly growth: Growth }
  | { readonly type: "note"; readonly note: string };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    "once-million": { type: "boolean", default: false },
    patience: { type: "string", default: "60" },
    child: { type: "boolean", default: false },
  },
});

await (values.child ? runHere(positionals[0] ?? "") : runAll());

/** In the child: one benchmark, told to the parent line by line. */
async function runHere(name: string): Promise<void> {
  const tell = (message: Message): void => void process.send?.(message);
  const report: Report = {
    measure: (measure) => tell({ type: "measure", measure }),
    growth: (growth) => tell({ type: "growth", growth }),
    note: (note) => tell({ type: "note", note }),
  };
  setPatience(Number(values.patience));
  const benchmark = await benchmarks[name]?.();
  if (benchmark === undefined) throw new Error(`There is no benchmark ${name}.`);
  tell({ type: "title", title: benchmark.title });
  await benchmark.run(report, { onceMillion: values["once-million"] });
  process.disconnect();
}

async function runAll(): Promise<void> {
  const names = positionals.length === 0 ? Object.keys(benchmarks) : positionals;
  const unknown = names.filter((name) => benchmarks[name] === undefined);
  if (unknown.length > 0) {
    console.error(`There is no benchmark ${unknown.join(", ")}. There are: ${Object.keys(benchmarks).join(", ")}.`);
    process.exitCode = 2;
    return;
  }
  const machine = await describeMachine();
  if (!values.json)
    console.log(
      Object.entries(machine)
        .map(([key, value]) => `${key}: ${value}`)
        .join(" · "),
    );
  const results: Record<string, readonly Message[]> = {};
  for (const name of names) results[name] = await runChild(name);
  if (values.json) console.log(JSON.stringify({ machine, results }, undefined, 2));
}

async function runChild(name: string): Promise<readonly Message[]> {
  const options = [`--patience=${values.patience}`, ...(values["once-million"] ? ["--once-million"] : [])];
  const child = fork(import.meta.filename, ["--child", name, ...options], {
    execArgv: ["--expose-gc", "--disable-warning=ExperimentalWarning"],
    // What a benchmark prints by itself must not end up between the lines of --json.
    stdio: ["ignore", 2, 2, "ipc"],
  });
  const messages: Message[] = [];
  child.on("message", (message: Message) => {
    messages.push(message);
    if (!values.json) print(message);
  });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) {
    console.error(`Benchmark ${name} did not finish.`);
    process.exitCode = 1;
  }
  return messages;
}

function print(message: Message): void {
  switch (message.type) {
    case "title":
      console.log(`\n${message.title}\n${heading()}`);
      break;
    case "measure":
      console.log(measureLine(message.measure));
      break;
    case "growth":
      console.log(growthLine(message.growth));
      break;
    case "note":
      console.log(`  (${message.note})`);
      break;
  }
}
