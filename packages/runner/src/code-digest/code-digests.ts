import { realpathSync, statSync } from "node:fs";
import { digestBytes } from "@reprise/core";
import { messageOf } from "../message-of.ts";
import { formatPlace, type SourcePlace } from "../source.ts";
import type { CodeDigest, NoCodeDigest } from "./code-digest.ts";
import { readRecord, UnchangedFiles, writeRecord } from "./digest-record.ts";
import { embeddedCode } from "./embedded.ts";
import type { FuncCode, Outcome } from "./func-code.ts";
import type { ProgramReader } from "./read-program.ts";

/** Where texts are kept between processes; a text that is lost is made again. */
export interface CodeDigestCache {
  get(key: string): string | undefined | Promise<string | undefined>;
  set(key: string, text: string): void | Promise<void>;
}

/** Options of {@link CodeDigests}. */
export interface CodeDigestsOptions {
  /** Keeps digests between processes. Default: they are computed once in each process. */
  readonly cache?: CodeDigestCache;
  /**
   * When the program's code was loaded, in ms since 1970. A file that was written later does not tell what runs, so its
   * funcs have no digest. Default: the start of this process.
   */
  readonly loadedAt?: number;
}

/** The part of a func's definition that leads to its code. */
export interface CodeOwner {
  readonly id: string;
  readonly place: SourcePlace | undefined;
}

/**
 * Digests of the code of funcs: for each func one name of all code that decides its result, so that a result is reused
 * exactly as long as that code stays the same. Union/Flyte asks for a version in words, Latch too; this is one that
 * nobody has to remember to change.
 *
 * What counts: the body, the schemas, and all functions, constants, classes, child funcs and data files that they reach
 * across the modules of the project; statements that change what is reached while modules load; and the versions of
 * the packages that are used. What does not: types, comments, layout, log lines to `console`, names of local
 * variables, a func's id and options, and code that is not reached.
 *
 * @example
 * ```ts
 * const digests = new CodeDigests();
 * const found = await digests.digestOf(definition);
 * if (found.digest === undefined) console.warn(found.reason);
 * ```
 */
export class CodeDigests {
  readonly #cache: CodeDigestCache | undefined;
  readonly #loadedAt: number;
  readonly #programs = new Map<string, Promise<readonly FuncCode[]>>();
  readonly #funcs = new Map<string, readonly FuncCode[]>();
  /** Programs share modules: each is read and looked at once, as long as memory allows. */
  #reader: WeakRef<ProgramReader> | undefined = undefined;
  readonly #unchanged: UnchangedFiles;

  constructor({ cache, loadedAt = performance.timeOrigin }: CodeDigestsOptions = {}) {
    this.#cache = cache;
    this.#loadedAt = loadedAt;
    this.#unchanged = new UnchangedFiles(loadedAt);
  }

  /** Digest of all code that decides the func's result. Never fails: what goes wrong is the reason for no digest. */
  async digestOf(definition: CodeOwner): Promise<CodeDigest | NoCodeDigest> {
    const code = await this.#find(definition);
    if (typeof code === "string") return { digest: undefined, reason: code, warnings: [] };
    const { closure, packages, warnings } = code;
    return outcome(code.whole, definition, { closure, packages, warnings });
  }

  /** Digest of the func's own body only: helpers, constants and packages may change without changing it. */
  async bodyDigest(definition: CodeOwner): Promise<CodeDigest | NoCodeDigest> {
    const code = await this.#find(definition);
    if (typeof code === "string") return { digest: undefined, reason: code, warnings: [] };
    return outcome(code.body, definition, { closure: code.closure.slice(0, 1), packages: {}, warnings: [] });
  }

  async #find(definition: CodeOwner): Promise<FuncCode | string> {
    const { id, place } = definition;
    const embedded = embeddedCode(id);
    if (embedded !== undefined) return embedded;
    if (place === undefined) return `where func "${id}" is defined is not known; give a version`;
    try {
      const file = realpathSync.native(place.file);
      const funcs = this.#funcs.get(file) ?? (await this.#program(file)).filter((code) => code.file === file);
      const found = atPlace(funcs, id, place);
      if (found !== undefined) return found;
      const advice =
        `write func("${id}", …) there, with func imported from "reprise", or env.func with an ActorEnvironment that is ` +
        "declared at the top of a module, or give a version";
      return `the definition of func "${id}" is not found at ${formatPlace(place)}; ${advice}`;
    } catch (error) {
      const why = messageOf(error);
      return `the code of func "${id}" at ${formatPlace(place)} cannot be read: ${why}`;
    }
  }

  #program(file: string): Promise<readonly FuncCode[]> {
    let program = this.#programs.get(file);
    if (program === undefined) {
      program = this.#load(file);
      this.#programs.set(file, program);
    }
    return program;
  }

  async #load(file: string): Promise<readonly FuncCode[]> {
    const key = `code-digests-${digestBytes(Buffer.from(file))}`;
    const text = await this.#ask(key);
    const known = text === undefined ? undefined : readRecord(text, this.#unchanged);
    const funcs = known ?? (await this.#compute(file, key));
    for (const code of funcs) {
      if (!this.#funcs.has(code.file))
        this.#funcs.set(
          code.file,
          funcs.filter((other) => other.file === code.file),
        );
    }
    return funcs;
  }

  async #compute(file: string, key: string): Promise<readonly FuncCode[]> {
    const { ProgramReader } = await import("./read-program.ts");
    let reader = this.#reader?.deref();
    if (reader === undefined) this.#reader = new WeakRef((reader = new ProgramReader()));
    const { funcs, files, absent } = await reader.read(file);
    const late = Object.keys(files).find((path) => !this.#isLoaded(path));
    if (late !== undefined) {
      throw new Error(`${late} was written after this process had started, so what runs may be older; start it again`);
    }
    try {
      await this.#cache?.set(key, writeRecord(funcs, files, absent));
    } catch {
      // Then the next process computes them again.
    }
    return funcs;
  }

  async #ask(key: string): Promise<string | undefined> {
    try {
      return await this.#cache?.get(key);
    } catch {
      return undefined;
    }
  }

  #isLoaded(path: string): boolean {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat === undefined || stat.mtimeMs <= this.#loadedAt;
  }
}

function outcome(
  { digest, reason = "" }: Outcome,
  { id }: CodeOwner,
  details: Pick<CodeDigest, "closure" | "packages" | "warnings">,
): CodeDigest | NoCodeDigest {
  if (digest !== undefined) return { digest, ...details };
  return { digest: undefined, reason: `func "${id}" has no code digest: ${reason}.`, warnings: details.warnings };
}

/** A func is known by its id where that is written as a text, else by the line that it is defined at. */
function atPlace(funcs: readonly FuncCode[], id: string, place: SourcePlace): FuncCode | undefined {
  const named = funcs.filter((code) => code.id === id);
  if (named.length === 1) return named[0];
  const candidates = named.length > 0 ? named : funcs.filter((code) => code.id === undefined);
  const onLine = candidates.filter(({ line }) => line === place.line);
  return onLine.length === 1 ? onLine[0] : onLine.find(({ column }) => column === place.column);
}
