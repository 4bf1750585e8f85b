import type { KeyRecord, Run } from "@reprise/core";
import { type CacheOptions, definedFuncs, type FuncDefinition } from "@reprise/runner";
import type { CacheEntry, Home } from "@reprise/store";
import { type RunInput, runInputs } from "../why/run-inputs.ts";
import { type History, wholeTime } from "./history.ts";
import type { ForetoldArgument, Found, Lookup } from "./lookup.ts";
import type { PlanNode } from "./plan.ts";

/** What is foretold of the value of a run. */
interface Outcome {
  /** How the run is called in reasons. */
  readonly label: string;
  /** Id of the artifact of its result; undefined while that is not there. */
  readonly output: string | undefined;
  /** Whether that is what the earlier run gave. */
  readonly same: boolean;
  /** When the earlier run was under way. */
  readonly span: { readonly start: number; readonly end: number };
}

/** What surrounds calls that are foretold. */
export interface Surroundings {
  /** Why what the body passes on may be something else than it was; undefined if nothing says so. */
  readonly shaky: string | undefined;
  /** Whether calls may have been made with the results of earlier ones: not those of a group, all made at once. */
  readonly sequential: boolean;
}

/** An argument as far as it is foretold. */
interface ForetoldInput extends RunInput {
  /** What has to be there before the argument is known; undefined if it is. */
  readonly waitsFor: string | undefined;
  /** Id of the artifact, as foretold. */
  readonly foretold: string | undefined;
}

/** Foretells runs from what executed earlier: the same calls, with what is known now of their inputs and their code. */
export class Forecast {
  readonly #home: Home;
  readonly #history: History;
  readonly #lookup: Lookup;
  readonly #outcomes = new Map<string, Outcome>();
  /** Keys that will be computed, by whom: an equal call waits for it and reuses its result. */
  readonly #computing = new Map<string, string>();

  constructor(home: Home, history: History, lookup: Lookup) {
    this.#home = home;
    this.#history = history;
    this.#lookup = lookup;
  }

  /** Notes that a call will compute a key. */
  computes(key: string, label: string): void {
    this.#computing.set(key, label);
  }

  /** What the body of a run that executed earlier would call. */
  async below(executed: Run, around: Surroundings): Promise<PlanNode[]> {
    const nodes: PlanNode[] = [];
    const before: Outcome[] = [];
    for (const run of await this.#history.children(executed)) {
      // Its body may have waited for results before this call, and made something of them.
      const awaited = before.find(({ same, span }) => !same && span.end <= run.createdAt && span.start < run.createdAt);
      const shaky =
        around.shaky ?? (around.sequential && awaited !== undefined ? `may depend on ${awaited.label}` : undefined);
      const node = await this.#foretell(run, { ...around, shaky });
      nodes.push(node);
      const outcome = this.#outcomes.get(run.id);
      if (outcome !== undefined) before.push(outcome);
    }
    return nodes;
  }

