import { RepriseError } from "../errors.ts";

/** Why a value cannot be stored, on its way up to the root: each container that it passes adds a step of the path. */
export class Refusal extends Error {
  /** Steps from the refused value up to the root. */
  readonly steps: string[] = [];
  /** Whether the value was refused only because it is nested too deep, so that a cycle may be the reason. */
  readonly tooDeep: boolean;

  constructor(reason: string, options: { readonly cause?: unknown; readonly tooDeep?: boolean } = {}) {
    super(reason, "cause" in options ? { cause: options.cause } : undefined);
    this.tooDeep = options.tooDeep ?? false;
  }
}

/** What was thrown below a container, with the step that leads there. Errors of the user's own code become a refusal. */
export function refusedAt(thrown: unknown, step: string): Refusal {
  const refusal = thrown instanceof Refusal ? thrown : refusalOf(thrown, "reading it threw");
  refusal.steps.push(step);
  return refusal;
}

/** A refusal because code of the user threw. */
export function refusalOf(thrown: unknown, what: string): Refusal {
  return new Refusal(`${what}: ${messageOf(thrown)}`, { cause: thrown });
}

/** The public error of a refusal. */
export function notStorable(refusal: Refusal, root: string, reason = refusal.message): RepriseError {
  const message = `${pathOf(root, refusal.steps)}: ${reason}`;
  return new RepriseError("VALUE_NOT_STORABLE", message, refusal.cause === undefined ? {} : { cause: refusal.cause });
}

/** The step to a property: `.name`, or `["odd name"]`. */
export function propertyStep(key: string | undefined): string {
  if (key === undefined) return "";
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${shorten(JSON.stringify(key))}]`;
}

/** The step to the value of a Map's key. */
export function mapStep(key: unknown, index: number): string {
  if (typeof key === "string") return `.get(${shorten(JSON.stringify(key))})`;
  if (typeof key === "number" || typeof key === "boolean") return `.get(${key})`;
  return `.values()[${index}]`;
}

const shownSteps = 12;

function pathOf(root: string, steps: readonly string[]): string {
  const path = steps.toReversed();
  if (path.length <= shownSteps) return root + path.join("");
  return `${root}${path.slice(0, shownSteps - 4).join("")}…${path.slice(-3).join("")}`;
}

function shorten(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 56)}…"`;
}

function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? thrown.message : String(thrown);
  } catch {
    return typeof thrown;
  }
}
