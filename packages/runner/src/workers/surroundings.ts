import { EnvironmentAccess } from "./environment-access.ts";

/**
 * What a body may change of its process and the next one is not to see: environment variables, the working directory and,
 * if that is wanted, globals.
 */
export class Surroundings {
  readonly #access: EnvironmentAccess;
  readonly #env: NodeJS.ProcessEnv;
  readonly #before: Readonly<Record<string, string | undefined>>;
  readonly #variables: readonly (readonly [name: string, value: string | undefined])[];
  readonly #cwd = process.cwd();
  readonly #globals: ReadonlyMap<PropertyKey, PropertyDescriptor> | undefined;

  /**
   * As they are now.
   *
   * @param options.globals whether globals are put back, too.
   * @param options.access tells whether the environment can have been changed. Default: it can.
   */
  constructor({ globals, access }: { readonly globals: boolean; readonly access?: EnvironmentAccess | undefined }) {
    this.#access = access ?? new EnvironmentAccess(true);
    this.#env = this.#access.own(() => process.env);
    this.#before = { ...this.#env };
    this.#variables = Object.entries(this.#before);
    // Some globals of Node are made when they are first looked at, and make others that cannot be removed.
    if (globals) globalsNow();
    this.#globals = globals ? globalsNow() : undefined;
  }

  /** Puts back what has changed. Throws if something cannot be put back. */
  restore(): void {
    if (this.#access.isOpen) this.#restoreEnv();
    if (process.cwd() !== this.#cwd) process.chdir(this.#cwd);
    if (this.#globals !== undefined) restoreGlobals(this.#globals);
  }

  #restoreEnv(): void {
    const env = this.#env;
    if (process.env !== env) process.env = env;
    if (this.#isAsBefore()) return;
    const before = this.#before;
    for (const name of Object.keys(env)) if (before[name] === undefined) delete env[name];
    for (const [name, value] of this.#variables) if (env[name] !== value) env[name] = value;
  }

  /** Each variable that is looked at is asked of the system, and by far the fastest by a name that was kept. */
  #isAsBefore(): boolean {
    const env = this.#env;
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
