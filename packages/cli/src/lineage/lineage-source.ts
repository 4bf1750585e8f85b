import type { Home, RecordedEdge, RecordedRun } from "@reprise/store";
import { RecordedTree } from "../diff/recorded-tree.ts";
import type { RunInput } from "../why/run-inputs.ts";
import type { LineageLink, LineageRun, LineageStep } from "./lineage-step.ts";

/** Pipeline runs that are read; the origin of a reused result beyond them is named but not followed. */
const maxGraphs = 30;

/** A step, and what follows it. */
export interface OpenStep extends LineageStep {
  /** Key of another step, all that follows which follows this one as well. */
  readonly covers?: string;
  readonly next: () => Promise<readonly OpenStep[]>;
}

/** A recorded run with the graph in which it is. */
export interface PlacedRun {
  readonly run: RecordedRun;
  readonly graph: RecordedTree;
}

/** Something that got a run's result. */
interface Use {
  readonly user: RecordedRun;
  readonly edge: RecordedEdge;
}

/** Reads from where values came and what became of them. */
export class LineageSource {
  readonly #home: Home;
  readonly #graphs = new Map<string, Promise<RecordedTree | undefined>>();
  readonly #uses = new Map<RecordedTree, ReadonlyMap<string, readonly Use[]>>();

  constructor(home: Home) {
    this.#home = home;
  }

  /** A run with its graph; undefined if it is not recorded, or if too many graphs have been read. */
  async place(runId: string, rootId: string): Promise<PlacedRun | undefined> {
    let reading = this.#graphs.get(rootId);
    if (reading === undefined) {
      if (this.#graphs.size >= maxGraphs) return undefined;
      reading = this.#read(rootId);
      this.#graphs.set(rootId, reading);
    }
    const graph = await reading;
    const run = graph?.find(runId);
    return graph === undefined || run === undefined ? undefined : { run, graph };
  }

  async #read(rootId: string): Promise<RecordedTree | undefined> {
    const graph = await this.#home.backend.readGraph(rootId);
    return graph === undefined ? undefined : new RecordedTree(graph);
  }

  /** The run that computed a result first, if it was reused and is still there; else the run itself. */
  async computed(placed: PlacedRun): Promise<PlacedRun> {
    const { originRunId, status } = placed.run.cache ?? {};
    if (originRunId == null || (status !== "HIT" && status !== "CLONED")) return placed;
    const origin = await this.#home.backend.getRun(originRunId);
    return (origin === undefined ? undefined : await this.place(origin.id, origin.rootId)) ?? placed;
  }

  /** A step upstream to a run whose result, or a part of it, is the value. */
  async from(placed: PlacedRun, link: LineageLink, artifact: string | null): Promise<OpenStep> {
    const computed = await this.computed(placed);
    return {
      key: `run ${computed.run.id}`,
      covers: `body ${computed.run.id}`,
      link,
      run: infoOf(placed),
      computedBy: computed.run === placed.run ? null : infoOf(computed),
      artifact,
      next: () => this.upstreamOf(computed),
    };
  }

  /** A step downstream to a run that made something of a value. */
  async to(placed: PlacedRun, link: LineageLink): Promise<OpenStep> {
    const step = await this.from(placed, link, placed.run.output?.digest ?? null);
    return { ...step, key: `run ${placed.run.id}`, next: () => this.downstreamOf(placed) };
  }

