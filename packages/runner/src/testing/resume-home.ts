import type { PipelineRun, Run, RunEvent, RunState } from "@reprise/core";
import type { Home } from "@reprise/store";
import { expect, onTestFinished } from "vitest";
import { type Future, LocalRunner, type LocalRunnerOptions } from "../index.ts";
import { Child } from "./child.ts";
import { logTo, type Noted, readLog } from "./resume-log.ts";
import { homeOf, temporaryFolder } from "./temporary-home.ts";
import { verifyHome } from "./verify-home.ts";

/** Calls a func without arguments, as one does to have the recorded ones used. */
export function recorded<T>(call: (...args: never[]) => T): T {
  return call();
}

/** A home with a pipeline run whose driver was killed. */
export class CrashedHome {
  readonly path: string;
  readonly rootId: string;
  readonly home: Home;
  /** The runs as the crash has left them. */
  readonly left: readonly Run[];
  readonly #log: string;
  readonly #notes: number;

  private constructor(home: Home, log: string, left: readonly Run[]) {
    this.path = home.path;
    this.home = home;
    this.left = left;
    this.rootId = left[0]?.rootId ?? "";
    this.#log = log;
    this.#notes = readLog(log).length;
    logTo(log);
  }

  /**
   * Runs a scenario of `resume-scenarios.ts` until it is at work and what it has done is recorded, then kills it.
   *
   * @param until whether enough is recorded. Default: that all bodies that are at work are said to be.
   */
  static async after(
    scenario: string,
    env: NodeJS.ProcessEnv,
    until?: (runs: readonly Run[]) => boolean,
  ): Promise<CrashedHome> {
    const folder = temporaryFolder();
    return CrashedHome.#crash(scenario, await homeOf(`${folder}/home`), `${folder}/log`, env, until, "");
  }

  /** Continues the pipeline run with a re-run by the same program, and kills that one, too. */
  async rerun(scenario: string, env: NodeJS.ProcessEnv): Promise<CrashedHome> {
    return CrashedHome.#crash(scenario, this.home, this.#log, env, undefined, this.rootId);
  }

  static async #crash(
    scenario: string,
    home: Home,
    log: string,
    env: NodeJS.ProcessEnv,
    until: ((runs: readonly Run[]) => boolean) | undefined,
    rerunFrom: string,
  ): Promise<CrashedHome> {
    await crash(["resume-scenarios.ts", [scenario, home.path, log, rerunFrom], { env }], home, log, until);
    await verifyHome(home);
    return new CrashedHome(home, log, await latestRuns(home));
  }

  /** Runs the pipeline run to its end in this process. */
  resume<T>(future: Future<T>, options: LocalRunnerOptions = {}): Promise<T> {
    return this.runner(options).run(future);
  }

  /** A runner of this process that resumes the pipeline run. */
  runner(options: LocalRunnerOptions = {}): LocalRunner {
    const runner = new LocalRunner({ home: this.path, resume: this.rootId, forwardOutput: false, ...options });
    onTestFinished(() => runner[Symbol.asyncDispose]());
    return runner;
  }

  /** The bodies that have begun since the crash: func, input, attempt. */
  get executed(): readonly (readonly [func: string, input: unknown, attempt: number])[] {
    const notes = readLog(this.#log).slice(this.#notes);
    return notes.filter(({ mark }) => mark === "begin").map(({ func, input, attempt }) => [func, input, attempt]);
  }

  /** The runs now. */
  runs(): Promise<readonly Run[]> {
    return this.home.backend.listRuns(this.rootId);
  }

  /** The runs of a func now, in order. */
  async runsOf(funcId: string): Promise<readonly Run[]> {
    return (await this.runs()).filter(({ func, kind }) => func.id === funcId && kind === "func");
  }

  async pipelineRun(): Promise<PipelineRun> {
    const pipelineRun = await this.home.backend.getPipelineRun(this.rootId);
    if (pipelineRun === undefined) throw new Error(`${this.rootId} is gone`);
    return pipelineRun;
  }

  events(kind: string): Promise<readonly RunEvent[]> {
    return this.home.backend.eventsOf(this.rootId).then((events) => events.filter((event) => event.kind === kind));
  }

  /** Rejects unless all that is there fits together, and what was there has kept its ids. */
  async verify(): Promise<void> {
    await verifyHome(this.home);
    const ids = new Set((await this.runs()).map(({ id }) => id));
    const lost = this.left.filter(({ id }) => !ids.has(id));
    if (lost.length > 0) throw new Error(`lost runs of ${lost.map(({ func }) => func.id).join(", ")}`);
  }
}

/** Starts a process, and kills it when what it has done is recorded. */
async function crash(
  how: ConstructorParameters<typeof Child>,
  home: Home,
  log: string,
  until: ((runs: readonly Run[]) => boolean) | undefined,
): Promise<void> {
  const child = new Child(...how);
  const atWork = (runs: readonly Run[]): boolean => isRecorded(readLog(log), child.process.pid, runs);
  try {
    if (until === undefined) await child.says("at work");
    await expect.poll(async () => (until ?? atWork)(await latestRuns(home)), { timeout: 20_000 }).toBe(true);
  } finally {
    child.kill("SIGKILL");
  }
  expect((await child.ended).stderr).toBe("");
}

async function latestRuns({ backend }: Home): Promise<readonly Run[]> {
  const [latest] = await backend.listPipelineRuns();
  return latest === undefined ? [] : backend.listRuns(latest.id);
}

/** Whether it is recorded of each body of a process that it executes, or that it no longer does. */
function isRecorded(notes: readonly Noted[], pid: number | undefined, runs: readonly Run[]): boolean {
  const open = new Map<string, boolean>();
  for (const { mark, run, pid: of } of notes) if (of === pid) open.set(run, mark === "begin");
  return [...open].every(([id, isOpen]) => {
    const state = runs.find((run) => run.id === id)?.state;
    return isOpen ? state === "RUNNING" : state !== undefined && !beforeEnd.has(state);
  });
}

const beforeEnd = new Set<RunState>(["CREATED", "SCHEDULED", "RUNNING"]);
