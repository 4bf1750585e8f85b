import { type Failure, fromFailure, RepriseError } from "@reprise/core";

/** The driver's error again, so that it is told as any other error of a command. */
export function refusal(failure: Failure): Error {
  const error = fromFailure(failure);
  if (!failure.classes.includes("RepriseError") || failure.code === undefined) return error;
  const code = failure.code as ConstructorParameters<typeof RepriseError>[0];
  return new RepriseError(code, failure.message, error.cause === undefined ? {} : { cause: error.cause });
}
