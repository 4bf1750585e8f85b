// Programs whose bodies print. Arguments: scenario, home.
import { setTimeout as pause } from "node:timers/promises";
import { context, func, LocalRunner } from "../index.ts";

const [scenario = "", home = ""] = process.argv.slice(2);

const kinds = func("kinds", async () => {
  console.log("log %d", 1);
  console.error("error");
  console.warn("warn");
  process.stdout.write("a part, ");
  await pause(1);
  process.stdout.write("and the rest\r\nanother line\n\nafter an empty one\n");
  const text = Buffer.from("zwölf 🐦\n");
  for (const byte of text) process.stdout.write(Uint8Array.of(byte));
  process.stdout.write("c3a9", "hex");
  process.stdout.write("\n");
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(() => {
    console.log("in a timer");
    resolve();
  }, 1);
  await promise;
  context().log.warn("with data", { list: [1, 2], big: 12n, not: Number.NaN, error: new Error("inside") });
  context().log.debug("circular", circular());
  const changing = { value: "then" };
  context().log.info("as it was", changing);
  changing.value = "now";
  process.stderr.write("no end");
});

function circular(): object {
  const object: { self?: object } = {};
  object.self = object;
  return object;
}

const long = func("long", () => {
  const bird = "🐦".repeat(50_000);
  process.stdout.write(`${bird}\n`);
  process.stdout.write("x".repeat(40_000));
  process.stdout.write("y".repeat(40_000));
  process.stdout.write("\nend\n");
});

const chatty = func("chatty", async (number: number) => {
  for (let line = 0; line < 20; line += 1) {
    process.stdout.write(`${number}:`);
    await pause(Math.random() * 2);
    process.stdout.write(`${line}\n`);
  }
});
const crowd = func("crowd", () => {
  for (let number = 0; number < 64; number += 1) chatty(number);
});

const talker = func("talker", async (name: string) => {
  for (let line = 0; line < 5; line += 1) {
    console.log(`${name} ${line}`);
    await pause(2);
  }
});

const retried = func({
  id: "retried",
  retry: { retries: 2 },
  run: () => {
    process.stdout.write(`attempt ${context().attempt}`);
    if (context().attempt < 3) throw new Error("again");
  },
});

const callbacks = func("callbacks", async () => {
  const done = (...args: unknown[]) =>
    new Promise<void>((resolve) =>
      (process.stdout.write as (...all: unknown[]) => void).call(process.stdout, ...args, () => resolve()),
    );
  await done("one\n");
  await done("two\n", "utf8");
  await done(Buffer.from("three\n"));
});

const quick = func("quick", () => {
  setTimeout(() => console.log("after its body"), 20);
  setTimeout(() => console.log("after its pipeline run"), 500);
});
const patient = func("patient", async () => {
  quick();
  await pause(100);
});

const scenarios: Readonly<Record<string, () => Promise<unknown>>> = {
  kinds: () => new LocalRunner({ home }).run(kinds()),
  silent: async () => {
    console.log("before");
    const run = new LocalRunner({ home, forwardOutput: false }).run(kinds());
    console.log("outside");
    await run;
    console.log("afterwards");
  },
  long: () => new LocalRunner({ home }).run(long()),
  crowd: () => new LocalRunner({ home, forwardOutput: false }).run(crowd()),
  retried: () => new LocalRunner({ home }).run(retried()),
  callbacks: () => new LocalRunner({ home }).run(callbacks()),
  "silent callbacks": () => new LocalRunner({ home, forwardOutput: false }).run(callbacks()),
  late: () => new LocalRunner({ home }).run(patient()),
  "two runners": async () => {
    const loud = new LocalRunner({ home });
    const quiet = new LocalRunner({ home, forwardOutput: false });
    await Promise.all([loud.run(talker("loud")), quiet.run(talker("quiet"))]);
  },
  wrapped: async () => {
    // Somebody replaces the stream's method while a run is under way, and does not put it back.
    const running = new LocalRunner({ home }).run(talker("first"));
    // oxlint-disable-next-line typescript/unbound-method -- it is called with its object below
    const { write } = process.stdout;
    process.stdout.write = (...args: unknown[]) =>
      (write as (...all: unknown[]) => boolean).apply(process.stdout, args);
    await running;
    await new LocalRunner({ home }).run(talker("second"));
  },
  invalid: () => new LocalRunner({ home }).run(func("invalid", () => process.stdout.write(5 as unknown as string))()),
};

await scenarios[scenario]?.();
