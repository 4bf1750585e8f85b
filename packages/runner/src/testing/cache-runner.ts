import { writeSync } from "node:fs";
import { type Home, type LeaseTimes, openHome } from "@reprise/store";
import { LocalRunner, type LocalRunnerOptions, type RunnerEvent } from "../index.ts";

/** A runner whose process counts as gone after times of its own. */
export class LeaseRunner extends LocalRunner {
  readonly #path: string;
  readonly #lease: LeaseTimes;

  constructor(path: string, lease: LeaseTimes, options: Omit<LocalRunnerOptions, "home"> = {}) {
    super(options);
    this.#path = path;
    this.#lease = lease;
  }

  protected override openHome(): Promise<Home> {
    return openHome({ path: this.#path, lease: this.#lease });
  }
}

/** Says a line, synchronously and outside all buffers: whoever reads it knows what is true from then on. */
export function say(line: string): void {
  writeSync(1, `${line}\n`);
}

/** An event listener that says each new cache status of each run, its note, and each warning. */
export function statusTeller(): (event: RunnerEvent) => void {
  const last = new Map<string, string>();
  return (event) => {
    if (event.type === "warning") say(`warning ${event.message}`);
    if (event.type !== "run" || event.cache === undefined) return;
    const { status, note } = event.cache;
    // A run that has not asked yet.
    if (status === "DISABLED" && note === null) return;
    if (last.get(event.id) === `${status} ${note}`) return;
    last.set(event.id, `${status} ${note}`);
    if (note !== null) say(`note ${note}`);
    say(`${event.funcId} ${status}`);
  };
}
