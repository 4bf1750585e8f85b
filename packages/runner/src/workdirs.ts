import { rmSync } from "node:fs";
import { rm } from "node:fs/promises";

/** The working directories of bodies, from when they are made until they are gone. */
export class Workdirs {
  readonly #make: () => string;
  readonly #paths = new Set<string>();

  constructor(make: () => string) {
    this.#make = make;
  }

  make(): string {
    const path = this.#make();
    this.#paths.add(path);
    return path;
  }

  /** Removes one. What cannot be removed (a folder that a body has closed to itself) stays: no run fails for it. */
  async remove(path: string): Promise<void> {
    try {
      await rm(path, { recursive: true, force: true, maxRetries: 3 });
      this.#paths.delete(path);
    } catch {
      // It is tried once more at the end.
    }
  }

  async removeAll(): Promise<void> {
    await Promise.all([...this.#paths].map((path) => this.remove(path)));
  }

  /** As {@link removeAll}, for a process that is about to exit. */
  removeNow(): void {
    for (const path of this.#paths) {
      try {
        rmSync(path, { recursive: true, force: true });
      } catch {
        // Nobody is left to be told.
      }
    }
  }
}
