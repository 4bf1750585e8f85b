import type { Run } from "@reprise/core";
import type { Consumer, Home } from "@reprise/store";
import type { ArtifactOrRun } from "../store-access.ts";
import { infoOf, LineageSource, type OpenStep, type PlacedRun } from "./lineage-source.ts";
import { type LineageNode, trace, type TraceLimits } from "./trace.ts";

/** Where a value came from, and what was made of it: what `reprise lineage` tells. */
export interface LineageReport {
  /** Null for a run without a result. */
  readonly artifact: { readonly id: string; readonly typeName: string; readonly size: number } | null;
  /** The run that was asked about; null if an artifact was. */
  readonly runId: string | null;
  /** What gave the value, and what that was made of; null if not asked for. */
  readonly up: readonly LineageNode[] | null;
  /** Ways in which the value came about that are not told. */
  readonly upLeft: number;
  /** What got the value, and what was made of that; null if not asked for. */
  readonly down: readonly LineageNode[] | null;
  readonly downLeft: number;
}

/** What to tell. */
export interface LineageOptions extends TraceLimits {
  readonly up: boolean;
  readonly down: boolean;
}

/** Where to begin, of many runs with an equal value. */
interface Beginning {
  readonly steps: readonly OpenStep[];
  readonly left: number;
}

/** Follows a value to what it was made of, and to what was made of it. */
export async function readLineage(home: Home, of: ArtifactOrRun, options: LineageOptions): Promise<LineageReport> {
  const lineage = new Lineage(home, options.width);
  const run = of.runId === undefined ? undefined : await home.backend.getRun(of.runId);
  const id = of.artifactId ?? run?.output ?? null;
  const stored = id === null ? undefined : await home.backend.getArtifact(id);
  const up = options.up ? await lineage.up(id, run) : undefined;
  const down = options.down ? await lineage.down(id, run) : undefined;
  return {
    artifact: stored === undefined ? null : about(stored.artifact),
    runId: run?.id ?? null,
    up: up === undefined ? null : await trace(up.steps, options),
    upLeft: up?.left ?? 0,
    down: down === undefined ? null : await trace(down.steps, options),
    downLeft: down?.left ?? 0,
  };
}

function about({ id, typeName, size }: NonNullable<LineageReport["artifact"]>): LineageReport["artifact"] {
  return { id, typeName, size };
}

class Lineage {
  readonly #home: Home;
  readonly #width: number;
  readonly #source: LineageSource;

  constructor(home: Home, width: number) {
    this.#home = home;
    this.#width = width;
    this.#source = new LineageSource(home);
  }

  /** A run gives its result; an artifact was the result of runs, or a part of one, or was given by somebody. */
  async up(artifactId: string | null, run: Run | undefined): Promise<Beginning> {
    if (run !== undefined) return this.#chosen(await this.#placed([run]), artifactId);
    if (artifactId === null) return { steps: [], left: 0 };
    const producers = await this.#home.backend.producersOf(artifactId);
    if (producers.length > 0) return this.#chosen(await this.#makers(producers), artifactId);
    return this.#given(await this.#home.backend.consumersOf(artifactId), artifactId);
  }

