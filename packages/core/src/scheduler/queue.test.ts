import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Deadlines } from "./deadlines.ts";
import { Queue } from "./queue.ts";

describe("Queue", () => {
  it("gives things back in the order they came, however pushes and takes are mixed", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 5_000, size: "max" }), (pushes) => {
        const queue = new Queue<number>();
        const model: number[] = [];
        const taken: (number | undefined)[] = [];
        const expected: (number | undefined)[] = [];
        for (const [at, push] of pushes.entries()) {
          if (push) {
            queue.push(at);
            model.push(at);
          } else {
            taken.push(queue.take());
            expected.push(model.shift());
          }
        }
        expect(queue.size).toBe(model.length);
        while (queue.size > 0) taken.push(queue.take());
        expect(taken).toEqual([...expected, ...model]);
        expect(queue.take()).toBeUndefined();
      }),
      { numRuns: 30 },
    );
  });
});

describe("Deadlines", () => {
  it("gives back what is due, earliest first, and nothing else", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100)), fc.nat(100), (times, now) => {
        const deadlines = new Deadlines<number>(() => true);
        for (const time of times) deadlines.add(time, time);
        expect(deadlines.next).toBe(times.length === 0 ? undefined : Math.min(...times));
        const due: number[] = [];
        for (let item = deadlines.take(now); item !== undefined; item = deadlines.take(now)) due.push(item);
        expect(due).toEqual(times.filter((time) => time <= now).toSorted((a, b) => a - b));
        const later = times.filter((time) => time > now);
        expect(deadlines.next).toBe(later.length === 0 ? undefined : Math.min(...later));
      }),
    );
  });

  it("drops what counts no more, and nothing that does", () => {
    const over = new Set<number>();
    const deadlines = new Deadlines<number>((item) => !over.has(item));
    const kept: number[] = [];
    let most = 0;
    for (let item = 0; item < 20_000; item += 1) {
      const time = (item * 7_919) % 20_011;
      deadlines.add(time, item);
      if (item % 100 === 0) kept.push(item);
      else over.add(item);
      most = Math.max(most, deadlines.size);
    }
    expect(most).toBeLessThan(1_000);
    const taken: number[] = [];
    for (let item = deadlines.take(20_011); item !== undefined; item = deadlines.take(20_011)) {
      if (!over.has(item)) taken.push(item);
    }
    expect(taken).toEqual(kept.toSorted((a, b) => ((a * 7_919) % 20_011) - ((b * 7_919) % 20_011)));
  });
});
