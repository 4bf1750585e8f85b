/**
 * What a pool does next, decided from what it is now: nothing here starts or ends anything, and time is an argument.
 */
import type { TaskId } from "../workers/protocol.ts";
import type { ActorDefinition } from "./actor-definition.ts";
import type { ReplicaState } from "./supervisor-protocol.ts";

/** A replica as decisions see it. */
export interface PlannedReplica {
  readonly id: string;
  readonly state: ReplicaState["state"];
  /** How many tasks it has. */
  readonly tasks: number;
  /** How many of them should have stopped and did not in time. */
  readonly stuck: number;
  /** How many of them wait for other runs. */
  readonly waiting: number;
  /** Since when it has had no task. */
  readonly idleSince: number;
  /** Whether a task with this affinity key has been there. */
  hasSeen(key: string): boolean;
  /** Whether a task of this name is there still: one of a driver that is gone, whose successor tries again. */
  holds(task: TaskId): boolean;
}

/** A task that waits for a place. */
export interface PlannedTask {
  readonly id: TaskId;
  readonly affinity: string | null;
}

/** All that a decision depends on. */
export interface PoolSituation {
  readonly definition: Pick<ActorDefinition, "name" | "replicas" | "ttl" | "concurrency">;
  readonly now: number;
  /** In the order in which they were started. */
  readonly replicas: readonly PlannedReplica[];
  /** In the order in which they came. */
  readonly queue: readonly PlannedTask[];
  /** When the last task came or ended. */
  readonly lastUsedAt: number;
  /** It is to end as soon as it has no tasks. */
  readonly isDraining: boolean;
  /** How many replicas in a row could not start, since one could. */
  readonly failures: number;
  /** When the last of them failed. */
  readonly lastFailureAt: number;
  /** No replica is started before: those that were there have ended by themselves. */
  readonly notBefore: number;
}

/** What to do. */
export interface PoolPlan<Task extends PlannedTask = PlannedTask> {
  readonly assign: readonly { readonly task: Task; readonly replica: string }[];
  /** How many replicas to start. */
  readonly start: number;
  readonly end: readonly { readonly replica: string; readonly reason: string; readonly kill: boolean }[];
  /** No replica can be had: the tasks that wait fail. */
  readonly fails: boolean;
  /** Why the pool ends; undefined: it goes on. */
  readonly ends: string | undefined;
  /** When to decide again though nothing happens; undefined: no time will change anything. */
  readonly wakeAt: number | undefined;
}

/** So many replicas in a row that could not start are reason enough not to try another. */
export const mostFailures = 3;

/** Milliseconds before another replica is tried after so many failures in a row. */
const retryDelays = [0, 100, 500];

/** The same after more of them, where there are replicas all the same. */
const longDelay = 30_000;

/** Decides. */
export function planPool<Task extends PlannedTask>(
  situation: PoolSituation & { readonly queue: readonly Task[] },
): PoolPlan<Task> {
  const { definition, now, replicas, isDraining, failures, lastUsedAt } = situation;
  const stuck = replicas.filter((one) => one.state !== "ending" && one.stuck > 0 && one.stuck === one.tasks);
  const kills = stuck.map(({ id }) => ({ replica: id, reason: "a canceled body does not stop", kill: true }));
  const assign = assignments(situation);
  const assigned = new Set(assign.map(({ replica }) => replica));
  const waiting = situation.queue.length - assign.length;
  const isIdle = situation.queue.length === 0 && replicas.every(({ tasks }) => tasks === 0);
  const idleEnd = lastUsedAt + definition.ttl;
  if (isIdle && (isDraining || now >= idleEnd)) {
    const reason = isDraining ? "the pool was stopped" : `the pool was not used for ${seconds(definition.ttl)}`;
    const end = replicas
      .filter(({ state }) => state !== "ending")
      .map(({ id }) => ({ replica: id, reason, kill: false }));
    return { assign, start: 0, end, fails: false, ends: reason, wakeAt: undefined };
  }
  const surplus = idleReplicas(situation, assigned);
  const end = [...kills, ...surplus.filter(({ at }) => at <= now).map(({ end }) => end)];
  const wanted = replicasToStart(situation, waiting);
  const retryAt = nextTry(situation);
  const isHopeless = failures >= mostFailures && !replicas.some(({ state }) => state !== "ending");
  const fails = isHopeless && waiting > 0;
  const times = [
    ...surplus.filter(({ at }) => at > now).map(({ at }) => at),
    ...(isIdle || fails ? [Math.max(idleEnd, now + 1)] : []),
    ...(wanted > 0 && !isHopeless && retryAt > now ? [retryAt] : []),
  ];
  return {
    assign,
    start: isHopeless || retryAt > now ? 0 : wanted,
    end,
    fails,
    ends: undefined,
    wakeAt: times.length === 0 ? undefined : Math.min(...times),
  };
}

