import { type CacheStatus, formatDuration, type Run, shortId } from "@reprise/core";
import type { Home } from "@reprise/store";
import { formatAge } from "../cache/entry-texts.ts";
import { parseKeptCode } from "./code-differences.ts";
import type { Difference } from "./difference.ts";
import { keyDifferences, type KeySources } from "./key-differences.ts";
import { nearestEntry } from "./nearest-entry.ts";
import { rerunReason } from "./rerun-reason.ts";
import { readStored, runInputs } from "./run-inputs.ts";

/** Why a run was executed or reused. */
export interface WhyReport {
  readonly run: Pick<Run, "id" | "rootId" | "name" | "state" | "kind"> & { readonly funcId: string };
  readonly status: CacheStatus;
  readonly key: string | null;
  /** What happened, in sentences. */
  readonly words: readonly string[];
  /** The run whose result was reused. */
  readonly origin: { readonly runId: string; readonly exists: boolean; readonly saved: number | null } | null;
  /** The earlier result that is nearest to this run; null unless it says why the run was executed. */
  readonly against: Against | null;
  readonly differences: readonly Difference[];
}

/** An earlier result that a run is compared with. */
interface Against {
  readonly runId: string;
  readonly key: string;
  readonly createdAt: number;
  /** Whether the run that computed it is still recorded. */
  readonly exists: boolean;
}

type Explained = Pick<WhyReport, "words"> & Partial<Pick<WhyReport, "origin" | "against" | "differences">>;

/** Explains what the cache did for a run. */
export async function whyRun(home: Home, run: Run): Promise<WhyReport> {
  const { id, rootId, name, state, kind, func, cache } = run;
  const explained = kind === "map" ? await explainGroup(home, run) : await explainRun(home, run);
  const rerun = (await rerunReason(home, run)) ?? [];
  return {
    run: { id, rootId, name, state, kind, funcId: func.id },
    status: cache.status,
    key: cache.key,
    origin: null,
    against: null,
    differences: [],
    ...explained,
    words: [...rerun, ...explained.words],
  };
}

