export type { Host } from "./host.ts";
export { main } from "./main.ts";

/** Runs the driver process; loaded late, so that the commands do not load the runner. */
export async function driverMain(): Promise<void> {
  const { drive } = await import("./driver/drive.ts");
  drive();
}
