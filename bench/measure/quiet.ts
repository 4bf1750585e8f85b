// Other work on the machine changes what is measured, and not for limit and subject alike: here it is seen and waited for.
import { cpus } from "node:os";
import { setTimeout as pause } from "node:timers/promises";

/** Cores that others may use while a sample is taken. */
const tolerated = 0.35;
/** Below this duration, in ms, the system's counters are too coarse to say who used the processor. */
export const shortestWatched = 150;

/** Seconds that this process may still spend waiting for others to end. */
let patience = 60;

/** Sets how many seconds may be waited for a quiet machine, all samples together. */
export function setPatience(seconds: number): void {
  patience = seconds;
}

/** Milliseconds of processor time: of all processes, and of this one. */
interface Used {
  readonly time: number;
  readonly all: number;
  readonly own: number;
}

function usedSoFar(): Used {
  let all = 0;
  for (const { times } of cpus()) all += times.user + times.nice + times.sys + times.irq;
  const { user, system } = process.cpuUsage();
  return { time: performance.now(), all, own: (user + system) / 1000 };
}

/** Begins to watch; the function returned says how many cores others have used since. */
export function watchOthers(): () => number {
  const before = usedSoFar();
  return () => {
    const now = usedSoFar();
    return Math.max(0, (now.all - before.all - (now.own - before.own)) / (now.time - before.time));
  };
}

/** Whether others used so much that a sample should be taken again. */
export function isDisturbed(others: number): boolean {
  return others > tolerated;
}

/** Waits until others leave the machine alone, or until patience is at its end. */
export async function waitForQuiet(): Promise<void> {
  for (;;) {
    const others = watchOthers();
    await pause(shortestWatched);
    if (!isDisturbed(others()) || patience <= 0) return;
    patience -= shortestWatched / 1000;
  }
}

/** Whether a disturbed sample may be taken again: that too costs patience. */
export function mayRepeat(milliseconds: number): boolean {
  if (patience <= 0) return false;
  patience -= milliseconds / 1000;
  return true;
}