  async #foretell(run: Run, around: Surroundings): Promise<PlanNode> {
    const inputs = (await runInputs(this.#home, run.id)).map((input) => this.#foretellInput(input, around));
    const waitsFor = [...new Set(inputs.flatMap((input) => input.waitsFor ?? []))];
    if (run.kind === "map") return this.#group(run, waitsFor);
    const definition = definedFuncs().get(run.func.id);
    const executed = await this.#history.executed(run);
    const node = { name: run.name, funcId: run.func.id, kind: run.kind, basedOn: run.id } as const;
    if (definition === undefined) {
      this.#note(run, undefined);
      const reasons = [`func "${run.func.id}" is no longer in the program`];
      const duration = executed === undefined ? null : wholeTime(executed);
      return { ...node, ...nothing, verdict: "unknown", reasons, duration };
    }
    const options = cacheOptionsOf(run, definition);
    const sameInputs = inputs.every((input) => input.waitsFor === undefined && input.foretold === input.artifactId);
    if (options === undefined) {
      this.#note(run, undefined);
      const children = await this.#children(executed, sameInputs ? undefined : passedOnBy(run.name));
      return {
        ...node,
        ...nothing,
        verdict: "run",
        reasons: ["not cached"],
        duration: await this.#time(executed),
        children,
      };
    }
    const args = this.#arguments(inputs);
    const found = args === undefined ? undefined : await this.#find(run, definition, options, args);
    if (waitsFor.length > 0 || found === undefined) {
      this.#note(run, undefined);
      const reasons = waitsFor.length > 0 ? waitsFor : ["its inputs were not recorded"];
      const ifSame = found === undefined ? null : found.type === "hit" ? "hit" : "run";
      return {
        ...node,
        ...nothing,
        verdict: "unknown",
        reasons,
        ifSame,
        duration: executed === undefined ? null : wholeTime(executed),
      };
    }
    if (found.type === "hit") return { ...node, ...this.#hit(run, found.key, found.entry) };
    return { ...node, ...(await this.#miss(run, executed, found, sameInputs)) };
  }

  #hit(run: Run, key: string, entry: CacheEntry) {
    this.#note(run, entry.artifact);
    return {
      ...nothing,
      verdict: "hit",
      reasons: [],
      key,
      originRunId: entry.originRunId,
      saved: entry.duration,
    } as const;
  }

  async #miss(
    run: Run,
    executed: Run | undefined,
    { key, record, reasons }: Extract<Found, { type: "miss" }>,
    sameInputs: boolean,
  ) {
    this.#note(run, undefined);
    const computedBy = key === null ? undefined : this.#computing.get(key);
    if (computedBy !== undefined) {
      const saved = executed === undefined ? null : wholeTime(executed);
      return { ...nothing, verdict: "hit", reasons: [`equal to ${computedBy}, which executes`], key, saved } as const;
    }
    if (key !== null) this.computes(key, run.name);
    const same = sameInputs && (await this.#keptInputs(run, record));
    return {
      ...nothing,
      verdict: "run",
      reasons: await reasons(),
      key,
      duration: await this.#time(executed),
      children: await this.#children(executed, same ? undefined : passedOnBy(run.name)),
    } as const;
  }

  /** A schema may make something else of the same input than it did. */
  async #keptInputs(run: Run, record: KeyRecord | null): Promise<boolean> {
    const before = run.cache.key === null ? undefined : await this.#home.cache.recordOf(run.cache.key);
    if (before === undefined || record === null) return true;
    return JSON.stringify(before.inputs) === JSON.stringify(record.inputs);
  }

  async #group(run: Run, waitsFor: readonly string[]): Promise<PlanNode> {
    const children = await this.below(run, {
      shaky: waitsFor[0] === undefined ? undefined : passedOnBy(run.name),
      sequential: false,
    });
    const elements = await this.#history.children(run);
    const same = elements.every(({ id }) => this.#outcomes.get(id)?.same === true) && waitsFor.length === 0;
    this.#note(run, same ? (run.output ?? undefined) : undefined);
    const verdicts = new Set(children.map(({ verdict }) => verdict));
    const verdict = verdicts.has("run") ? "run" : verdicts.has("unknown") || waitsFor.length > 0 ? "unknown" : "hit";
    return {
      ...nothing,
      name: run.name,
      funcId: run.func.id,
      kind: "map",
      basedOn: run.id,
      verdict,
      reasons: waitsFor,
      children,
    };
  }

  #foretellInput(input: RunInput, { shaky }: Surroundings): ForetoldInput {
    const { sources, artifactId } = input;
    if (sources.length === 0) {
      return { ...input, waitsFor: shaky, foretold: artifactId };
    }
    // Values beside the futures in an argument are the body's own.
    let waitsFor = sources.some(({ argumentPath }) => argumentPath !== "") ? shaky : undefined;
    let foretold = artifactId;
    for (const { sourceRunId, sourcePath, argumentPath } of sources) {
      const outcome = this.#outcomes.get(sourceRunId ?? "");
      if (outcome?.same === true) continue;
      if (outcome?.output !== undefined && sourcePath === "" && argumentPath === "" && sources.length === 1) {
        foretold = outcome.output;
      } else if (outcome?.output !== undefined) waitsFor = `depends on ${outcome.label}, whose result is another now`;
      else waitsFor = `until ${outcome?.label ?? "a run outside"} has run`;
    }
    return { ...input, waitsFor, foretold };
  }

  #arguments(inputs: readonly ForetoldInput[]): ForetoldArgument[] | undefined {
    const args: ForetoldArgument[] = [];
    for (const { name, foretold } of inputs) {
      if (foretold === undefined) return undefined;
      args.push({ name, digest: foretold, value: () => this.#home.artifacts.read(foretold) });
    }
    return args;
  }

  /** What there would be; undefined if an argument cannot be read, or is refused by today's schema. */
  async #find(
    run: Run,
    definition: FuncDefinition,
    options: CacheOptions,
    args: readonly ForetoldArgument[],
  ): Promise<Found | undefined> {
    try {
      return await this.#lookup.find({ definition, options, args });
    } catch (error) {
      const reasons = async () => [
        `its input cannot be used: ${error instanceof Error ? error.message : String(error)}`,
      ];
      return run.kind === "func" ? { type: "miss", key: null, record: null, reasons } : undefined;
    }
  }

  async #children(executed: Run | undefined, shaky: string | undefined): Promise<readonly PlanNode[]> {
    return executed === undefined ? [] : this.below(executed, { shaky, sequential: true });
  }

  async #time(executed: Run | undefined): Promise<number | null> {
    return executed === undefined ? null : this.#history.ownTime(executed);
  }

  #note(run: Run, output: string | undefined): void {
    const same = output !== undefined && output === run.output;
    const { name: label, startedAt, createdAt, finishedAt } = run;
    // Calls that are made together are all made before the first of them starts.
    const span = { start: startedAt ?? createdAt, end: finishedAt ?? Number.POSITIVE_INFINITY };
    this.#outcomes.set(run.id, { label, output, same, span });
  }
}

const nothing = {
  reasons: [],
  ifSame: null,
  key: null,
  originRunId: null,
  duration: null,
  saved: null,
  children: [],
} as const;

/** Why calls with a body's own values are not known where what it gets is another, or not known. */
export function passedOnBy(name: string): string {
  return `depends on what ${name} passes on`;
}

/** Those of the call, else those of the func. Undefined if its results are not cached. */
function cacheOptionsOf(run: Run, { options }: FuncDefinition): CacheOptions | undefined {
  const cache = run.options?.["cache"] ?? options.cache ?? false;
  if (typeof cache === "object" && cache !== null) return cache;
  return cache === true ? {} : undefined;
}
