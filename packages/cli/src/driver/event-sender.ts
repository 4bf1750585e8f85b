import type { RunnerEvent } from "@reprise/runner";

/** What an event sender needs. */
export interface EventSenderOptions {
  /** Sends one batch; calls back when it is on its way. */
  readonly send: (events: readonly RunnerEvent[], sent: () => void) => void;
  /** Whether each event matters (`--json`), or only the last state of each run. */
  readonly everyEvent: boolean;
}

const windowTime = 40;
const immediateInWindow = 24;

/**
 * Sends the events of a runner in batches, so that a large fan-out does not pay a message per event.
 *
 * The first events of each window go out at once, in the same turn: a body that blocks the event loop afterwards must not
 * keep the command from knowing which pipeline run it belongs to. The others wait for the window's end, and of several
 * states of one run in one window only the start and the last one go out.
 */
export class EventSender {
  readonly #options: EventSenderOptions;
  #waiting: (RunnerEvent | null)[] = [];
  readonly #lastOfRun = new Map<string, number>();
  #sentAtOnce = 0;
  #timer: NodeJS.Timeout | null = null;
  #underWay = 0;
  #whenIdle: (() => void) | null = null;

  constructor(options: EventSenderOptions) {
    this.#options = options;
  }

  /** Takes one event. */
  push(event: RunnerEvent): void {
    this.#timer ??= setTimeout(() => this.#endWindow(), windowTime);
    if (this.#sentAtOnce < immediateInWindow && this.#waiting.length === 0) {
      this.#sentAtOnce++;
      this.#send([event]);
      return;
    }
    if (event.type === "run" && !this.#options.everyEvent) {
      const at = this.#lastOfRun.get(event.id);
      const before = at === undefined ? undefined : this.#waiting[at];
      if (at !== undefined && before?.type === "run" && before.state !== "RUNNING") this.#waiting[at] = null;
      this.#lastOfRun.set(event.id, this.#waiting.length);
    }
    this.#waiting.push(event);
  }

  /** Sends what waits. Resolves when all of it is on its way. */
  async flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#sendWaiting();
    if (this.#underWay === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
    });
  }

  #endWindow(): void {
    this.#timer = null;
    this.#sentAtOnce = 0;
    if (this.#waiting.length === 0) return;
    // A command that is slow to read gets fewer and larger batches instead of a growing queue of them.
    if (this.#underWay === 0) this.#sendWaiting();
    this.#timer = setTimeout(() => this.#endWindow(), windowTime);
  }

  #sendWaiting(): void {
    const events = this.#waiting.filter((event) => event !== null);
    this.#waiting = [];
    this.#lastOfRun.clear();
    if (events.length > 0) this.#send(events);
  }

  #send(events: readonly RunnerEvent[]): void {
    this.#underWay++;
    this.#options.send(events, () => {
      this.#underWay--;
      if (this.#underWay > 0) return;
      this.#whenIdle?.();
      this.#whenIdle = null;
    });
  }
}
