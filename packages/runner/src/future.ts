import { inspect } from "node:util";
import { NotInFuncError, RepriseError } from "@reprise/core";
import { refuseActorOptions } from "./actors/actor-call-options.ts";
import { cachedHint } from "./actors/cached-hint.ts";
import { checkIgnored } from "./cache/ignored.ts";
import type { Call } from "./call.ts";
import { type CallOptions, parseCallOptions } from "./call-options.ts";
import { currentBody } from "./context.ts";
import type { Future, PathStep } from "./future-types.ts";
import { formatPath } from "./part-path.ts";

/**
 * Futures at run time: a proxy around the call and the path of the part. The proxy turns property access into parts and
 * refuses every use as a plain value with what to do instead.
 */
const brand = Symbol.for("reprise.future");

/** A call, or a part of its value. */
export class FuturePart {
  readonly call: Call;
  readonly path: readonly PathStep[];

  constructor(call: Call, path: readonly PathStep[]) {
    this.call = call;
    this.path = path;
  }

  /** The console asks with the proxy as `this`, where every property is a part. */
  [inspect.custom](): string {
    return inspectFuture(futureOf(this) ?? this);
  }
}

/** The call and path behind a future, or undefined for anything else. */
export function futureOf(value: unknown): FuturePart | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return (value as { [brand]?: FuturePart })[brand];
}

/** Whether a value is a future. */
export function isFuture(value: unknown): value is Future<unknown> {
  return futureOf(value) !== undefined;
}

const wholePath: readonly PathStep[] = [];

/** The future of a call's value. */
export function makeFuture(call: Call): Future<unknown> {
  return new Proxy(new FuturePart(call, wholePath), handler) as unknown as Future<unknown>;
}

function part(of: FuturePart, step: PathStep): unknown {
  return new Proxy(new FuturePart(of.call, [...of.path, step]), handler);
}

/** Unpacking `[a, b] = future` takes as many parts as it has names; whoever takes more than this loops over it. */
const maxUnpacked = 64;

const handler: ProxyHandler<FuturePart> = {
  get(target, key, receiver) {
    if (typeof key === "string") {
      if (key.charCodeAt(0) === 36 /* $ */) {
        const member = members[key];
        if (member !== undefined) return member(target, receiver);
      }
      if (key === "then") return undefined;
      if (key === "toJSON") return () => misuse(target, "turned into JSON");
      return part(target, indexOrKey(key));
    }
    if (key === brand) return target;
    if (key === Symbol.iterator) return () => unpack(target);
    if (key === Symbol.toPrimitive) return () => misuse(target, "used as a plain value");
    if (key === inspect.custom) return () => inspectFuture(target);
    return undefined;
  },
  has: (target, key) => key === brand || misuse(target, "searched with `in`"),
  ownKeys: (target) => misuse(target, "spread or enumerated"),
  set: (target, key) => misuse(target, `assigned to (property ${String(key)})`),
  defineProperty: (target) => misuse(target, "assigned to"),
  deleteProperty: (target) => misuse(target, "changed with delete"),
};

const members: Readonly<Record<string, (target: FuturePart, self: unknown) => unknown>> = {
  $id: (target) => target.call.id,
  $value: (target) => (options?: { signal?: AbortSignal }) => waitFor(target, options?.signal),
  $get: (target) => (key: unknown) => part(target, checkKey(key)),
  $set: (target, self) => (options: CallOptions) => {
    changeable(target, "$set");
    const { call } = target;
    if (call.map !== undefined) refuseElementOptions(call, options);
    const what = `$set of func "${call.definition.id}"`;
    if (call.definition.actor !== undefined) refuseActorOptions(options, call.definition.actor.environment, what);
    const changes = { ...call.changes, ...parseCallOptions(options, what) };
    checkIgnored(call.definition, changes.cache, what);
    call.maker?.host.checkOptions?.(call.maker, changes, what);
    call.changes = changes;
    return self;
  },
  $after:
    (target, self) =>
    (...others: unknown[]) => {
      changeable(target, "$after");
      for (const other of others) startAfter(target.call, other);
      return self;
    },
};

/** The group of a map has no body: what concerns bodies must be said for its elements, or it would do nothing. */
function refuseElementOptions(call: Call, options: CallOptions): void {
  const meant = ["retry", "cache", "standalone", "resources"].find((field) => Object.hasOwn(options, field));
  if (meant === undefined) return;
  throw new RepriseError(
    "INVALID_OPTION",
    `$set of a map of func "${call.definition.id}": ${meant} is for the elements, not for the group. Give it with the map: map(items, { each: { ${meant}: … } }).`,
  );
}

