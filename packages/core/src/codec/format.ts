/**
 * The binary form of a value.
 *
 * A document is a version byte, a byte of flags and one node. A node is a tag followed by its content; everything of
 * variable length has its length or count in front, so no two different sequences of nodes spell the same bytes.
 * Lengths and counts are little-endian base-128 ("varint") without superfluous bytes; all other numbers are
 * little-endian.
 *
 * | tag | content |
 * |---|---|
 * | `null` `undefined` `false` `true` | |
 * | `0x80 + n` | the integer n, 0–127 |
 * | `integer`, `negative` | varint of n, of −1 − n; both within ±2⁵³ |
 * | `float` | 8 bytes; any number that is not such an integer, −0 among them; one NaN |
 * | `bigint`, `negativeBigint` | byte count, magnitude, most significant byte first, no leading zero |
 * | `0x40 + n` | a string of n bytes of UTF-8, 0–63 |
 * | `string` | byte count, UTF-8 |
 * | `utf16` | byte count, UTF-16; only for strings with a lone surrogate |
 * | `array` | count, nodes |
 * | `numbers` | count, 8 bytes each: an array of one or more numbers and nothing else |
 * | `sparse` | length, count of runs, and for each run: holes in front of it, count, nodes |
 * | `object`, `bare` | count, (string node, node)… sorted by UTF-16 units; `bare` has no prototype |
 * | `map`, `set` | count, (key node, value node)… or nodes, sorted by their bytes |
 * | `date` | 8 bytes: milliseconds since 1970, or NaN |
 * | `regexp` | string nodes: source, flags |
 * | `url` | string node: href |
 * | `error` | class, flags of the parts that follow, the parts, count, (string node, node)… as in `object` |
 * | `binary` | kind, byte count, bytes; fewer than {@link BLOB_THRESHOLD} |
 * | `blob` | kind, 32 bytes of digest, byte count; the bytes are stored apart |
 * | `reference` | 32 bytes of digest, byte count: a `BlobRef` that stays one |
 * | `registered` | string node: name of the type; node: what its codec made of the value |
 * | `keyed` | the same in keys: name of the class; node: what `[cacheKey]()` gave |
 */

/** First byte of every document. A change of the encoding changes it, so that keys miss and never hit wrongly. */
export const FORMAT_VERSION = 1;

/** Byte content from this length on (64 KiB) is split out of the document and stored as a blob of its own. */
export const BLOB_THRESHOLD: number = 64 * 1024;

/** Containers within containers; more are refused. */
export const MAX_DEPTH = 1_000;

/** Bytes in a document (1 GiB), blobs not counted. */
export const MAX_DOCUMENT_SIZE: number = 1024 ** 3;

export const tag = {
  null: 0x00,
  undefined: 0x01,
  false: 0x02,
  true: 0x03,
  integer: 0x04,
  negative: 0x05,
  float: 0x06,
  bigint: 0x07,
  negativeBigint: 0x08,
  string: 0x09,
  utf16: 0x0a,
  array: 0x0b,
  numbers: 0x0c,
  sparse: 0x0d,
  object: 0x0e,
  bare: 0x0f,
  map: 0x10,
  set: 0x11,
  date: 0x12,
  regexp: 0x13,
  url: 0x14,
  error: 0x15,
  binary: 0x16,
  blob: 0x17,
  reference: 0x18,
  registered: 0x19,
  keyed: 0x1a,
  shortString: 0x40,
  smallInteger: 0x80,
} as const;

/** Longest string whose length fits into its tag, in bytes. */
export const MAX_SHORT_STRING = 63;

/** Second byte of a document: whether its blobs need looking for. */
export const headerFlag = { blobs: 1, references: 2 } as const;

/** Parts of an error that are present, in this order. */
export const errorPart = { message: 1, name: 2, cause: 4, errors: 8 } as const;

/** Classes of errors by their number in the format. Append only. */
export const errorClasses = [
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  AggregateError,
] as const;
