import { RepriseError } from "@reprise/core";
import type { FromWorker, ToWorker } from "./protocol.ts";

/**
 * Messages as they arrive are anything; these checks make sure that what is handed on is what the protocol says. Fields
 * that are opaque to both ends (data of logs, summaries) are not looked into.
 */

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;
type Shape = readonly (readonly [field: string, check: Check, expected: string])[];

const isText: Check = (value) => typeof value === "string";
const isNumber: Check = (value) => typeof value === "number";
const isBoolean: Check = (value) => typeof value === "boolean";
const isObject: Check = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

const text = (field: string) => [field, isText, "a text"] as const;
const number = (field: string) => [field, isNumber, "a number"] as const;
const boolean = (field: string) => [field, isBoolean, "true or false"] as const;
const object = (field: string) => [field, isObject, "an object"] as const;
const oneOf = (field: string, ...values: readonly string[]) =>
  [field, (value: unknown) => values.includes(value as string), `one of ${values.join(", ")}`] as const;
const orNull = ([field, check, expected]: Shape[number]) =>
  [field, (value: unknown) => value === null || check(value), `${expected}, or null`] as const;
const listOf = (field: string, check: Check, of: string) =>
  [field, (value: unknown) => Array.isArray(value) && value.every(check), `a list of ${of}`] as const;

function has(shape: Shape): Check {
  return (value) => isObject(value) && shape.every(([field, check]) => check((value as Fields)[field]));
}

const path = listOf("path", (step) => isText(step) || isNumber(step), "property names and indexes");
const artifact: Shape = [text("id"), number("size"), orNull(text("document"))];
const isArtifact = has(artifact);
const isRow = has([
  ...artifact,
  text("typeName"),
  number("total"),
  listOf("blobs", has([text("digest"), number("size")]), "blobs"),
]);
const isArgument = has([
  orNull(["stored", isArtifact, "an artifact"]),
  listOf("parts", has([["artifact", isArtifact, "an artifact"], path]), "parts"),
]);
const isComposite = has([
  orNull(["stored", isRow, "an artifact"]),
  listOf("parts", has([text("run"), path, text("at")]), "parts"),
]);
const composites = (field: string) => listOf(field, isComposite, "arguments");
const isCall = has([
  text("run"),
  text("func"),
  composites("args"),
  orNull(object("options")),
  listOf("after", isText, "runs"),
  boolean("isMap"),
  orNull(listOf("elements", (args) => Array.isArray(args) && args.every(isComposite), "lists of arguments")),
]);
const isProgram: Check = (value) => {
  const { kind, files, digest } = Object(value) as Fields;
  if (kind === "kept") return isText(digest);
  return kind === "files" && Array.isArray(files) && files.every(isText);
};
const isActor = has([text("name"), number("concurrency"), oneOf("isolation", "shared", "clean"), text("replica")]);
const isFailure: Check = (value) =>
  has([text("name"), text("message"), listOf("classes", isText, "names")])(value) &&
  ((value as Fields)["cause"] === undefined || isFailure((value as Fields)["cause"]));
const failure = (field: string) => [field, isFailure, "a failure"] as const;

const task = text("task");

const toWorker: Readonly<Record<ToWorker["type"], Shape>> = {
  hello: [
    number("protocol"),
    text("home"),
    ["program", isProgram, "files, or a program that is kept"],
    orNull(["actor", isActor, "an actor"]),
    number("heartbeat"),
    orNull(number("memory")),
  ],
  start: [
    task,
    text("run"),
    text("root"),
    text("func"),
    orNull(text("file")),
    number("attempt"),
    listOf("args", isArgument, "arguments"),
  ],
  value: [task, number("wait"), ["artifact", isArtifact, "an artifact"]],
  noValue: [task, number("wait"), text("message"), orNull(failure("cause"))],
  cancel: [task, text("reason")],
  recall: [task],
  end: [],
};

const isStatistics = has([
  text("name"),
  ...["entries", "hits", "misses", "failures", "evictions", "loadTime"].map(number),
]);

const fromWorker: Readonly<Record<FromWorker["type"], Shape>> = {
  ready: [number("protocol"), number("pid")],
  unable: [failure("failure")],
  fatal: [text("why")],
  heartbeat: [orNull(number("memory")), listOf("caches", isStatistics, "statistics")],
  started: [task, number("time")],
  log: [
    task,
    oneOf("stream", "stdout", "stderr", "log"),
    oneOf("level", "debug", "info", "warn", "error"),
    text("text"),
    number("time"),
  ],
  metric: [task, text("name"), number("value"), oneOf("kind", "gauge", "count"), number("time")],
  progress: [task, number("done"), orNull(number("total")), orNull(text("note"))],
  noCache: [task],
  input: [task, number("argument"), ["artifact", isRow, "an artifact"]],
  calls: [task, listOf("calls", isCall, "calls")],
  await: [task, number("wait"), text("run")],
  stopAwait: [task, number("wait")],
  forget: [task, listOf("runs", isText, "runs")],
  result: [task, orNull(["value", isRow, "an artifact"]), orNull(["template", isComposite, "a result with futures"])],
  failed: [task, failure("failure"), orNull(text("child"))],
  recalled: [task],
  warning: [task, text("text")],
};

/** A message to a worker. @throws RepriseError `WORKER_FAILED` naming message and field of what is none. */
export function checkToWorker(value: unknown): ToWorker {
  return checked(value, toWorker, "a worker") as ToWorker;
}

/** A message of a worker. @throws RepriseError `WORKER_FAILED` naming message and field of what is none. */
export function checkFromWorker(value: unknown): FromWorker {
  const message = checked(value, fromWorker, "the driver") as FromWorker;
  if (message.type === "result" && (message.value === null) === (message.template === null)) {
    throw unfit("the driver", "result", "exactly one of value and template must be there");
  }
  return message;
}

function checked(value: unknown, shapes: Readonly<Record<string, Shape>>, whom: string): unknown {
  if (!isObject(value)) throw unfit(whom, "message", `it must be an object, not ${describe(value)}`);
  const { type } = value as Fields;
  const shape = typeof type === "string" && Object.hasOwn(shapes, type) ? shapes[type] : undefined;
  if (shape === undefined) throw unfit(whom, "message", `its type is not known: ${describe(type)}`);
  for (const [field, check, expected] of shape) {
    const found = (value as Fields)[field];
    if (!check(found))
      throw unfit(whom, `message "${type as string}"`, `${field} must be ${expected}, not ${describe(found)}`);
  }
  return value;
}

function unfit(whom: string, what: string, why: string): RepriseError {
  return new RepriseError(
    "WORKER_FAILED",
    `${whom === "a worker" ? "A worker" : "The driver"} got a ${what} that it cannot use: ${why}. ` +
      "Driver and worker must be of one version of reprise.",
  );
}

/** What was found, without giving away more of a value than its beginning. */
function describe(value: unknown): string {
  if (value === null || typeof value !== "object")
    return typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : String(value);
  return Array.isArray(value) ? `a list of ${value.length}` : "an object";
}
