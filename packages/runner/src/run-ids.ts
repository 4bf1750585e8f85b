import { randomFillSync } from "node:crypto";
import { writeRunId } from "@reprise/core";

const pool = new Uint8Array(8 * 512);
let used = pool.length;
let lastTime = 0;
let sequence = 0;

/** A new run id: UUIDv7, later ids of this process sort behind earlier ones. */
export function newRunId(): Uint8Array {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const now = Date.now();
  if (now > lastTime) {
    lastTime = now;
    sequence = 0;
  } else {
    sequence += 1;
    // More than 4096 ids in a millisecond borrow from the next one, so that the order stays.
    if (sequence === 4_096) {
      lastTime += 1;
      sequence = 0;
    }
  }
  const id = new Uint8Array(16);
  writeRunId(id, lastTime, sequence, pool, used);
  used += 8;
  return id;
}
