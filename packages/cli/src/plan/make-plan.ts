import { diffValues, type Run } from "@reprise/core";
import {
  type CacheOptions,
  type FuncDefinition,
  FuncVersions,
  keyArgument,
  keyArguments,
  KeyMaker,
} from "@reprise/runner";
import type { Home } from "@reprise/store";
import { readStored, type RunInput, runInputs } from "../why/run-inputs.ts";
import { Forecast, passedOnBy } from "./forecast.ts";
import { History } from "./history.ts";
import { type ForetoldArgument, Lookup } from "./lookup.ts";
import { type Plan, type PlanNode, totalOf } from "./plan.ts";

/** What to plan. */
export interface PlanRequest {
  readonly home: Home;
  readonly definition: FuncDefinition;
  /** The arguments of the root's call, as given. */
  readonly args: readonly unknown[];
  /** Null: that of the settings, else the default. */
  readonly namespace: string | null;
}

/** An earlier pipeline run that stands for the one that is planned. */
interface Base {
  readonly run: Run;
  readonly inputs: readonly RunInput[];
  readonly sameInput: boolean;
}

/** Pipeline runs that are searched for one with the same input. */
const searched = 20;

/**
 * Foretells what a pipeline run would reuse and execute. Nothing is executed or written.
 *
 * Rejects with `INPUT_INVALID` if the input schema refuses the input; `VALUE_NOT_STORABLE`.
 */
export async function makePlan({ home, definition, args, namespace }: PlanRequest): Promise<Plan> {
  const given = args.map((value, at) => keyArgument(definition, at, value));
  const base = await findBase(
    home,
    definition,
    given.map(({ digest }) => digest),
  );
  const history = new History(home);
  const keys = new KeyMaker({ versions: new FuncVersions() });
  const lookup = new Lookup(home, keys, {
    namespace: namespace ?? (await home.settings.get("CACHE_NAMESPACE")) ?? "default",
    rootFunc: definition.id,
  });
  const forecast = new Forecast(home, history, lookup);
  const foretold = given.map((argument, at): ForetoldArgument => ({ ...argument, name: argumentName(definition, at) }));
  // As a runner would, before anything else.
  await keyArguments(definition, given);
  const root = await foretellRoot({ definition, args: foretold, base, history, lookup, forecast });
  return {
    file: definition.place?.file ?? null,
    root,
    base: base === undefined ? null : await describeBase(home, base, foretold),
    total: totalOf(root),
  };
}

/** As cache keys name it. */
function argumentName({ parameters, contextAt }: FuncDefinition, at: number): string {
  const names = parameters.filter((_, position) => position !== contextAt);
  const restAt = names.findIndex((name) => name.startsWith("..."));
  if (restAt < 0 || at < restAt) return names[at] ?? `argument ${at + 1}`;
  return `${names[restAt]?.slice(3)}[${at - restAt}]`;
}

interface RootParts {
  readonly definition: FuncDefinition;
  readonly args: readonly ForetoldArgument[];
  readonly base: Base | undefined;
  readonly history: History;
  readonly lookup: Lookup;
  readonly forecast: Forecast;
}

async function foretellRoot({ definition, args, base, history, lookup, forecast }: RootParts): Promise<PlanNode> {
  const { id: funcId, name, options } = definition;
  const cache = options.cache ?? false;
  const found =
    cache === false
      ? undefined
      : await lookup.find({ definition, args, options: cache === true ? ({} satisfies CacheOptions) : cache });
  const node = {
    name: options.name ?? name,
    funcId,
    kind: "func",
    ifSame: null,
    key: found?.key ?? null,
    originRunId: null,
    basedOn: base?.run.id ?? null,
    duration: null,
    saved: null,
    children: [],
  } as const;
  if (found?.type === "hit") {
    const { originRunId, duration } = found.entry;
    return { ...node, verdict: "hit", reasons: [], originRunId, saved: duration };
  }
  if (node.key !== null) forecast.computes(node.key, name);
  const executed = base === undefined ? undefined : await history.executed(base.run);
  return {
    ...node,
    verdict: "run",
    reasons: found === undefined ? ["not cached"] : await found.reasons(),
    duration: executed === undefined ? null : await history.ownTime(executed),
    children:
      executed === undefined
        ? []
        : await forecast.below(executed, {
            shaky: base?.sameInput === true ? undefined : passedOnBy(name),
            sequential: true,
          }),
  };
}

/** The newest complete pipeline run of the func with the same input, else the newest. */
async function findBase(home: Home, { id }: FuncDefinition, digests: readonly string[]): Promise<Base | undefined> {
  let newest: Base | undefined;
  for (const { id: runId } of await home.backend.listPipelineRuns({ funcId: id, state: "COMPLETE", limit: searched })) {
    const run = await home.backend.getRun(runId);
    if (run === undefined) continue;
    const inputs = await runInputs(home, runId);
    const sameInput =
      inputs.length === digests.length && inputs.every(({ artifactId }, at) => artifactId === digests[at]);
    if (sameInput) return { run, inputs, sameInput };
    newest ??= { run, inputs, sameInput };
  }
  return newest;
}

async function describeBase(
  home: Home,
  { run, inputs, sameInput }: Base,
  args: readonly ForetoldArgument[],
): Promise<Plan["base"]> {
  const startedAt = run.startedAt ?? run.createdAt;
  if (sameInput) return { runId: run.id, startedAt, sameInput, differences: [] };
  const differences: string[] = [];
  for (let at = 0; at < Math.max(inputs.length, args.length); at++) {
    const name = args[at]?.name ?? inputs[at]?.name ?? "";
    const before = await readStored(home, inputs[at]?.artifactId);
    const given = args[at];
    if (before === undefined || given === undefined) continue;
    for (const place of diffValues(before.value, await given.value(), { limit: 3 })) {
      const label = name === "input" && place.path.startsWith(".") ? place.path.slice(1) : `${name}${place.path}`;
      differences.push(`${label}: ${place.before} → ${place.after}`);
    }
  }
  return { runId: run.id, startedAt, sameInput, differences };
}
