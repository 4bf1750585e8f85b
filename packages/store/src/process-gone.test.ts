import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { expect, onTestFinished, test } from "vitest";
import { isProcessGone, thisProcess } from "./process-gone.ts";
import { runNode } from "./testing/processes.ts";

test("who asks is there, and so is a process that cannot be looked at because it is elsewhere", async () => {
  expect(isProcessGone(thisProcess())).toBe(false);
  const { stdout } = await runNode("console.log(process.pid)");
  const ended = { host: hostname(), pid: Number(stdout), processStartedAt: Date.now() };
  expect(isProcessGone(ended)).toBe(true);
  expect(isProcessGone({ ...ended, host: "elsewhere" })).toBe(false);
});

test("a number that another process has by now is that of one that is gone", () => {
  const own = thisProcess();
  expect(isProcessGone({ ...own, processStartedAt: own.processStartedAt - 3_600_000 })).toBe(true);
  expect(isProcessGone({ ...own, processStartedAt: own.processStartedAt + 3_600_000 })).toBe(true);
});

test.runIf(process.platform === "linux")("so is one that has ended and that nobody has asked how", async () => {
  // The shell becomes a program that never asks after the child that the shell has started. The child must not end earlier.
  const script = "exec 3<&0; cat <&3 & echo $!; exec sleep 60";
  const parent = spawn("/bin/sh", ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => {
    parent.kill("SIGKILL");
  });
  const [printed] = (await once(parent.stdout, "data")) as [Buffer];
  const child = { host: hostname(), pid: Number(printed.toString()), processStartedAt: Date.now() };
  await until(async () => (await readFile(`/proc/${parent.pid}/comm`, "utf8")).trim() === "sleep");
  expect(isProcessGone(child)).toBe(false);
  parent.stdin.end();
  await until(async () => isProcessGone(child));
  expect(() => process.kill(child.pid, 0)).not.toThrow();
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 10));
}
