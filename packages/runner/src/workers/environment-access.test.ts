import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const module = new URL("./environment-access.ts", import.meta.url).href;
const surroundings = fileURLToPath(new URL("./surroundings.ts", import.meta.url));

/** Executes a program that tells, with `tell`, in a process in which nobody has asked before. */
async function tellsOf(code: string, ...options: string[]): Promise<unknown> {
  const program = `
    import { EnvironmentAccess } from ${JSON.stringify(module)};
    import { Surroundings } from ${JSON.stringify(surroundings)};
    const tell = (what) => console.log(JSON.stringify(what));
    const access = new EnvironmentAccess(false);
    ${code}`;
  const args = [...options, "--input-type=module", "--eval", program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { A: "a" } });
  return JSON.parse(stdout);
}

const ways: Readonly<Record<string, string>> = {
  "process.env is asked for": "void process.env.A",
  "process.env is replaced": "process.env = {}",
  "a file of variables is loaded": "void process.loadEnvFile",
  "an addon is loaded": "try { process.dlopen({ exports: {} }, '/nowhere.node') } catch {}",
  "a module imports the environment": `await import("data:text/javascript,import { env } from 'node:process'")`,
  "a process is started with it": `(await import("node:child_process")).spawnSync("true")`,
  "a thread shares it":
    `const { Worker, SHARE_ENV } = await import("node:worker_threads");` +
    `await new Worker("0", { eval: true, env: SHARE_ENV }).terminate()`,
};

for (const [what, code] of Object.entries(ways)) {
  test(`the environment can have been changed once ${what}`, async () => {
    expect(await tellsOf(`const before = access.isOpen; ${code}; tell([before, access.isOpen])`)).toEqual([
      false,
      true,
    ]);
  });
}

test("what asks for the environment of itself, and keeps nothing, opens nothing", async () => {
  expect(await tellsOf(`access.own(() => process.env.A); tell(access.isOpen)`)).toBe(false);
});

test("a module that is loaded, and asks for nothing, opens nothing", async () => {
  expect(await tellsOf(`await import("data:text/javascript,0"); tell(access.isOpen)`)).toBe(false);
});

test("modules that were there first may have asked before", async () => {
  const first = "data:text/javascript,globalThis.kept=process.env";
  expect(await tellsOf("tell(access.isOpen)", "--import", first)).toBe(true);
});

test("what has been asked for is a property like before", async () => {
  const look = `Object.getOwnPropertyDescriptor(process, "env")`;
  const told = await tellsOf(
    `void process.env; const { get, writable, value } = ${look}; tell([get, writable, value.A])`,
  );
  expect(told).toEqual([null, true, "a"]);
});

test("a changed environment is put back, also if another object has taken its place", async () => {
  const told = await tellsOf(`
    const surroundings = new Surroundings({ globals: false, access });
    const isOpen = access.isOpen;
    process.env.A = "other";
    surroundings.restore();
    const first = process.env.A;
    const kept = process.env;
    process.env = { A: "third" };
    surroundings.restore();
    const second = process.env.A;
    kept.A = "fourth";
    surroundings.restore();
    tell([isOpen, first, second, process.env.A, process.env === kept]);`);
  expect(told).toEqual([false, "a", "a", "a", true]);
});
