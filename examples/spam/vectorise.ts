import { forEachPiece } from "./letter-pieces.ts";
import type { PreparedMail } from "./mail.ts";
import { sparseMatrix, type SparseMatrix, type SparseRow, selectRows } from "./sparse-matrix.ts";
import { tokensAndPairs, type Vocabulary } from "./vocabulary.ts";

/** Mails as numbers, with what is to be learnt. */
export interface Dataset {
  readonly features: SparseMatrix;
  /** 1 for spam, 0 for good mail, by row. */
  readonly labels: Uint8Array;
}

/**
 * Turns mails into rows: logarithmic counts times the columns' weights (tf–idf). Tokens, marks and pieces of letters are
 * scaled apart, so that a dozen marks count as much as a thousand pieces.
 */
export function vectorise(mails: readonly PreparedMail[], vocabulary: Vocabulary): Dataset {
  const tokens = columnsOf(vocabulary.tokens, 0);
  const marks = columnsOf(vocabulary.marks, tokens.size);
  const ends = [tokens.size, tokens.size + marks.size, vocabulary.weights.length];
  const counts = new Uint16Array(vocabulary.weights.length);
  const rows = mails.map((mail) => {
    const found: number[] = [];
    const count = (column: number | undefined) => {
      if (column === undefined) return;
      if (counts[column] === 0) found.push(column);
      counts[column] = (counts[column] as number) + 1;
    };
    for (const token of tokensAndPairs(mail)) count(tokens.get(token));
    for (const mark of mail.marks.split(" ")) count(marks.get(mark));
    forEachPiece(mail.letters, (piece) => count(tokens.size + marks.size + piece));
    const row = weigh(Uint32Array.from(found).sort(), counts, vocabulary.weights, ends);
    for (const column of found) counts[column] = 0;
    return row;
  });
  return {
    features: sparseMatrix(rows, vocabulary.weights.length),
    labels: Uint8Array.from(mails, (mail) => (mail.spam ? 1 : 0)),
  };
}

/** Some of the mails of a dataset, in the order given. */
export function selectMails({ features, labels }: Dataset, rows: Uint32Array): Dataset {
  return { features: selectRows(features, rows), labels: Uint8Array.from(rows, (row) => labels[row] ?? 0) };
}

function columnsOf(words: string, first: number): Map<string, number> {
  const list = words === "" ? [] : words.split(" ");
  return new Map(list.map((word, index) => [word, first + index]));
}

/** The row of a mail. `ends` says where each kind of column ends; each kind gets the same length, together 1. */
function weigh(columns: Uint32Array, counts: Uint16Array, weights: Float64Array, ends: readonly number[]): SparseRow {
  const values = Float32Array.from(
    columns,
    (column) => (1 + Math.log(counts[column] as number)) * (weights[column] as number),
  );
  let start = 0;
  for (const end of ends) {
    let stop = start;
    let squares = 0;
    while (stop < columns.length && (columns[stop] as number) < end) squares += (values[stop++] as number) ** 2;
    const scale = 1 / Math.sqrt(squares * ends.length);
    for (; start < stop; start++) values[start] = (values[start] as number) * scale;
  }
  return { columns, values };
}
