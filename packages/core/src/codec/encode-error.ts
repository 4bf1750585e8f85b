import { writeProperties } from "./encode-object.ts";
import type { Encoder } from "./encoder.ts";
import { errorPart, tag } from "./format.ts";
import { refusedAt } from "./refusal.ts";

/** Parts that the constructor of an error makes, which are not enumerable, in the order of the format. */
export const errorParts = ["message", "name", "cause", "errors"] as const;

/** Writes class, message, name, cause and own data of an error of a built-in class. The stack is not part of it. */
export function writeError(encoder: Encoder, error: Error, kind: number): void {
  const present = errorParts.filter((part) => {
    const descriptor = Object.getOwnPropertyDescriptor(error, part);
    return descriptor !== undefined && descriptor.enumerable !== true;
  });
  encoder.head(tag.error, kind);
  encoder.byte(present.reduce((flags, part) => flags | errorPart[part], 0));
  for (const part of present) {
    try {
      encoder.value(error[part as keyof Error]);
    } catch (thrown) {
      throw refusedAt(thrown, `.${part}`);
    }
  }
  const keys = Object.keys(error).filter((key) => key !== "stack");
  encoder.varint(keys.length);
  if (keys.length > 0) writeProperties(encoder, error, keys);
}
