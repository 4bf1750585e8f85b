import type { KeyIngredient } from "@reprise/core";

/** One thing that differs between a run and an earlier one. */
export interface Difference {
  /** `code` and `package` are what a version that is a digest is made of; `output` is not part of keys. */
  readonly ingredient: KeyIngredient | "code" | "package" | "output";
  /** Of the argument with the path inside it, of the piece of code, of the package; empty where there is only one. */
  readonly name: string;
  /** All of it in one line. */
  readonly text: string;
  /** As text; null where there was nothing, or where it is not known. */
  readonly before: string | null;
  readonly after: string | null;
  /** Lines of a unified diff; empty unless sources are known. */
  readonly diff: readonly string[];
}
