/** Why there is no key. */
export interface Problem {
  /** Names ingredient, func, reason and remedy. */
  readonly problem: string;
}

/** Whether something could not be had. */
export function isProblem<T>(found: T | Problem): found is Problem {
  return typeof found === "object" && found !== null && "problem" in found;
}

/** Does something and makes a problem of what is thrown; never throws or rejects. */
export function attempt<T>(
  work: () => T | Promise<T>,
  tell: (why: string) => string,
): T | Problem | Promise<T | Problem> {
  const failed = (error: unknown): Problem => ({ problem: tell(messageOf(error)) });
  try {
    const result = work();
    return result instanceof Promise ? result.catch(failed) : result;
  } catch (error) {
    return failed(error);
  }
}

/** What was thrown, in words that can stand within a sentence. */
export function messageOf(error: unknown): string {
  try {
    return (error instanceof Error ? error.message : String(error)).replace(/\.$/, "");
  } catch {
    return typeof error;
  }
}
