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
  /** Whether its body will execute for certain. */
  readonly executes: boolean;
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

/** Why an argument is not known: `until` a run has executed, or it `depends` on one that may, or another reason. */
interface Wait {
  readonly kind: "until" | "depends" | "other";
  /** The run's name, or the reason. */
  readonly text: string;
}

/** An argument as far as it is foretold. */
interface ForetoldInput extends RunInput {
  /** Why it is not known; empty if it is. */
  readonly waits: readonly Wait[];
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
    const waitsFor = waitReasons(inputs.flatMap(({ waits }) => waits));
    if (run.kind === "map") return this.#group(run, waitsFor);
    const definition = definedFuncs().get(run.func.id);
    const executed = await this.#history.executed(run);
    const node = { name: run.name, funcId: run.func.id, kind: run.kind, basedOn: run.id } as const;
    if (definition === undefined) {
      this.#note(run, undefined, true);
      const reasons = [`func "${run.func.id}" is no longer in the program`];
      const duration = executed === undefined ? null : wholeTime(executed);
      return { ...node, ...nothing, verdict: "unknown", reasons, duration };
    }
    const options = cacheOptionsOf(run, definition);
    const sameInputs = inputs.every(({ waits, foretold, artifactId }) => waits.length === 0 && foretold === artifactId);
    if (options === undefined) {
      this.#note(run, undefined, true);
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
    const found = args === undefined ? undefined : await this.#find(definition, options, args);
    if (waitsFor.length > 0 || found === undefined) {
      this.#note(run, undefined, found?.type === "miss");
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
    this.#note(run, entry.artifact, false);
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
    this.#note(run, undefined, true);
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
    const executes = elements.some(({ id }) => this.#outcomes.get(id)?.executes === true);
    this.#note(run, same ? (run.output ?? undefined) : undefined, executes);
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
    const own: readonly Wait[] = shaky === undefined ? [] : [{ kind: "other", text: shaky }];
    if (sources.length === 0) return { ...input, waits: own, foretold: artifactId };
    // Values beside the futures in an argument are the body's own.
    const waits = sources.some(({ argumentPath }) => argumentPath !== "") ? [...own] : [];
    let foretold = artifactId;
    for (const { sourceRunId, sourcePath, argumentPath } of sources) {
      const outcome = this.#outcomes.get(sourceRunId ?? "");
      if (outcome?.same === true) continue;
      const text = outcome?.label ?? "a run outside";
      if (outcome?.output === undefined) waits.push({ kind: outcome?.executes === false ? "depends" : "until", text });
      else if (sourcePath === "" && argumentPath === "" && sources.length === 1) foretold = outcome.output;
      else waits.push({ kind: "other", text: `depends on ${text}, whose result is another now` });
    }
    return { ...input, waits, foretold };
  }

  #arguments(inputs: readonly ForetoldInput[]): ForetoldArgument[] | undefined {
    const args: ForetoldArgument[] = [];
    for (const { name, foretold } of inputs) {
      if (foretold === undefined) return undefined;
      args.push({ name, digest: foretold, value: () => this.#home.artifacts.read(foretold) });
    }
    return args;
  }

  /** What there would be. An argument that cannot be read, or that today's schema refuses, finds nothing. */
  async #find(definition: FuncDefinition, options: CacheOptions, args: readonly ForetoldArgument[]): Promise<Found> {
    try {
      return await this.#lookup.find({ definition, options, args });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return { type: "miss", key: null, record: null, reasons: async () => [`its input cannot be used: ${why}`] };
    }
  }

  async #children(executed: Run | undefined, shaky: string | undefined): Promise<readonly PlanNode[]> {
    return executed === undefined ? [] : this.below(executed, { shaky, sequential: true });
  }

  async #time(executed: Run | undefined): Promise<number | null> {
    return executed === undefined ? null : this.#history.ownTime(executed);
  }

  #note(run: Run, output: string | undefined, executes: boolean): void {
    const same = output !== undefined && output === run.output;
    const { name: label, startedAt, createdAt, finishedAt } = run;
    // Calls that are made together are all made before the first of them starts.
    const span = { start: startedAt ?? createdAt, end: finishedAt ?? Number.POSITIVE_INFINITY };
    this.#outcomes.set(run.id, { label, output, same, executes, span });
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

const namedWaits = 3;

/** `until a, b and c have run`, `depends on d`, and other reasons, each once. */
function waitReasons(waits: readonly Wait[]): string[] {
  const of = (kind: Wait["kind"]) => [...new Set(waits.filter((wait) => wait.kind === kind).map(({ text }) => text))];
  const [until, depends] = [of("until"), of("depends")];
  return [
    ...(until.length === 0 ? [] : [`until ${listed(until)} ${until.length === 1 ? "has" : "have"} run`]),
    ...(depends.length === 0 ? [] : [`depends on ${listed(depends)}`]),
    ...of("other"),
  ];
}

function listed(names: readonly string[]): string {
  const shown =
    names.length <= namedWaits + 1 ? names : [...names.slice(0, namedWaits), `${names.length - namedWaits} more`];
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

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
