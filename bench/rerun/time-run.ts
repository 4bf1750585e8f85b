import { type Future, LocalRunner, type LocalRunnerOptions } from "reprise";
import { type Elapsed, startClock } from "../measure/stopwatch.ts";
import { first } from "./pipelines.ts";

/** A runner whose store is open before it runs anything. */
class ReadyRunner extends LocalRunner {
  readonly #home = super.openHome();

  async ready(): Promise<void> {
    await this.#home;
  }

  protected override openHome() {
    return this.#home;
  }
}

/**
 * The time of one pipeline run in `home`, or of its re-run, or until it has ended that was interrupted. What every home
 * pays once, as opening the store and keeping the program, is not timed.
 */
export async function timeRun(
  home: string,
  start: () => Future<unknown>,
  options: LocalRunnerOptions = {},
): Promise<Elapsed> {
  {
    await using runner = new LocalRunner({ home });
    await runner.run(first());
  }
  await using runner = new ReadyRunner({ home, ...options });
  await runner.ready();
  const clock = startClock();
  await runner.run(start());
  return clock();
}