async function explainRun(home: Home, run: Run): Promise<Explained> {
  const { status, note } = run.cache;
  const because = note === null ? "" : `: ${note}`;
  switch (status) {
    case "DISABLED":
      return { words: [await whyDisabled(home, run)] };
    case "HIT":
      return explainHit(home, run);
    case "WAITING":
      return { words: [`It has not begun${because}.`] };
    case "REFRESHED":
      return { words: ["Executed on demand; its result takes the place of what was in the cache."] };
    case "LOOKUP_FAILED":
      return { words: [`The cache could not be read, so it was executed, and its result is not stored${because}.`] };
    case "CLONED":
      return { ...(await originOf(home, run)), words: ["The cache was not asked."] };
    case "RESUMED":
      return { words: ["Finished before its pipeline run was interrupted; the cache was not asked."] };
    case "EXPIRED":
      return { words: [`Executed, because ${note ?? "the earlier result was too old"}.`] };
    case "PUT_FAILED": {
      const missed = await explainMiss(home, run);
      return { ...missed, words: [...missed.words, `Its own result could not be stored${because}.`] };
    }
    case "MISS": {
      const missed = await explainMiss(home, run);
      return note === null ? missed : { ...missed, words: [...missed.words, `${sentence(note)}.`] };
    }
  }
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

async function explainHit({ backend }: Home, run: Run): Promise<Explained> {
  const { originRunId, saved, note } = run.cache;
  const words = note === null ? [] : [`${sentence(note)}.`];
  if (originRunId === null) return { words: ["Reused.", ...words] };
  const origin = await backend.getRun(originRunId);
  const time = saved === null || saved < 1 ? "" : `, which saved ${formatDuration(saved)}`;
  const when =
    origin?.finishedAt == null ? "" : ` ${formatAge(origin.finishedAt, run.finishedAt ?? origin.finishedAt)} before`;
  const gone = origin === undefined ? " That run has been deleted since; its result is still there." : "";
  return {
    words: [`Reused: run ${shortId(originRunId)} had computed it${when}${time}.${gone}`, ...words],
    origin: { runId: originRunId, exists: origin !== undefined, saved },
  };
}

/** The run that computed what was taken over. */
async function originOf({ backend }: Home, { cache }: Run): Promise<Pick<WhyReport, "origin">> {
  const { originRunId: runId, saved } = cache;
  if (runId === null) return { origin: null };
  return { origin: { runId, exists: (await backend.getRun(runId)) !== undefined, saved } };
}

async function whyDisabled(home: Home, run: Run): Promise<string> {
  const { note } = run.cache;
  const { id } = run.func;
  if (note !== null) return `${sentence(note)}.`;
  if (run.options?.["cache"] === false) return "Not cached: this call switched it off with `$set({ cache: false })`.";
  const [known] = await home.cache.list({ func: id }, 1);
  if (known === undefined && run.options?.["cache"] === undefined) {
    return `Not cached: func "${id}" has no option \`cache\`, or the runner's cache was off.`;
  }
  return run.state === "CREATED" || run.state === "SCHEDULED"
    ? "The cache has not been asked yet."
    : `Not cached: the runner's cache was off (\`--cache=off\`), or func "${id}" had no option \`cache\` then.`;
}

async function explainGroup({ backend }: Home, group: Run): Promise<Explained> {
  const elements = (await backend.listRuns(group.rootId)).filter(({ parentId }) => parentId === group.id);
  const counts = new Map<CacheStatus, number>();
  for (const { cache } of elements) counts.set(cache.status, (counts.get(cache.status) ?? 0) + 1);
  const told = [...counts].map(([status, count]) => `${count.toLocaleString("en-US")} ${status}`).join(", ");
  const example = elements.find(({ cache }) => cache.status !== "HIT") ?? elements[0];
  const advice = example === undefined ? "" : ` Ask about one: reprise why ${shortId(example.id)}`;
  return {
    words: [`A group of ${elements.length.toLocaleString("en-US")} runs, each cached by itself: ${told}.${advice}`],
  };
}

async function explainMiss(home: Home, run: Run): Promise<Explained> {
  const { func, cache } = run;
  const head = "Executed: nothing with its key was there.";
  const record = cache.key === null ? undefined : await home.cache.recordOf(cache.key);
  if (record === undefined) {
    const lost = "What its key was made of is not kept: the run has not ended, or nothing of it was stored.";
    return { words: [head, lost] };
  }
  const lookedAt = run.startedAt ?? run.finishedAt ?? Date.now();
  const all = await home.cache.list({ func: func.id });
  const earlier = all.filter(
    ({ createdAt, key, originRunId }) => createdAt <= lookedAt && key !== cache.key && originRunId !== run.id,
  );
  const nearest = nearestEntry(record, earlier);
  if (nearest === undefined) {
    const why = "it is the first of its kind, or what was there has been cleared";
    return { words: [head, `No earlier result of func "${func.id}" is visible: ${why}.`] };
  }
  const exists = (await home.backend.getRun(nearest.originRunId)) !== undefined;
  const when = formatAge(nearest.createdAt, lookedAt);
  return {
    words: [head, `The nearest earlier result is that of run ${shortId(nearest.originRunId)}, ${when} before.`],
    against: { runId: nearest.originRunId, key: nearest.key, createdAt: nearest.createdAt, exists },
    differences: await keyDifferences(nearest.record, record, sourcesOf(home, nearest.originRunId, run.id)),
  };
}

function sourcesOf(home: Home, before: string, after: string): KeySources {
  return {
    values: async (name) => {
      const [old, fresh] = await Promise.all([inputValue(home, before, name), inputValue(home, after, name)]);
      return old === undefined || fresh === undefined ? undefined : [old.value, fresh.value];
    },
    code: async (digest) => parseKeptCode(await home.cache.codeOf(digest)),
  };
}

/** The value of an argument as cache keys name it. */
export async function inputValue(
  home: Home,
  runId: string,
  name: string,
): Promise<{ readonly value: unknown } | undefined> {
  const input = (await runInputs(home, runId)).find((one) => one.name === name);
  return readStored(home, input?.artifactId);
}
