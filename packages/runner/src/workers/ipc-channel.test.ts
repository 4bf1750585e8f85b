import { type ChildProcess, fork } from "node:child_process";
import { describe, expect, it, onTestFinished } from "vitest";
import { checkFromWorker } from "./check-message.ts";
import { ipcChannel, type IpcChannel, type IpcEnd } from "./ipc-channel.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";

/** This end of a channel to a process that answers. */
class Driver {
  readonly child: ChildProcess;
  readonly channel: IpcChannel<ToWorker, FromWorker>;
  readonly heard: FromWorker[] = [];
  /** Messages as they came over the pipe. */
  readonly raw: unknown[] = [];
  readonly closed: Promise<Error | undefined>;
  #look: () => void = () => undefined;

  constructor() {
    this.child = fork(new URL("./testing/ipc-echo.ts", import.meta.url), { serialization: "json" });
    onTestFinished(() => void this.child.kill("SIGKILL"));
    this.child.on("message", (message) => this.raw.push(message));
    this.channel = ipcChannel<ToWorker, FromWorker>(this.child as IpcEnd, checkFromWorker);
    this.channel.onMessage((message) => {
      this.heard.push(message);
      this.#look();
    });
    this.closed = new Promise((resolve) => this.channel.onClose(resolve));
  }

  async hears(count: number): Promise<readonly FromWorker[]> {
    await new Promise<void>((resolve) => {
      this.#look = () => {
        if (this.heard.length >= count) resolve();
      };
      this.#look();
    });
    return this.heard;
  }
}

const told = (text: string): readonly FromWorker[] => [
  { type: "await", task: "t", wait: 1, run: text },
  { type: "await", task: "t", wait: 2, run: text },
  { type: "warning", task: "t", text },
  { type: "stopAwait", task: "t", wait: 3 },
];

describe("a channel over the pipe to a process", () => {
  it("carries messages in order, together where they may wait for each other", async () => {
    const driver = new Driver();
    driver.channel.send({ type: "cancel", task: "t", reason: "a" });
    await driver.hears(4);
    driver.channel.send({ type: "cancel", task: "t", reason: "ü\n\u2028" });
    expect(await driver.hears(8)).toEqual([...told("a"), ...told("ü\n\u2028")]);
    const [first, , , last] = told("a");
    // What a body says of itself does not wait, nor does what was said before it.
    expect(driver.raw.slice(0, 2)).toEqual([[first, told("a")[1], told("a")[2]], last]);
  });

  it("brings what was said before the process ended", async () => {
    const driver = new Driver();
    driver.channel.send({ type: "cancel", task: "t", reason: "exit" });
    expect(await driver.closed).toBeUndefined();
    expect(driver.heard).toEqual([
      { type: "noCache", task: "t" },
      { type: "await", task: "t", wait: 1, run: "last" },
    ]);
    driver.channel.send({ type: "end" });
  });

  it("is closed by whoever has said all, when it was taken", async () => {
    const driver = new Driver();
    driver.channel.send({ type: "end" });
    expect(await driver.closed).toBeUndefined();
    expect(driver.heard).toEqual([expect.objectContaining({ text: expect.stringMatching(/^x{4000000}$/) })]);
  });

  it("is closed by what is no message, with the error that says so", async () => {
    const driver = new Driver();
    driver.channel.send({ type: "cancel", task: "t", reason: "raw" });
    expect(await driver.closed).toMatchObject({
      code: "WORKER_FAILED",
      message: expect.stringContaining('"nonsense"'),
    });
    expect(driver.child.connected).toBe(false);
  });

  it("tells of its end also whoever asks later", async () => {
    const driver = new Driver();
    driver.channel.close();
    driver.channel.send({ type: "end" });
    await driver.closed;
    expect(await new Promise((resolve) => driver.channel.onClose(resolve))).toBeUndefined();
    await driver.channel.sent();
  });
});
