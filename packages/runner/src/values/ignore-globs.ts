import type { Ignore } from "ignore";
import { RepriseError } from "@reprise/core";

/** Files that desktops drop into directories; they are left out by default. */
const defaultIgnored: ReadonlySet<string> = new Set([".DS_Store", "Thumbs.db"]);

/** Which paths of a directory are left out. */
export interface IgnoreGlobs {
  /** The globs that take part in the value: those that were given, without repetitions. */
  readonly globs: readonly string[];
  /**
   * Whether something is left out.
   *
   * @param prefix path of its directory from the root, parts joined by `/`, with a `/` at the end unless it is the root.
   */
  ignores(prefix: string, name: string, isDirectory: boolean): boolean;
}

/**
 * Globs as in a `.gitignore`: `*.log` at any depth, `/build` at the root, `cache/` only directories, `!keep.log` takes
 * one back. Upper and lower case differ.
 *
 * Rejects with `INVALID_OPTION` if a glob is not a text or empty.
 */
export async function ignoreGlobs(given: readonly string[], withDefaults: boolean): Promise<IgnoreGlobs> {
  if (!Array.isArray(given) || given.some((glob) => typeof glob !== "string" || glob.trim() === "")) {
    throw new RepriseError("INVALID_OPTION", "DirectoryArtifact: ignore must be a list of globs, none of them empty.");
  }
  // The order counts (a later `!` takes back an earlier match), so only a repetition of the last place is dropped.
  const globs = given.filter((glob, index) => given.indexOf(glob, index + 1) === -1);
  const matcher = globs.length === 0 ? undefined : await matcherOf(globs);
  const ignores = (prefix: string, name: string, isDirectory: boolean): boolean => {
    if (withDefaults && defaultIgnored.has(name)) return true;
    return matcher !== undefined && matcher.ignores(prefix + name + (isDirectory ? "/" : ""));
  };
  return { globs, ignores };
}

/** Loaded only by whoever has globs: importing reprise must stay quick. */
async function matcherOf(globs: readonly string[]): Promise<Ignore> {
  const { default: ignore } = await import("ignore");
  return ignore({ ignorecase: false, allowRelativePaths: true }).add(globs);
}
