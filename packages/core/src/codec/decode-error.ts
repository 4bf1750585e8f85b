import type { Decoder } from "./decoder.ts";
import { errorParts } from "./encode-error.ts";
import { errorClasses, errorPart } from "./format.ts";

export function readError(decoder: Decoder): Error {
  const type = errorClasses[decoder.byte()];
  if (type === undefined) return decoder.fail("an unknown class of errors");
  const flags = decoder.byte();
  if (flags > (errorPart.message | errorPart.name | errorPart.cause | errorPart.errors)) {
    decoder.fail("unknown parts of an error");
  }
  const error = type === AggregateError ? new AggregateError([]) : new (type as ErrorConstructor)();
  if (type === AggregateError) delete (error as { errors?: unknown }).errors;
  for (const part of errorParts) {
    if ((flags & errorPart[part]) !== 0) define(error, part, decoder.value());
  }
  const data = decoder.properties<Record<string, unknown>>({});
  for (const key of Object.keys(data)) {
    if (Object.hasOwn(error, key)) decoder.fail(`an error with ${JSON.stringify(key)} among its data`);
    Object.defineProperty(error, key, { value: data[key], configurable: true, writable: true, enumerable: true });
  }
  // The stack that the constructor took is that of the decoder, and would only mislead.
  define(error, "stack", headline(error));
  return error;
}

function define(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, configurable: true, writable: true, enumerable: false });
}

function headline(error: { readonly name?: unknown; readonly message?: unknown }): string {
  const name = typeof error.name === "string" ? error.name : "Error";
  return typeof error.message === "string" && error.message !== "" ? `${name}: ${error.message}` : name;
}
