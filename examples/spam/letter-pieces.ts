/** How many letters make a piece. */
const pieceLength = 4;

/**
 * How many columns pieces have. There are more pieces than columns, so a few share one ("feature hashing"); that costs
 * little and needs no list of pieces.
 */
export const pieceColumns = 2 ** 16;

/**
 * Calls `each` with the column of every piece of four letters, in order. Pieces see through disguises that words do not:
 * `v1agra` and `via-gra` share pieces with other disguises.
 */
export function forEachPiece(letters: string, each: (column: number) => void): void {
  for (let start = 0; start + pieceLength <= letters.length; start++) {
    let hash = 0x811c9dc5;
    for (let at = start; at < start + pieceLength; at++) hash = Math.imul(hash ^ letters.charCodeAt(at), 0x01000193);
    // The low bits of this hash are not mixed enough on their own.
    each((hash ^ (hash >>> 16)) & (pieceColumns - 1));
  }
}
