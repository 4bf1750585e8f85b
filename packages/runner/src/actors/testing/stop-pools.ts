import { listPools, stopPools } from "../supervisor-control.ts";

/** Ends all replicas of a home; its supervisor ends by itself after that. */
export async function stopAllPools(home: string): Promise<void> {
  const pools = await listPools(home);
  await stopPools(
    home,
    pools.map(({ id }) => id),
    { now: true },
  );
}
