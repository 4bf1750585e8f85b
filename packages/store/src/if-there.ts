/** What the promise gives, or undefined if the file is not there (or, for a new name, is there already). */
export async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === "ENOENT" || code === "EEXIST" || code === "ENOTDIR" || code === "ENOTEMPTY") return undefined;
    throw error;
  }
}

/** Whether the promise is kept; false if the file is not there, or is there already. */
export async function succeeds(work: Promise<unknown>): Promise<boolean> {
  return (await ifThere(work.then(() => true))) === true;
}
