import type { PathStep } from "./future-types.ts";

const identifier = /^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u;

/** A path as people write it: `.model`, `[0].name`, `["odd key"]`. */
export function formatPath(path: readonly PathStep[]): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += identifier.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
  }
  return text;
}

// A name, an index, or a text in brackets with its escapes.
const stepPattern = /\.([^.[\]"]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/gy;

/** The path that {@link formatPath} wrote. */
export function parsePath(text: string): readonly PathStep[] {
  if (text === "") return [];
  return Array.from(text.matchAll(stepPattern), ([, name, index, quoted]) => {
    if (name !== undefined) return name;
    return index === undefined ? (JSON.parse(quoted as string) as string) : Number(index);
  });
}
