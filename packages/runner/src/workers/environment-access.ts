import { getCallSites } from "node:util";

/** Properties of `process` that lead to the environment variables, past JavaScript, too. */
const ways = ["env", "loadEnvFile", "dlopen"] as const;

/** Options of Node by which somebody else's code may have been there first. */
const preloads = /(?:^|[\s"])(?:-r|--require|--import|--loader|--experimental-loader)\b/;

/** Node asks for a variable with each module that it loads, and gives nobody what it has asked for. */
const loader = "node:internal/modules/";

/**
 * Whether anybody can have changed environment variables: comparing them takes as long as many a body. Whoever has been
 * given an object may keep it, so this is found out once; until then `process.env` and its like are accessors.
 */
export class EnvironmentAccess {
  #isOpen: boolean;
  #isOwn = false;
  readonly #undo: (() => void)[] = [];

  /** @param isOpen whether somebody may have asked before this one was made. */
  constructor(isOpen: boolean) {
    const options = [...process.execArgv, process.env["NODE_OPTIONS"]].join(" ");
    const found = ways.map((name) => [name, Object.getOwnPropertyDescriptor(process, name)] as const);
    this.#isOpen = isOpen || preloads.test(options) || found.some(([, property]) => property?.get !== undefined);
    if (this.#isOpen) return;
    for (const [name, property] of found) if (property?.configurable === true) this.#guard(name, property);
  }

  /** Whether somebody has asked for a way to them. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Does something that asks for them, and neither changes nor keeps them. */
  own<T>(act: () => T): T {
    const was = this.#isOwn;
    this.#isOwn = true;
    try {
      return act();
    } finally {
      this.#isOwn = was;
    }
  }

  #guard(name: string, property: PropertyDescriptor): void {
    const value: unknown = property.value;
    this.#undo.push(() => Object.defineProperty(process, name, property));
    Object.defineProperty(process, name, {
      configurable: true,
      enumerable: property.enumerable ?? true,
      get: () => {
        if (!this.#isOwn && getCallSites(2)[1]?.scriptName.startsWith(loader) !== true) this.#open();
        return value;
      },
      set: (other: unknown) => {
        this.#open();
        Reflect.set(process, name, other);
      },
    });
  }

  #open(): void {
    this.#isOpen = true;
    for (const undo of this.#undo.splice(0)) undo();
  }
}
