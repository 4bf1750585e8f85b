import * as crypto from "node:crypto";
import * as fs from "node:fs";
import { availableParallelism } from "node:os";
import type { Worker } from "node:worker_threads";
import { fileFailure } from "./file-failure.ts";
import { carryOut, type FileTask, type TaskAnswer, type TaskResult } from "./file-tasks.ts";
import { makeLister } from "./list-task.ts";
import { makeReader } from "./read-task.ts";
import { makeWriter } from "./write-task.ts";

/**
 * The program of the threads. It is made of the text of functions, so that no bundler has to find and ship a file of its
 * own. Those functions may use nothing but their parameters and what every JavaScript has, and what is inside them may
 * have no name of its own (methods are fine): bundlers that keep names would call a helper that is not there.
 */
const program = `
const { parentPort } = require("node:worker_threads");
const fs = require("node:fs");
const crypto = require("node:crypto");
const carryOut = ${carryOut.toString()};
const work = { ...(${makeLister.toString()})(fs), ...(${makeReader.toString()})(fs, crypto), ...(${makeWriter.toString()})(fs, crypto) };
parentPort.on("message", ({ number, task }) => {
  const answer = carryOut(work, task);
  const moved = answer.value?.content === undefined ? [] : [answer.value.content.buffer];
  parentPort.postMessage({ number, answer }, moved);
});
`;

/** How many threads there are at most. */
export const workerLimit: number = Math.min(4, availableParallelism());

const idleAfter = 10_000;

interface Order {
  readonly resolve: (answer: TaskAnswer<FileTask>) => void;
  readonly reject: (reason: unknown) => void;
}

interface Member {
  readonly worker: Worker;
  readonly orders: Map<number, Order>;
}

const members: Member[] = [];
let numbers = 0;
let idle: NodeJS.Timeout | undefined;

const workHere = { ...makeLister(fs), ...makeReader(fs, crypto), ...makeWriter(fs, crypto) };

/**
 * Carries out a task in a worker thread. Threads start when they are first needed, are shared by everything in the
 * process, do not keep it alive while they have nothing to do, and end after ten seconds of that.
 *
 * @param transfer memory of the task that may be handed over instead of copied.
 * @throws RepriseError as {@link fileFailure} makes it.
 */
export async function runFileTask<T extends FileTask>(task: T, transfer: ArrayBuffer[] = []): Promise<TaskResult<T>> {
  const answer = await new Promise<TaskAnswer<FileTask>>((resolve, reject) => {
    const member = leastBusy();
    numbers += 1;
    member.orders.set(numbers, { resolve, reject });
    member.worker.ref();
    clearTimeout(idle);
    member.worker.postMessage({ number: numbers, task }, transfer);
  });
  return valueOf(answer as TaskAnswer<T>);
}

/** Carries out a small task at once, on this thread: for a few files, starting a thread takes longer. */
export function runFileTaskHere<T extends FileTask>(task: T): TaskResult<T> {
  return valueOf(carryOut(workHere, task));
}

function valueOf<T extends FileTask>(answer: TaskAnswer<T>): TaskResult<T> {
  if ("failure" in answer) throw fileFailure(answer.failure);
  return answer.value;
}

function leastBusy(): Member {
  const free = members.find((member) => member.orders.size === 0);
  if (free !== undefined) return free;
  if (members.length < workerLimit) return start();
  return members.reduce((best, member) => (member.orders.size < best.orders.size ? member : best));
}

function start(): Member {
  // No loader and no flag of the process is any use to this program; all of them cost start-up time.
  const worker = new (process.getBuiltinModule("node:worker_threads").Worker)(program, {
    eval: true,
    execArgv: [],
    name: "reprise files",
  });
  const member: Member = { worker, orders: new Map() };
  members.push(member);
  worker.on("message", ({ number, answer }: { number: number; answer: TaskAnswer<FileTask> }) => {
    member.orders.get(number)?.resolve(answer);
    member.orders.delete(number);
    if (member.orders.size === 0) worker.unref();
    if (members.every(({ orders }) => orders.size === 0)) idle = setTimeout(stopAll, idleAfter).unref();
  });
  worker.on("error", (error) => drop(member, error));
  worker.on("exit", () => drop(member, new Error("the thread that reads files ended")));
  return member;
}

function drop(member: Member, reason: unknown): void {
  const index = members.indexOf(member);
  if (index !== -1) members.splice(index, 1);
  for (const order of member.orders.values()) order.reject(reason);
  member.orders.clear();
}

function stopAll(): void {
  for (const { worker } of members.splice(0)) void worker.terminate();
}
