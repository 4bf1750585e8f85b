import { cacheKeyMethod } from "./cache-key.ts";
import type { Encoder } from "./encoder.ts";
import { tag } from "./format.ts";
import { classNameOf } from "./native-class.ts";
import { Refusal, refusalOf, refusedAt } from "./refusal.ts";
import type { RegisteredType } from "./type-registry.ts";

/** Writes an instance of a registered type; false if it is none. */
export function writeRegistered(encoder: Encoder, value: object, prototype: object | null): boolean {
  const type = typeOf(encoder, value, prototype);
  if (encoder.forKey) {
    const method = cacheKeyMethod(value);
    if (method !== undefined) {
      if (type === undefined) throw unnamed(value);
      const key = call(() => method.call(value), `[cacheKey]() of ${type.name}`);
      writeNamed(encoder, tag.keyed, type.name, key);
      return true;
    }
  }
  if (type === undefined) return false;
  const { name, encode } = type;
  if (encode === undefined) throw withoutCodec(name, encoder.forKey);
  writeNamed(
    encoder,
    tag.registered,
    name,
    call(() => encode.call(type, value), `encode of type ${name}`),
  );
  return true;
}

function typeOf(encoder: Encoder, value: object, prototype: object | null): RegisteredType | undefined {
  return call(() => encoder.registry.find(value, prototype), "finding its type");
}

function writeNamed(encoder: Encoder, tagByte: number, name: string, data: unknown): void {
  encoder.byte(tagByte);
  encoder.string(name);
  try {
    encoder.value(data);
  } catch (error) {
    throw refusedAt(error, `<${name}>`);
  }
}

function call<T>(userCode: () => T, what: string): T {
  try {
    return userCode();
  } catch (error) {
    throw refusalOf(error, `${what} threw`);
  }
}

function unnamed(value: object): Refusal {
  return new Refusal(
    `instance of ${classNameOf(value)} has a [cacheKey]() but no stable name; register it with registerClass(…, { name })`,
  );
}

function withoutCodec(name: string, forKey: boolean): Refusal {
  if (forKey) return new Refusal(`instance of ${name} has no [cacheKey]() and no codec; give its class one of them`);
  return new Refusal(`instance of ${name} has no codec; give registerClass encode and decode to store it`);
}
