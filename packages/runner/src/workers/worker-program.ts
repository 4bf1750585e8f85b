// As a whole: bundles that hold the library often begin with a `createRequire` of their own.
import * as nodeModule from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { RepriseError } from "@reprise/core";
import type { CodeStore } from "@reprise/store";
import { expectFuncs } from "../code-version/load-held.ts";
import { type FuncDefinition, funcRegistry } from "../func-definition.ts";
import type { MaybePromise } from "../maybe-promise.ts";
import { messageOf } from "../message-of.ts";
import { holdRuns } from "../runner.ts";
import { heldWords, sinceStart } from "./bundled-process.ts";
import type { StartMessage, WireProgram } from "./protocol.ts";
import { isBundled } from "./worker-url.ts";

/**
 * The user's program in a process that executes its bodies. It may start a runner when it is loaded, as the file does that
 * was started: that is never executed here, and what would have come after it is not done.
 */
export class WorkerProgram {
  readonly #program: WireProgram;
  readonly #code: CodeStore;
  readonly #loadsAnew: boolean;
  /** Files that were loaded, or are being loaded. */
  readonly #loads = new Map<string, Promise<unknown>>();
  #begun = Promise.withResolvers<void>();
  #generation = 0;

  /** @param options.loadsAnew whether it will be loaded more than once. */
  constructor(program: WireProgram, code: CodeStore, { loadsAnew }: { readonly loadsAnew: boolean }) {
    this.#program = program;
    this.#code = code;
    this.#loadsAnew = loadsAnew;
    holdRuns(heldWords, () => this.#begun.resolve());
  }

  /** Loads it. Rejects with `WORKER_FAILED`, or `CODE_NOT_KEPT`, if it cannot be loaded. */
  async load(): Promise<void> {
    const program = this.#program;
    if (program.kind === "kept") {
      await this.#loadKept(program.digest);
      return;
    }
    if (this.#generation === 0) await this.#placeModules(program.files);
    for (const file of program.files) await this.#loadFile(file);
  }

  /** Loads it anew: its modules, but not packages, begin as if the process did. */
  async reload(): Promise<void> {
    const { forgetModules } = await import("./fresh-modules.ts");
    this.#generation += 1;
    this.#loads.clear();
    forgetModules();
    await this.load();
  }

  /** The func of a task. Rejects with `WORKER_FAILED` if the program does not define it. */
  funcOf(message: StartMessage): MaybePromise<FuncDefinition> {
    return funcRegistry.get(message.func) ?? this.#find(message);
  }

  async #find({ func, file }: StartMessage): Promise<FuncDefinition> {
    const isDefined = (): boolean => funcRegistry.has(func);
    await expectFuncs(isDefined, Promise.allSettled(this.#loads.values()));
    if (!isDefined() && file !== null && this.#program.kind === "files" && !this.#loads.has(file)) {
      await this.#loadFile(file);
      await expectFuncs(isDefined, Promise.allSettled(this.#loads.values()));
    }
    const definition = funcRegistry.get(func);
    if (definition !== undefined) return definition;
    throw new RepriseError(
      "WORKER_FAILED",
      `A worker process does not find func "${func}": it has loaded ${this.#loaded()}, and none of it defines the func. ` +
        "Define funcs at the top of a module, under no condition.",
    );
  }

  /** Resolves when it is loaded, or has begun to run something and waits for the result. */
  async #loadFile(file: string): Promise<void> {
    const url = pathToFileURL(file).href;
    const generation = this.#generation;
    const anew = generation === 0 ? undefined : (await import("../code-version/module-hooks.ts")).loadedAnew;
    this.#begun = Promise.withResolvers();
    if (sinceStart.isHeld) this.#begun.resolve();
    const loading = import(anew?.(url, generation) ?? url);
    this.#loads.set(file, loading);
    loading.catch(() => undefined);
    try {
      await Promise.race([loading, this.#begun.promise]);
    } catch (error) {
      throw new RepriseError("WORKER_FAILED", `A worker process cannot load ${file}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  /** The funcs of the files must be known to the library that executes, which need not be the one that they would find. */
  async #placeModules(files: readonly string[]): Promise<void> {
    if (isBundled()) return;
    const { libraryPlaces, placeModules } = await import("../code-version/module-hooks.ts");
    const places = libraryPlaces();
    if (this.#loadsAnew || !files.every((file) => finds(file, places.library))) placeModules(places);
  }

  async #loadKept(digest: string): Promise<void> {
    const { loadKeptProgram } = await import("../code-version/load-kept-program.ts");
    const kept = await this.#code.find(digest);
    if (kept === undefined) {
      throw new RepriseError(
        "CODE_NOT_KEPT",
        `The program that was kept as ${digest.slice(0, 12)} is gone from ${this.#code.place}. Start the pipeline run again.`,
      );
    }
    await loadKeptProgram(kept, this.#generation);
  }

  #loaded(): string {
    if (this.#program.kind === "kept") return `the program that was kept as ${this.#program.digest.slice(0, 12)}`;
    return this.#loads.size === 0 ? "nothing" : [...this.#loads.keys()].join(", ");
  }
}

/** Whether a file that imports the library gets this one. */
function finds(file: string, library: string): boolean {
  try {
    return nodeModule.createRequire(file).resolve("reprise") === fileURLToPath(library);
  } catch {
    return false;
  }
}