/**
 * Orders calls without data between them: each starts when the one before has succeeded. From Union/Flyte's `a >> b`.
 *
 * @throws RepriseError `FUTURE_MISUSE` if an argument is no future; `CYCLE` if the order would go round in a circle.
 * @example
 * ```ts
 * order(createTable(), fillTable(), dropTemporary());
 * ```
 */
export function order(...futures: readonly Future<unknown>[]): void {
  for (let at = 1; at < futures.length; at += 1) {
    const later = futureOf(futures[at]);
    if (later === undefined) throw notAFuture("order", futures[at]);
    changeable(later, "order");
    startAfter(later.call, futures[at - 1]);
  }
}

function startAfter(call: Call, other: unknown): void {
  const before = futureOf(other);
  if (before === undefined) throw notAFuture("$after", other);
  if (call.maker === undefined) {
    throw new RepriseError(
      "FUTURE_MISUSE",
      `${call.place} was called outside a body, where nothing can be ordered: a runner takes one root. Put the calls into the body of one func, order them there, and run that.`,
    );
  }
  if (before.call.maker !== call.maker) {
    throw new RepriseError(
      "FUTURE_MISUSE",
      `${call.place}: $after takes futures that were made in the same body, and ${before.call.place} was not.`,
    );
  }
  // Nothing needs a call that is not used yet, so that long orders of fresh calls cost no search.
  if (before.call === call || (call.isUsed && dependsOn(before.call, call))) {
    throw new RepriseError(
      "CYCLE",
      `${call.place} cannot start after ${before.call === call ? "itself" : `${before.call.place}, which itself needs it`}: it would never start.`,
    );
  }
  if (call.after?.includes(before.call) === true) return;
  (call.after ??= []).push(before.call);
  before.call.isUsed = true;
}

/** Whether `call` needs `other`, directly or through others. Only calls that have not started can be part of a cycle. */
function dependsOn(call: Call, other: Call): boolean {
  const seen = new Set<Call>();
  const open = [call];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next === other) return true;
    if (seen.has(next) || next.submitted) continue;
    seen.add(next);
    for (const taker of [next, ...(next.map?.calls ?? [])]) {
      for (const { parts } of taker.args) for (const part of parts) open.push(part.call);
    }
    open.push(...(next.after ?? []));
  }
  return false;
}

function notAFuture(what: string, value: unknown): RepriseError {
  const cached = cachedHint(value);
  if (cached !== undefined)
    return new RepriseError("FUTURE_MISUSE", `${what} takes futures, the results of calling funcs, ${cached}`);
  const got =
    typeof value === "function" ? "a function: call it first, and pass what the call of a func gives" : typeof value;
  return new RepriseError("FUTURE_MISUSE", `${what} takes futures, the results of calling funcs, not ${got}.`);
}

function changeable(target: FuturePart, what: string): void {
  if (target.path.length > 0) {
    throw new RepriseError(
      "FUTURE_MISUSE",
      `${what} works on the future of a call, not on a part of it (${describe(target)}).`,
    );
  }
  if (target.call.submitted) {
    throw new RepriseError(
      "FUTURE_MISUSE",
      `${what} came too late for ${target.call.place}: it has been handed to the runner. Call it in the same expression as the func, before any await.`,
    );
  }
}

function waitFor(target: FuturePart, signal: AbortSignal | undefined): Promise<unknown> {
  const body = currentBody();
  if (body === undefined) {
    throw new NotInFuncError(
      `$value() of ${describe(target)}`,
      "Outside, give the future to a runner: await new LocalRunner().run(future).",
    );
  }
  return body.host.valueFor(body, target, signal);
}

function* unpack(target: FuturePart): Generator<unknown, void> {
  for (let index = 0; index < maxUnpacked; index += 1) yield part(target, index);
  misuse(target, "iterated or spread");
}

function checkKey(key: unknown): PathStep {
  if (typeof key === "string" || (typeof key === "number" && Number.isInteger(key))) return key;
  throw new RepriseError("FUTURE_MISUSE", `$get takes a property name or an index, not ${typeof key}.`);
}

function indexOrKey(key: string): PathStep {
  return /^(0|[1-9]\d{0,8})$/.test(key) ? Number(key) : key;
}

function misuse(target: FuturePart, how: string): never {
  throw new RepriseError(
    "FUTURE_MISUSE",
    `T${describe(target).slice(1)} was ${how}, but it has no value yet. Pass it to a func, return it, or wait for it with await future.$value().`,
  );
}

function describe(target: FuturePart): string {
  return `the future of ${target.call.definition.id}${formatPath(target.path)}`;
}

function inspectFuture(target: FuturePart): string {
  return `Future(${target.call.definition.id}${formatPath(target.path)} ${target.call.state})`;
}
