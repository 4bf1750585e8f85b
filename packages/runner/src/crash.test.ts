import { setTimeout as pause } from "node:timers/promises";
import { isFinished } from "@reprise/core";
import { expect, test } from "vitest";
import { Child } from "./testing/child.ts";
import { homeOf, temporaryFolder } from "./testing/temporary-home.ts";
import { verifyHome } from "./testing/verify-home.ts";

const kills = 25;
/** Every second kill is within so many ms after the first value was seen, when results get to the disk … */
const longest = 800;
/** … and the others are within so many ms after the beginning. */
const earliest = 160;

// A failure names its seed: REPRISE_TEST_SEED=… repeats the moments, as far as time can be repeated.
const seed = Number(process.env["REPRISE_TEST_SEED"] ?? Math.floor(Math.random() * 1_000_000));

test.for(["ordered", "step"])(
  `a process killed at ${kills} moments leaves a store that is whole: %s (seed ${seed})`,
  { timeout: 120_000 },
  async (durability) => {
    const random = randomFrom(seed);
    const folder = temporaryFolder();
    let resolved = 0;
    let announced = 0;
    let unfinished = 0;
    for (let kill = 0; kill < kills; kill += 1) {
      // Each home sees several crashes: what a crash leaves must not disturb who comes next.
      const path = `${folder}/${Math.floor(kill / 3)}`;
      const child = new Child("chaos-pipeline.ts", [path, durability, String(kill)]);
      await child.says("begins");
      if (kill % 2 === 0) await child.hasSaid(2);
      await pause(random() * (kill % 2 === 0 ? longest : earliest));
      child.kill("SIGKILL");
      const { signal, stderr } = await child.ended;
      expect({ signal, stderr }).toEqual({ signal: "SIGKILL", stderr: "" });
      const seen = child.lines.filter((line) => line.startsWith("saw ")).map((line) => line.slice(4));
      await using home = await homeOf(path);
      const found = await verifyHome(home);
      resolved += found.resolved;
      unfinished += [...found.runs.values()].filter(({ state }) => !isFinished(state)).length;
      announced += seen.length;
      const lost = durability === "step" ? seen.filter((id) => found.runs.get(id)?.state !== "RESOLVED") : [];
      expect(lost).toEqual([]);
    }
    // The kills have to hit the middle of things, or they would prove nothing.
    // On a slow disk little gets there before, as nothing waits for it.
    expect(resolved).toBeGreaterThan(kills / 5);
    expect(unfinished).toBeGreaterThan(kills);
    expect(announced).toBeGreaterThan(kills);
  },
);

/** Numbers from 0 up to 1 that are the same for the same seed. */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
