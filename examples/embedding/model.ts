/**
 * Embeddings by random indexing (Kanerva, 2000): every token has a fixed sparse random vector; what a token means is the
 * sum of the vectors of its neighbours in the texts that the model has learned from. Tokens in like company have vectors
 * that point the same way. No match for a network of a hundred million weights, but learned in a second.
 */
import type { Tokenizer } from "./tokenizer.ts";

/** Length of a vector. */
export const dimensions = 256;
/** How many numbers of a random vector are not 0. */
const nonzero = 8;
/** How many tokens to each side are neighbours. */
const reach = 4;
/** How much a token's own random vector counts beside its neighbours': it finds texts by exact words. */
const ownShare = 0.6;

/** Turns texts into unit vectors of {@link dimensions} numbers: the more alike two texts, the larger their product. */
export interface EmbeddingModel {
  embed(text: string): Float32Array;
}

/** The numbers of a model. */
interface Weights {
  /** Row of each token that the texts had. */
  readonly rows: ReadonlyMap<number, number>;
  /** How much each token tells: rare ones tell more. */
  readonly importance: Float32Array;
  /** A vector for each token, one after the other. */
  readonly vectors: Float32Array;
}

/** Learns from texts. The same texts give the same bytes. */
export function learnModel(texts: readonly string[], tokenizer: Tokenizer): Uint8Array {
  const documents = texts.map((text) => tokenizer.tokens(text));
  const tokens = [...new Set(documents.flat())].toSorted((a, b) => a - b);
  const rows = new Map(tokens.map((token, row) => [token, row]));
  const importance = importanceOf(tokens, documents);
  const vectors = new Float32Array(tokens.length * dimensions);
  for (const document of documents) {
    for (const [at, token] of document.entries()) {
      const row = rows.get(token) as number;
      for (let other = Math.max(0, at - reach); other <= Math.min(document.length - 1, at + reach); other += 1) {
        if (other === at) continue;
        const neighbour = document[other] as number;
        addRandom(vectors, row, neighbour, importance[rows.get(neighbour) as number] as number);
      }
    }
  }
  for (const [token, row] of rows) {
    const start = row * dimensions;
    vectors.set(normalise(vectorOf(vectors, row)), start);
    addRandom(vectors, row, token, ownShare);
    vectors.set(normalise(vectorOf(vectors, row)), start);
  }
  return pack(tokens, importance, vectors);
}

/** How much each token tells: nothing where every text has it. */
function importanceOf(tokens: readonly number[], documents: readonly (readonly number[])[]): Float32Array {
  const seen = new Map<number, number>();
  for (const document of documents) {
    for (const token of new Set(document)) seen.set(token, (seen.get(token) ?? 0) + 1);
  }
  return Float32Array.from(tokens, (token) => Math.log(documents.length / (seen.get(token) ?? 1)) ** 2);
}

/** Opens what {@link learnModel} has given. */
export function openModel(bytes: Uint8Array, tokenizer: Tokenizer): EmbeddingModel {
  const { rows, importance, vectors } = unpack(bytes);
  return {
    embed: (text) => {
      const sum = new Float32Array(dimensions);
      for (const token of tokenizer.tokens(text)) {
        const row = rows.get(token);
        if (row === undefined) continue;
        add(sum, vectorOf(vectors, row), importance[row] as number);
      }
      return normalise(sum);
    },
  };
}

function add(sum: Float32Array, vector: Float32Array, weight: number): void {
  for (const [at, value] of vector.entries()) sum[at] = (sum[at] as number) + weight * value;
}

function vectorOf(vectors: Float32Array, row: number): Float32Array {
  return vectors.subarray(row * dimensions, (row + 1) * dimensions);
}

/** Adds the random vector of a token, as drawn from the token alone, to a row. */
function addRandom(vectors: Float32Array, row: number, token: number, weight: number): void {
  let state = (token + 1) * 0x9e3779b1;
  for (let drawn = 0; drawn < nonzero; drawn += 1) {
    // One step of xorshift with a multiplication: enough to spread neighbouring numbers.
    state ^= state >>> 16;
    state = Math.imul(state, 0x85ebca6b);
    state ^= state >>> 13;
    const sign = (state & 1) === 0 ? 1 : -1;
    const at = row * dimensions + ((state >>> 8) % dimensions);
    vectors[at] = (vectors[at] as number) + sign * weight;
    state = (state + 0x9e3779b9) | 0;
  }
}

function normalise(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value ** 2, 0));
  return length === 0 ? vector : vector.map((value) => value / length);
}

function pack(tokens: readonly number[], importance: Float32Array, vectors: Float32Array): Uint8Array {
  const numbers = new Uint8Array(4 + 4 * tokens.length + importance.byteLength + vectors.byteLength);
  const view = new Uint32Array(numbers.buffer, 0, 1 + tokens.length);
  view.set([tokens.length, ...tokens]);
  numbers.set(new Uint8Array(importance.buffer), view.byteLength);
  numbers.set(new Uint8Array(vectors.buffer), view.byteLength + importance.byteLength);
  return numbers;
}

function unpack(bytes: Uint8Array): Weights {
  const { buffer } = Uint8Array.from(bytes);
  const count = new Uint32Array(buffer, 0, 1)[0] as number;
  const tokens = new Uint32Array(buffer, 4, count);
  return {
    rows: new Map([...tokens].map((token, row) => [token, row])),
    importance: new Float32Array(buffer, 4 + 4 * count, count),
    vectors: new Float32Array(buffer, 4 + 8 * count, count * dimensions),
  };
}