  /** What got the value from this run or from one that has reused its result; of an artifact, whatever got it. */
  async down(artifactId: string | null, run: Run | undefined): Promise<Beginning> {
    if (artifactId === null) return { steps: [], left: 0 };
    const producers = await this.#home.backend.producersOf(artifactId);
    const steps: OpenStep[] = [];
    if (run !== undefined) {
      for (const placed of await this.#placed([run])) steps.push(...(await this.#source.downstreamOf(placed)));
      const origin = run.cache.originRunId ?? run.id;
      const others = producers.filter(({ id, cache }) => id !== run.id && (cache.originRunId ?? id) === origin);
      const reused = await this.#placed(others.slice(0, this.#width));
      for (const placed of reused) steps.push(await this.#source.to(placed, { type: "reused" }));
      return { steps: once(steps), left: Math.max(0, others.length - this.#width) };
    }
    const consumers = await this.#home.backend.consumersOf(artifactId);
    const shown = consumers.slice(0, this.#width);
    for (const { run: user, edge } of shown) {
      const [placed] = await this.#placed([user]);
      const { name, argumentPath: place } = edge;
      // Whatever part of a run's result it was: it is the artifact that was asked for.
      if (placed !== undefined) steps.push(await this.#source.to(placed, { type: "use", name, place, sourcePath: "" }));
    }
    for (const placed of await this.#placed(producers.slice(0, this.#width))) {
      const all = await this.#source.downstreamOf(placed);
      steps.push(...all.filter(({ link }) => link.type !== "use"));
    }
    return { steps: once(steps), left: consumers.length - shown.length };
  }

  async #chosen(makers: readonly PlacedRun[], artifactId: string | null): Promise<Beginning> {
    const shown = makers.slice(0, this.#width);
    const steps = await Promise.all(shown.map((placed) => this.#source.from(placed, { type: "made" }, artifactId)));
    return { steps: once(steps), left: makers.length - shown.length };
  }

  /** The runs that computed a value: not those that only passed on the result of another one. */
  async #makers(producers: readonly Run[]): Promise<PlacedRun[]> {
    const known = new Set(producers.map(({ id }) => id));
    const byOrigin = new Map<string, Run>();
    for (const run of producers) {
      const { originRunId } = run.cache;
      if (originRunId === null) byOrigin.set(run.id, run);
      else if (!known.has(originRunId) && !byOrigin.has(originRunId)) byOrigin.set(originRunId, run);
    }
    const own = [...byOrigin.values()];
    const placed = await this.#placed(own.slice(0, maxProducers));
    const makers = placed.filter(({ run }) => !run.edges.some(passesOn));
    return makers.length > 0 ? makers : placed;
  }

  /** Nobody's result: a part of one, or a value that a body or whoever called the root gave. */
  async #given(consumers: readonly Consumer[], artifactId: string): Promise<Beginning> {
    const steps: OpenStep[] = [];
    for (const { run } of consumers.slice(0, maxProducers)) {
      const [placed] = await this.#placed([run]);
      if (placed !== undefined) steps.push(...(await this.#giversTo(placed, artifactId)));
    }
    const all = once(steps);
    const shown = all.slice(0, this.#width);
    return { steps: shown, left: all.length - shown.length };
  }

  /** Where a run got the value from. */
  async #giversTo(placed: PlacedRun, artifactId: string): Promise<OpenStep[]> {
    const steps: OpenStep[] = [];
    for (const step of await this.#source.bodyOf(placed)) {
      const { link } = step;
      if (link.type === "caller") steps.push(step);
      else if (step.artifact !== artifactId || link.type === "waited") continue;
      else if (link.type === "argument") steps.push({ ...step, link: { type: "part", sourcePath: link.sourcePath } });
      else steps.push({ ...step, run: infoOf(placed) });
    }
    // Of values that a run gave it does not matter who called the run that got them.
    return steps.some(({ link }) => link.type === "value") ? steps : steps.filter(({ link }) => link.type !== "caller");
  }

  async #placed(runs: readonly Run[]): Promise<PlacedRun[]> {
    const found = await Promise.all(runs.map(({ id, rootId }) => this.#source.place(id, rootId)));
    return found.filter((placed) => placed !== undefined);
  }
}

/** Runs with one value that are looked at, to tell who has made it. */
const maxProducers = 100;

/** Whether the result of a body is that of a run that it called, as it is. */
function passesOn({ kind, argumentPath, sourcePath, sourceRunId }: PlacedRun["run"]["edges"][number]): boolean {
  return kind === "result" && sourceRunId !== null && argumentPath === "" && sourcePath === "";
}

function once(steps: readonly OpenStep[]): OpenStep[] {
  const known = new Set<string>();
  return steps.filter(({ key, link }) => {
    const id = `${key} ${JSON.stringify(link)}`;
    if (known.has(id)) return false;
    known.add(id);
    return true;
  });
}
