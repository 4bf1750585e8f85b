import type { ByteReader } from "./byte-reader.ts";

export function readBigint(reader: ByteReader, negative: boolean): bigint {
  const size = reader.count(1);
  if (size === 0) return negative ? reader.fail("a negative zero among the bigints") : 0n;
  if (reader.bytes[reader.position] === 0) reader.fail("a bigint with a leading zero");
  const magnitude = BigInt(`0x${reader.bytes.toString("hex", reader.position, reader.position + size)}`);
  reader.position += size;
  return negative ? -magnitude : magnitude;
}

export function readDate(reader: ByteReader): Date {
  const time = reader.float();
  const date = new Date(time);
  if (!Object.is(date.getTime(), time)) reader.fail("a time that no Date can hold");
  return date;
}

export function readRegExp(reader: ByteReader): RegExp {
  const source = reader.string();
  const flags = reader.string();
  const pattern = new RegExp(source, flags);
  if (pattern.source !== source || pattern.flags !== flags) reader.fail("a regular expression in another form");
  return pattern;
}

export function readUrl(reader: ByteReader): URL {
  const href = reader.string();
  const url = new URL(href);
  if (url.href !== href) reader.fail("a URL in another form");
  return url;
}
