import { RepriseError } from "@reprise/core";
import { checkFromWorker, checkToWorker } from "../workers/check-message.ts";
import type { FromSupervisor, PoolSpec, ToSupervisor } from "./supervisor-protocol.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A message of a driver or of the command line, checked. @throws RepriseError `ACTOR_FAILED` naming the field. */
export function checkToSupervisor(value: unknown): ToSupervisor {
  const message = fieldsOf(value, "a message to the supervisor");
  const { type } = message;
  switch (type) {
    case "assign":
      checkNumber(message, "token", "assign");
      checkText(message, "label", "assign");
      if (message["affinity"] !== null) checkText(message, "affinity", "assign");
      checkPassedOn(message, ["start"], "assign");
      break;
    case "answer":
      checkPassedOn(message, ["value", "noValue", "cancel"], "answer");
      break;
    case "hello":
      checkNumber(message, "protocol", "hello");
      checkText(message, "version", "hello");
      break;
    case "pool":
      checkNumber(message, "token", "pool");
      checkSpec(message["spec"]);
      break;
    case "list":
      break;
    case "stop":
      if (message["pool"] !== null) checkText(message, "pool", "stop");
      if (typeof message["now"] !== "boolean") throw wrong("stop", "now", "true or false");
      break;
    default:
      throw unknownType(type, "a message to the supervisor");
  }
  return value as ToSupervisor;
}

/** A message of the supervisor, checked. @throws RepriseError `ACTOR_FAILED` naming the field. */
export function checkFromSupervisor(value: unknown): FromSupervisor {
  const message = fieldsOf(value, "a message of the supervisor");
  const { type } = message;
  switch (type) {
    case "task":
      checkText(message, "replica", "task");
      checkFromWorker(message["message"]);
      break;
    case "welcome":
      checkNumber(message, "protocol", "welcome");
      checkNumber(message, "pid", "welcome");
      checkText(message, "version", "welcome");
      break;
    case "pool":
      checkNumber(message, "token", "pool");
      checkText(message, "id", "pool");
      break;
    case "lost":
      checkText(message, "task", "lost");
      checkFailure(message["failure"]);
      if (typeof message["isFinal"] !== "boolean") throw wrong("lost", "isFinal", "true or false");
      break;
    case "waits":
      checkText(message, "task", "waits");
      if (message["reason"] !== null) checkText(message, "reason", "waits");
      break;
    case "pools":
    case "stopped":
      if (!Array.isArray(message["pools"])) throw wrong(type, "pools", "a list");
      break;
    default:
      throw unknownType(type, "a message of the supervisor");
  }
  return value as FromSupervisor;
}

function checkSpec(value: unknown): asserts value is PoolSpec {
  const spec = fieldsOf(value, "pool: spec");
  for (const name of ["codeVersion", "cwd", "worker"]) checkText(spec, name, "pool: spec");
  // What goes wrong when a replica is made of it would end the supervisor, with the replicas of all others.
  if (!isFileUrl(spec["worker"] as string)) throw wrong("pool: spec", "worker", "a URL of a file");
  if (!isTexts(spec["execArgv"])) throw wrong("pool: spec", "execArgv", "a list of texts");
  checkTexts(spec, "env", "pool: spec");
  checkProgram(spec["program"]);
  const definition = fieldsOf(spec["definition"], "pool: definition");
  checkText(definition, "name", "pool: definition");
  checkPositive(definition, "ttl", "pool: definition");
  checkWhole(definition, "concurrency", "pool: definition", 1);
  const replicas = fieldsOf(definition["replicas"], "pool: replicas");
  checkWhole(replicas, "max", "pool: replicas", 1);
  checkWhole(replicas, "min", "pool: replicas", 0);
  if ((replicas["min"] as number) > (replicas["max"] as number))
    throw wrong("pool: replicas", "min", "a number up to max");
  checkTexts(definition, "env", "pool: definition");
  const { isolation } = definition;
  if (isolation !== "shared" && isolation !== "clean") {
    throw wrong("pool: definition", "isolation", '"shared" or "clean"');
  }
}

function checkProgram(value: unknown): void {
  const program = fieldsOf(value, "pool: program");
  if (program["kind"] === "kept") checkText(program, "digest", "pool: program");
  else if (program["kind"] !== "files") throw wrong("pool: program", "kind", '"kept" or "files"');
  else if (!isTexts(program["files"])) throw wrong("pool: program", "files", "a list of texts");
}

/** A message that the supervisor hands on. */
function checkPassedOn(message: Fields, types: readonly string[], what: string): void {
  const passed = checkToWorker(message["message"]);
  if (!types.includes(passed.type)) throw wrong(what, "message", `one of type ${types.join(", ")}`);
}

function checkFailure(value: unknown): void {
  const failure = fieldsOf(value, "lost: failure");
  for (const name of ["name", "message"]) checkText(failure, name, "lost: failure");
  if (!isTexts(failure["classes"])) throw wrong("lost: failure", "classes", "a list of texts");
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new RepriseError("ACTOR_FAILED", `${what} must be an object.`);
}

function checkText(message: Fields, name: string, what: string): void {
  if (typeof message[name] !== "string") throw wrong(what, name, "a text");
}

function checkNumber(message: Fields, name: string, what: string): void {
  if (!Number.isFinite(message[name])) throw wrong(what, name, "a number");
}

function checkPositive(message: Fields, name: string, what: string): void {
  checkNumber(message, name, what);
  if ((message[name] as number) <= 0) throw wrong(what, name, "a number above 0");
}

function checkWhole(message: Fields, name: string, what: string, least: number): void {
  const value = message[name];
  if (!Number.isSafeInteger(value) || (value as number) < least)
    throw wrong(what, name, `a whole number from ${least}`);
}

function isFileUrl(text: string): boolean {
  return URL.canParse(text) && new URL(text).protocol === "file:";
}

function checkTexts(message: Fields, name: string, what: string): void {
  if (!isTexts(Object.values(fieldsOf(message[name], `${what}: ${name}`)))) throw wrong(what, name, "texts by name");
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function wrong(what: string, name: string, expected: string): RepriseError {
  // What was there instead may be secret.
  return new RepriseError(
    "ACTOR_FAILED",
    `Message "${what}" between driver and supervisor: ${name} must be ${expected}.`,
  );
}

function unknownType(type: unknown, what: string): RepriseError {
  const shown = typeof type === "string" ? `"${type.slice(0, 50)}"` : typeof type;
  return new RepriseError("ACTOR_FAILED", `There is no type ${shown} of ${what}.`);
}
