import { RepriseError } from "@reprise/core";

/** What a standalone run asks of the machine it runs on. Validated now; used by executors that have machines to choose from. */
export interface Resources {
  /** CPU cores, e.g. `2` or `0.5`. */
  readonly cpu?: number | undefined;
  /** Memory, e.g. `"512Mi"`, `"4Gi"`. */
  readonly memory?: string | undefined;
  /** Graphics processors. */
  readonly gpu?: number | undefined;
  /** Kubernetes settings, as in Sematic's `KubernetesResourceRequirements`. */
  readonly kubernetes?: KubernetesResources | undefined;
}

/** Settings of a Kubernetes pod. */
export interface KubernetesResources {
  readonly nodeSelector?: Readonly<Record<string, string>> | undefined;
  readonly requests?: Readonly<Record<string, string>> | undefined;
  readonly secretMounts?: readonly unknown[] | undefined;
  readonly tolerations?: readonly unknown[] | undefined;
  readonly mountExpandedSharedMemory?: boolean | undefined;
  readonly securityContext?: unknown;
  readonly hostPathMounts?: readonly unknown[] | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

const fields = ["cpu", "memory", "gpu", "kubernetes"];
const kubernetesFields = [
  "nodeSelector",
  "requests",
  "secretMounts",
  "tolerations",
  "mountExpandedSharedMemory",
  "securityContext",
  "hostPathMounts",
  "labels",
  "annotations",
];

/** Validates the `resources` option. @throws RepriseError `INVALID_OPTION` naming the field. */
export function checkResources(resources: unknown, what: string): Resources {
  if (typeof resources !== "object" || resources === null) invalid(what, "must be an object");
  checkFields(resources, fields, what);
  const { cpu, memory, gpu, kubernetes } = resources as Resources;
  if (cpu !== undefined && !(Number.isFinite(cpu) && cpu > 0)) invalid(what, "cpu must be a number of cores above 0");
  if (gpu !== undefined && !(Number.isInteger(gpu) && gpu >= 0)) invalid(what, "gpu must be a whole number from 0");
  if (memory !== undefined && !/^\d+(\.\d+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$/.test(memory)) {
    invalid(what, 'memory must be an amount such as "512Mi" or "4Gi"');
  }
  if (kubernetes !== undefined) {
    if (typeof kubernetes !== "object" || kubernetes === null) invalid(what, "kubernetes must be an object");
    checkFields(kubernetes, kubernetesFields, `${what}, kubernetes`);
  }
  return resources;
}

function checkFields(object: object, known: readonly string[], what: string): void {
  for (const field of Object.keys(object)) {
    if (!known.includes(field)) invalid(what, `unknown field "${field}"; known: ${known.join(", ")}`);
  }
}

function invalid(what: string, why: string): never {
  throw new RepriseError("INVALID_OPTION", `resources of ${what}: ${why}.`);
}
