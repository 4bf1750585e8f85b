/**
 * What a body may change of its process and the next one is not to see: environment variables, the working directory and,
 * if that is wanted, globals.
 */
export class Surroundings {
  readonly #env: Readonly<Record<string, string | undefined>> = { ...process.env };
  readonly #variables = Object.entries(this.#env);
  readonly #cwd = process.cwd();
  readonly #globals: ReadonlyMap<PropertyKey, PropertyDescriptor> | undefined;

  /** As they are now. @param options.globals whether globals are put back, too. */
  constructor({ globals }: { readonly globals: boolean }) {
    // Some globals of Node are made when they are first looked at, and make others that cannot be removed.
    if (globals) globalsNow();
    this.#globals = globals ? globalsNow() : undefined;
  }

  /** Puts back what has changed. Throws if something cannot be put back. */
  restore(): void {
    this.#restoreEnv();
    if (process.cwd() !== this.#cwd) process.chdir(this.#cwd);
    if (this.#globals !== undefined) restoreGlobals(this.#globals);
  }

  #restoreEnv(): void {
    const { env } = process;
    if (this.#isAsBefore(env)) return;
    const before = this.#env;
    for (const name of Object.keys(env)) if (before[name] === undefined) delete env[name];
    for (const [name, value] of this.#variables) if (env[name] !== value) env[name] = value;
  }

  /** Each variable that is looked at is asked of the system, and by far the fastest by a name that was kept. */
  #isAsBefore(env: NodeJS.ProcessEnv): boolean {
    const variables = this.#variables;
    if (Reflect.ownKeys(env).length !== variables.length) return false;
    for (const [name, value] of variables) if (env[name] !== value) return false;
    return true;
  }
}

function globalsNow(): Map<PropertyKey, PropertyDescriptor> {
  return new Map(
    Reflect.ownKeys(globalThis).map((key) => [
      key,
      Object.getOwnPropertyDescriptor(globalThis, key) as PropertyDescriptor,
    ]),
  );
}

function restoreGlobals(before: ReadonlyMap<PropertyKey, PropertyDescriptor>): void {
  for (const [key, now] of globalsNow()) {
    const then = before.get(key);
    if (then === undefined) {
      if (!Reflect.deleteProperty(globalThis, key)) throw new Error(`the global ${String(key)} cannot be removed`);
    } else if (!isSame(then, now)) Object.defineProperty(globalThis, key, then);
  }
  for (const [key, then] of before) if (!Object.hasOwn(globalThis, key)) Object.defineProperty(globalThis, key, then);
}

function isSame(a: PropertyDescriptor, b: PropertyDescriptor): boolean {
  return Object.is(a.value, b.value) && a.get === b.get && a.set === b.set && a.writable === b.writable;
}
