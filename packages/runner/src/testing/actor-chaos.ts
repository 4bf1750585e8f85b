/** A pipeline of five hundred runs, inline, in worker processes and on replicas, whose processes are killed meanwhile. */
import { setTimeout as pause } from "node:timers/promises";
import { ActorEnvironment, func } from "../index.ts";

/** One that fails by itself is not retried: attempts that are lost must not count as that. */
const retry = { retries: 0 };

const models = new ActorEnvironment({ name: "chaos models", replicas: { min: 1, max: 2 }, ttl: "30s", concurrency: 4 });
const load = models.cache(async (size: number) => {
  await pause(5);
  return { times: (n: number) => n * size };
});

const predict = models.func({
  id: "chaos predict",
  retry,
  run: async (n: number, size: number) => {
    await pause(2 + (n % 7));
    return (await load(size)).times(n);
  },
});

const half = func({
  id: "chaos half",
  standalone: true,
  retry,
  run: async (n: number) => {
    await pause(n % 5);
    return n / 2;
  },
});

/** Waits for a run on a replica, in a worker process. */
const refine = func({
  id: "chaos refine",
  standalone: true,
  retry,
  run: async (n: number) => {
    const predicted = await predict(n, 3).$value();
    return predicted + n;
  },
});

const sum = func("chaos sum", (values: readonly number[]) => values.reduce((total, value) => total + value, 0));

const items = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

/** 150 + 100 + 2 × 60 + 2 × 150 runs, and the groups and sums. */
export const chaos = func("chaos", () => {
  const halves = half.map(items(150));
  const predicted = predict.map(items(100).map((n) => [n, 2] as const));
  const refined = refine.map(items(60));
  const again = refine.map(halves);
  return { halves: sum(halves), predicted: sum(predicted), refined: sum(refined), again: sum(again) };
});

/** What it must come to. */
export const expected = {
  halves: total(150, (n) => n / 2),
  predicted: total(100, (n) => n * 2),
  refined: total(60, (n) => n * 4),
  again: total(150, (n) => (n / 2) * 4),
};

function total(count: number, of: (n: number) => number): number {
  return items(count).reduce((sum, n) => sum + of(n), 0);
}
