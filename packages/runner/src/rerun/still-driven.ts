import { hostname } from "node:os";
import { RepriseError } from "@reprise/core";
import type { ProcessIdentity } from "@reprise/store";

/** Why a pipeline run can be neither re-run nor resumed that a living process drives. */
export function stillDriven(
  code: "RERUN_REFUSED" | "DRIVER_ALIVE",
  id: string,
  { host, pid }: ProcessIdentity,
): RepriseError {
  const where = host === hostname() ? "" : ` on ${host}`;
  return new RepriseError(
    code,
    `Pipeline run ${id} is still running, driven by process ${pid}${where}. Wait for its end, or cancel it where it was started. If it hangs, kill that process (kill -9 ${pid}): then it can be resumed.`,
  );
}
