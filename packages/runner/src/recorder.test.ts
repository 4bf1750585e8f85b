import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Recorder } from "./recorder.ts";
import { newRunId } from "./run-ids.ts";
import { homeOf, temporaryFolder } from "./testing/temporary-home.ts";

interface Lab {
  readonly recorder: Recorder;
  /** How often something was committed. */
  readonly commits: () => number;
  /** Something to write. */
  readonly add: () => void;
}

/** A recorder whose store counts commits. */
async function lab(): Promise<Lab> {
  const { backend } = await homeOf(temporaryFolder());
  let commits = 0;
  const counting = new Proxy(backend, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name === "commit") commits += 1;
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
  const root = { uuid: newRunId(), key: 0 };
  const unexpected = (error: unknown): never => {
    throw error;
  };
  const recorder = new Recorder(counting, { root, fence: 1 }, { failed: unexpected, refused: unexpected });
  const add = (): void => recorder.artifact(artifact(), 0, undefined);
  return { recorder, commits: () => commits, add };
}

let made = 0;
function artifact(): Parameters<Recorder["artifact"]>[0] {
  made += 1;
  const digest = made.toString(16).padStart(64, "0");
  const document = new Uint8Array();
  const known = { typeName: "", type: null, size: 0, summary: null, documentSize: 0, blobs: [], createdAt: 0 };
  return { ref: { digest, key: 0 }, ...known, document };
}

describe("what is recorded", () => {
  it("is written at the end of each turn", async () => {
    const { add, commits } = await lab();
    for (let at = 1; at <= 5; at += 1) {
      add();
      add();
      await turn();
      expect(commits()).toBe(at);
    }
  });

  it("of messages that come one in each turn is written together, and soon", async () => {
    const { recorder, add, commits } = await lab();
    recorder.gather();
    add();
    await turn();
    const before = commits();
    add();
    await turn();
    add();
    await recorder.written();
    expect(commits() - before).toBe(1);
  });

  it("is written at once when somebody waits for it", async () => {
    const { recorder, add, commits } = await lab();
    recorder.gather();
    add();
    await recorder.durable();
    add();
    const written = recorder.durable();
    await turn();
    expect(commits()).toBe(2);
    await written;
  });

  it("is written before a body begins that may hold the event loop", async () => {
    const { recorder, add, commits } = await lab();
    recorder.gather();
    add();
    await recorder.durable();
    add();
    expect(commits()).toBe(1);
    recorder.hurry();
    expect(commits()).toBe(2);
    // From now on as if there were no workers.
    add();
    await turn();
    expect(commits()).toBe(3);
  });
});
