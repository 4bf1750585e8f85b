/** Errors for calls and futures that are used where they cannot be. */
import { RepriseError } from "@reprise/core";
import type { Call } from "./call.ts";
import type { Body } from "./context.ts";

/** Something was called by a body that is over. */
export function lateCall(body: Body, what: string): Error {
  if (body.call.state !== "RAN" && body.call.state !== "RESOLVED") return body.stopReason();
  return new RepriseError(
    "FUTURE_MISUSE",
    `${what} after the body of ${body.call.place} had ended. Await all asynchronous work before you return from a body.`,
  );
}

/** Futures in arguments must come from the same body; a root can have none. */
export function checkFuture(call: Call, future: Call): void {
  if (call.maker === undefined) throw futureAtRoot(call, future);
  if (future.maker !== call.maker) throw foreignFuture(future, call);
}

/** A future of another body. */
export function foreignFuture(future: Call, user: Call): RepriseError {
  return new RepriseError(
    "FUTURE_MISUSE",
    `${user.place} uses the future of func "${future.definition.id}", which was made in another body. Pass it to this func as an argument: arguments have their values when the body begins.`,
  );
}

function futureAtRoot(root: Call, future: Call): RepriseError {
  return new RepriseError(
    "FUTURE_MISUSE",
    `func "${root.definition.id}" was called outside a body with the future of func "${future.definition.id}". All arguments of a root must be plain values: put both calls into the body of one func and run that.`,
  );
}
