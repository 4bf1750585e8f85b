import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { temporaryFolder } from "../../testing/temporary-home.ts";

/** A process that has called. */
export interface Life {
  readonly pid: number;
  /** What it was there for, as it says. */
  readonly name: string;
  /** Resolves when the process is gone: the system closes its connection, however it ended. */
  readonly ended: Promise<void>;
}

/**
 * Hears of the ends of processes, also of those whose parents are gone: each calls at {@link path} and says
 * `<name> <pid>\n`.
 */
export class ProcessLives {
  readonly path = join(temporaryFolder(), "lives.sock");
  readonly #server: Server;
  readonly #all: Life[] = [];
  readonly #alive = new Set<Life>();
  readonly #watchers = new Set<() => void>();

  constructor() {
    this.#server = createServer((socket) => this.#enter(socket));
    this.#server.listen(this.path);
    onTestFinished(() => {
      this.#server.close();
      for (const { pid } of this.#alive) process.kill(pid, "SIGKILL");
    });
  }

  /** Those that have called so far. */
  get all(): readonly Life[] {
    return this.#all;
  }

  /** Those that are not gone. */
  get alive(): readonly Life[] {
    return [...this.#alive];
  }

  /** The process of that name, when it has called. */
  async named(name: string): Promise<Life> {
    for (;;) {
      const found = this.#all.find((life) => life.name === name);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#watchers.add(resolve);
      });
    }
  }

  #enter(socket: Socket): void {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    let text = "";
    let life: Life | undefined;
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      if (life !== undefined || !text.endsWith("\n")) return;
      const [, name = "", pid] = /^(.*) (\d+)\n$/.exec(text) ?? [];
      life = { pid: Number(pid), name, ended };
      this.#all.push(life);
      this.#alive.add(life);
      for (const watcher of this.#watchers) watcher();
      this.#watchers.clear();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      if (life !== undefined) this.#alive.delete(life);
      resolve();
    });
  }
}
