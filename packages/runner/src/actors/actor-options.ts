import { parseDuration, RepriseError } from "@reprise/core";
import { checkResources } from "../resources.ts";
import type { ActorDefinition } from "./actor-definition.ts";
import type { ActorEnvironmentOptions } from "./actor-environment.ts";

const fields = ["name", "replicas", "ttl", "concurrency", "resources", "env", "isolation"];

/**
 * Validates the options of an environment.
 *
 * @param what names it in errors until its name is known.
 * @throws RepriseError `INVALID_OPTION` naming option and environment.
 */
export function parseActorOptions(options: unknown, what: string): ActorDefinition {
  if (typeof options !== "object" || options === null) {
    invalid(what, 'options must be an object such as { name: "embedder" }');
  }
  const { name, replicas, ttl, concurrency, resources, env, isolation } = options as ActorEnvironmentOptions;
  const named = typeof name === "string" ? what.replace("ActorEnvironment", `ActorEnvironment "${name}"`) : what;
  for (const field of Object.keys(options)) {
    if (!fields.includes(field)) invalid(named, `unknown option "${field}"; known: ${fields.join(", ")}`);
  }
  const places = parseConcurrency(concurrency, named);
  return Object.freeze({
    name: parseName(name, what),
    replicas: parseReplicas(replicas, named),
    ttl: parseDuration(ttl ?? "90s", `ttl of ${named}`),
    concurrency: places,
    resources: resources === undefined ? undefined : Object.freeze({ ...checkResources(resources, named) }),
    env: parseEnv(env, named),
    isolation: parseIsolation(isolation, places, named),
  });
}

function parseName(name: unknown, what: string): string {
  if (typeof name !== "string" || name.trim() === "" || name.length > 100 || /[\p{Cc}]/u.test(name)) {
    invalid(what, "name must be a text of 1 to 100 characters, which tells the environment from others of the program");
  }
  return name.normalize("NFC");
}

function parseReplicas(replicas: unknown, what: string): ActorDefinition["replicas"] {
  if (replicas === undefined) return Object.freeze({ min: 0, max: 1 });
  if (isCount(replicas, 1)) return Object.freeze({ min: 0, max: replicas });
  if (typeof replicas !== "object" || replicas === null) {
    invalid(what, `replicas must be a whole number above 0 or { min, max }, not ${JSON.stringify(replicas)}`);
  }
  for (const field of Object.keys(replicas)) {
    if (field !== "min" && field !== "max") invalid(what, `replicas has an unknown field "${field}"; known: min, max`);
  }
  const { min = 0, max } = replicas as { readonly min?: unknown; readonly max?: unknown };
  if (!isCount(max, 1)) invalid(what, "replicas.max must be a whole number above 0");
  if (!isCount(min, 0)) invalid(what, "replicas.min must be a whole number from 0");
  if (min > max) invalid(what, `replicas.min is ${min}, more than replicas.max, which is ${max}`);
  return Object.freeze({ min, max });
}

function parseConcurrency(concurrency: unknown, what: string): number {
  if (concurrency === undefined) return 1;
  if (!isCount(concurrency, 1)) invalid(what, "concurrency must be a whole number above 0");
  return concurrency;
}

function parseEnv(env: unknown, what: string): ActorDefinition["env"] {
  if (env === undefined) return Object.freeze({});
  if (typeof env !== "object" || env === null || Array.isArray(env)) {
    invalid(what, 'env must be an object of texts such as { MODELS: "/models" }');
  }
  for (const [name, value] of Object.entries(env)) {
    if (name === "" || /[=\0]/.test(name)) invalid(what, `env: ${JSON.stringify(name)} is no name of a variable`);
    // The value is not shown: it may be a secret.
    if (typeof value !== "string" || value.includes("\0")) {
      invalid(
        what,
        `env.${name} must be a text${typeof value === "string" ? " without NUL" : `, not ${typeof value}`}`,
      );
    }
  }
  return Object.freeze({ ...env });
}

function parseIsolation(isolation: unknown, concurrency: number, what: string): ActorDefinition["isolation"] {
  if (isolation === undefined || isolation === "shared") return "shared";
  if (isolation !== "clean") invalid(what, 'isolation must be "shared" or "clean"');
  if (concurrency > 1) {
    invalid(
      what,
      `isolation: "clean" needs concurrency: 1, as bodies that execute at the same time share their globals; it is ${concurrency}`,
    );
  }
  return isolation;
}

function isCount(value: unknown, least: number): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= least;
}

function invalid(what: string, why: string): never {
  throw new RepriseError("INVALID_OPTION", `${what}: ${why}.`);
}