/** Whether a replica takes tasks. One with a body that does not stop takes none: it may have to be killed. */
function isOpen({ state, stuck }: PlannedReplica): boolean {
  return state === "ready" && stuck === 0;
}

/** First come, first served; a task whose key was seen by a free replica goes there, but waits for none. */
function assignments<Task extends PlannedTask>({
  definition,
  replicas,
  queue,
}: PoolSituation & { readonly queue: readonly Task[] }): PoolPlan<Task>["assign"] {
  const taken = new Map(replicas.filter(isOpen).map((replica) => [replica, replica.tasks]));
  let free = 0;
  for (const tasks of taken.values()) free += Math.max(0, definition.concurrency - tasks);
  const assign: { task: Task; replica: string }[] = [];
  for (const task of queue) {
    if (free === 0) break;
    const chosen = choose(task, taken, definition.concurrency);
    if (chosen === undefined) continue;
    taken.set(chosen, (taken.get(chosen) ?? 0) + 1);
    free -= 1;
    assign.push({ task, replica: chosen.id });
  }
  return assign;
}

/** The least busy one, of equals the oldest: so the youngest ones are idle, and end, when there is less to do. */
function choose(
  { id, affinity }: PlannedTask,
  taken: ReadonlyMap<PlannedReplica, number>,
  concurrency: number,
): PlannedReplica | undefined {
  let best: PlannedReplica | undefined;
  let bestRank = Number.POSITIVE_INFINITY;
  for (const [replica, tasks] of taken) {
    if (tasks >= concurrency || replica.holds(id)) continue;
    const isWarm = affinity !== null && replica.hasSeen(affinity);
    const rank = isWarm ? tasks - concurrency : tasks;
    if (rank >= bestRank) continue;
    best = replica;
    bestRank = rank;
  }
  return best;
}

/**
 * Up to the minimum all at once. Above it one after the other, and only while there is more to do than those that are
 * there can do: the tasks that come first may be over before the next replica is warm.
 */
function replicasToStart({ definition, replicas, isDraining, queue }: PoolSituation, waiting: number): number {
  const { min, max } = definition.replicas;
  // Those that end or are to be killed still hold their memory, and whatever else there is only so much of.
  const room = max - replicas.length;
  if (room <= 0) return 0;
  const serving = replicas.filter((one) => one.state === "starting" || isOpen(one));
  const missing = isDraining && queue.length === 0 ? 0 : min - serving.length;
  if (missing > 0) return Math.min(missing, room);
  if (serving.some(({ state }) => state === "starting")) return 0;
  return waiting > 0 ? 1 : 0;
}

/** When another replica may be started. */
function nextTry({ failures, lastFailureAt, notBefore }: PoolSituation): number {
  return failures === 0 ? notBefore : Math.max(notBefore, lastFailureAt + (retryDelays[failures] ?? longDelay));
}

/** Replicas above the minimum that have nothing to do, and when they end for it: those first that have waited longest. */
function idleReplicas({ definition, replicas }: PoolSituation, assigned: ReadonlySet<string>) {
  const serving = replicas.filter(isOpen);
  return serving
    .filter(({ id, tasks }) => tasks === 0 && !assigned.has(id))
    .sort((a, b) => a.idleSince - b.idleSince)
    .slice(0, Math.max(0, serving.length - definition.replicas.min))
    .map(({ id, idleSince }) => ({
      at: idleSince + definition.ttl,
      end: { replica: id, reason: `idle for ${seconds(definition.ttl)}`, kill: false },
    }));
}

/**
 * What a task waits for, in words.
 *
 * @param before how many tasks are before it in the queue.
 */
export function waitReason(situation: PoolSituation, before: number): string {
  const { definition, replicas, failures } = situation;
  const actor = `actor ${definition.name}`;
  const queued = before === 0 ? "" : `, ${counted(before, "task")} before it`;
  const isStarting = replicas.some(({ state }) => state === "starting");
  const serving = replicas.filter(isOpen);
  if (serving.length === 0) {
    if (isStarting) return `a replica of ${actor} that is starting and warming up${queued}`;
    if (failures > 0)
      return `a replica of ${actor}: ${counted(failures, "replica")} could not start, another is tried${queued}`;
    if (replicas.some(({ state }) => state === "ready")) {
      return `a replica of ${actor}: a canceled body on the one that there is does not stop${queued}`;
    }
    if (replicas.length > 0) return `a replica of ${actor}: the former one is ending${queued}`;
    return `a replica of ${actor}${queued}`;
  }
  const places = `${counted(serving.length, "replica")} × ${definition.concurrency}`;
  const waiting = serving.reduce((sum, one) => sum + one.waiting, 0);
  if (waiting === definition.replicas.max * definition.concurrency) {
    return (
      `a free place of ${actor}: the bodies in all places (${places}) wait for other runs themselves; if those need ` +
      `a place of it too, raise replicas or concurrency${queued}`
    );
  }
  return `a free place of ${actor}: ${places} are taken${isStarting ? ", another replica is starting" : ""}${queued}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