  /** What the result of a run was made of. */
  async upstreamOf(at: PlacedRun): Promise<OpenStep[]> {
    const { run, graph } = at;
    const steps: OpenStep[] = [];
    const parts = run.edges.filter(({ kind, sourceRunId }) => kind === "result" && sourceRunId !== null);
    for (const { sourceRunId, argumentPath: place, sourcePath } of parts) {
      steps.push(...(await this.#source(at, sourceRunId, { type: "result", place, sourcePath }, null)));
    }
    steps.push(...(await this.bodyOf(at)));
    if (run.kind !== "map") return steps;
    for (const [index, element] of graph.childrenOf(run.id).entries()) {
      steps.push(await this.from({ run: element, graph }, { type: "element", index }, element.output?.digest ?? null));
    }
    return steps;
  }

  /** What a body made its results and its calls of: its arguments, and what it waited for. */
  async bodyOf({ run, graph }: PlacedRun): Promise<OpenStep[]> {
    const steps: OpenStep[] = [];
    let isFromCaller = false;
    for (const input of graph.inputsOf(run)) {
      steps.push(...(await this.#argument({ run, graph }, input)));
      isFromCaller ||= input.sources.length === 0 || input.templateId !== undefined;
    }
    for (const child of graph.childrenOf(run.id)) {
      if (!child.awaited) continue;
      steps.push(await this.from({ run: child, graph }, { type: "waited" }, child.output?.digest ?? null));
    }
    const parent = run.parentId === null ? undefined : graph.find(run.parentId);
    // The items of a map that got them as an array are known from its elements alone.
    if (parent !== undefined && (isFromCaller || run.kind === "map")) steps.push(this.#caller({ run: parent, graph }));
    return steps;
  }

  /** What was made of the result of a run in its pipeline run. */
  async downstreamOf({ run, graph }: PlacedRun): Promise<OpenStep[]> {
    const steps: OpenStep[] = [];
    let isInResult = false;
    for (const { user, edge } of this.#usesOf(graph).get(run.id) ?? []) {
      const { argumentPath: place, sourcePath, name, kind } = edge;
      isInResult ||= kind === "result";
      const link: LineageLink =
        kind === "result" ? { type: "result", place, sourcePath } : { type: "use", name, place, sourcePath };
      steps.push(await this.to({ run: user, graph }, link));
    }
    const parent = run.parentId === null ? undefined : graph.find(run.parentId);
    if (parent?.kind === "map") {
      const index = graph.childrenOf(parent.id).indexOf(run);
      steps.push(await this.to({ run: parent, graph }, { type: "element", index }));
    } else if (parent !== undefined && run.awaited && !isInResult) {
      steps.push(await this.to({ run: parent, graph }, { type: "waited" }));
    }
    return steps;
  }

  async #argument(placed: PlacedRun, input: RunInput): Promise<OpenStep[]> {
    const { name, argument, artifactId = null, sources } = input;
    const [only] = sources;
    if (only === undefined) {
      const link = { type: "value", name, isInput: placed.run.parentId === null } as const;
      const key = `value ${placed.run.id} ${argument}`;
      return [{ key, link, run: null, computedBy: null, artifact: artifactId, next: () => Promise.resolve([]) }];
    }
    if (sources.length === 1 && only.argumentPath === "") {
      const { sourceRunId, sourcePath } = only;
      return this.#source(placed, sourceRunId, { type: "argument", name, sourcePath }, artifactId);
    }
    const key = `places ${placed.run.id} ${argument}`;
    const next = () => this.#placesOf(placed, input);
    return [{ key, link: { type: "composite", name }, run: null, computedBy: null, artifact: artifactId, next }];
  }

  /** What stands in the places of an argument that holds results of several runs. */
  async #placesOf(placed: PlacedRun, { sources }: RunInput): Promise<OpenStep[]> {
    const steps: OpenStep[] = [];
    for (const { sourceRunId, argumentPath: place, sourcePath } of sources) {
      steps.push(...(await this.#source(placed, sourceRunId, { type: "place", place, sourcePath }, null)));
    }
    return steps;
  }

  /** The run whose body gave values to its calls. */
  #caller(placed: PlacedRun): OpenStep {
    const key = `body ${placed.run.id}`;
    const next = () => this.bodyOf(placed);
    return { key, link: { type: "caller" }, run: infoOf(placed), computedBy: null, artifact: null, next };
  }

  async #source(
    { graph }: PlacedRun,
    sourceRunId: string | null,
    link: LineageLink & { readonly sourcePath: string },
    artifact: string | null,
  ): Promise<OpenStep[]> {
    const run = graph.find(sourceRunId ?? "");
    if (run === undefined) return [];
    const whole = link.sourcePath === "" ? (run.output?.digest ?? null) : null;
    return [await this.from({ run, graph }, link, artifact ?? whole)];
  }

  #usesOf(graph: RecordedTree): ReadonlyMap<string, readonly Use[]> {
    let uses = this.#uses.get(graph);
    if (uses === undefined) {
      const found = new Map<string, Use[]>();
      for (const user of graph.runs) {
        for (const edge of user.edges) {
          if (edge.sourceRunId === null || edge.kind === "order") continue;
          const others = found.get(edge.sourceRunId);
          if (others === undefined) found.set(edge.sourceRunId, [{ user, edge }]);
          else others.push({ user, edge });
        }
      }
      uses = found;
      this.#uses.set(graph, uses);
    }
    return uses;
  }
}

/** What is told of a run. */
export function infoOf({ run, graph }: PlacedRun): LineageRun {
  const { id, name, func, cache, state } = run;
  return {
    id,
    rootId: graph.graph.pipelineRun.id,
    name,
    funcId: func.record.id,
    state,
    status: cache?.status ?? "DISABLED",
  };
}
