import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { temporaryFolder } from "./temporary-home.ts";

/** A body, or a process, that has come to a {@link Gate}. */
export interface Visitor {
  readonly name: string;
  readonly pid: number;
  /** Resolves when it has left, or its process is gone, however it ended. */
  readonly left: Promise<void>;
  /** Lets it go on, with this text. */
  pass(text: string): void;
  /** What it said since. */
  readonly said: readonly string[];
}

/** Where bodies in other processes wait for the test, and the test for them: they connect and say `<name> <pid>\n`. */
export class Gate {
  readonly path = join(temporaryFolder(), "gate.sock");
  readonly #server: Server;
  readonly #all: Visitor[] = [];
  readonly #inside = new Set<Visitor>();
  readonly #watchers = new Set<() => void>();

  constructor() {
    this.#server = createServer((socket) => this.#enter(socket));
    this.#server.listen(this.path);
    onTestFinished(() => {
      this.#server.close();
      for (const { pid } of this.#inside) {
        try {
          process.kill(pid, "SIGKILL");
        } catch {
          // It is gone, and only its connection is not.
        }
      }
    });
  }

  /** All that have come so far. */
  get all(): readonly Visitor[] {
    return this.#all;
  }

  /** Those that have not left. */
  get inside(): readonly Visitor[] {
    return [...this.#inside];
  }

  /** The first of that name, when it has come. */
  async arrived(name: string): Promise<Visitor> {
    const [visitor] = await this.count(name, 1);
    return visitor as Visitor;
  }

  /** Those of that name, when so many have come. */
  async count(name: string, count: number): Promise<readonly Visitor[]> {
    for (;;) {
      const found = this.#all.filter((visitor) => visitor.name === name);
      if (found.length >= count) return found;
      await new Promise<void>((resolve) => {
        this.#watchers.add(resolve);
      });
    }
  }

  #enter(socket: Socket): void {
    const { promise: left, resolve } = Promise.withResolvers<void>();
    const said: string[] = [];
    let text = "";
    let visitor: Visitor | undefined;
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        if (visitor !== undefined) {
          said.push(line);
          continue;
        }
        const [, name = "", pid] = /^(.*) (\d+)$/.exec(line) ?? [];
        visitor = { name, pid: Number(pid), left, said, pass: (answer) => void socket.write(`${answer}\n`) };
        this.#all.push(visitor);
        this.#inside.add(visitor);
      }
      for (const watcher of this.#watchers) watcher();
      this.#watchers.clear();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      if (visitor !== undefined) this.#inside.delete(visitor);
      resolve();
    });
  }
}
