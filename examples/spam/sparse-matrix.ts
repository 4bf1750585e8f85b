/** A matrix of mostly zeros, row by row (compressed sparse rows): one row a mail, one column a token. */
export interface SparseMatrix {
  readonly rows: number;
  readonly columns: number;
  /** Where each row starts in `indices` and `values`; one more than there are rows, the last being their length. */
  readonly starts: Uint32Array;
  /** Column of each value, ascending in a row. */
  readonly indices: Uint32Array;
  readonly values: Float32Array;
}

/** The values of one row that are not zero. */
export interface SparseRow {
  /** Ascending. */
  readonly columns: Uint32Array;
  readonly values: Float32Array;
}

/** Puts rows together. */
export function sparseMatrix(rows: readonly SparseRow[], columns: number): SparseMatrix {
  const starts = new Uint32Array(rows.length + 1);
  for (const [index, row] of rows.entries()) starts[index + 1] = (starts[index] ?? 0) + row.columns.length;
  const indices = new Uint32Array(starts[rows.length] ?? 0);
  const values = new Float32Array(indices.length);
  for (const [index, row] of rows.entries()) {
    indices.set(row.columns, starts[index]);
    values.set(row.values, starts[index]);
  }
  return { rows: rows.length, columns, starts, indices, values };
}

/** The matrix of some rows, in the order given. */
export function selectRows({ columns, starts, indices, values }: SparseMatrix, rows: Uint32Array): SparseMatrix {
  const selected = Array.from(rows, (row): SparseRow => {
    const [start, end] = [starts[row], starts[row + 1]];
    return { columns: indices.subarray(start, end), values: values.subarray(start, end) };
  });
  return sparseMatrix(selected, columns);
}

/** Row `row` of the matrix times a vector. */
export function rowDot(matrix: SparseMatrix, row: number, vector: Float64Array): number {
  const { starts, indices, values } = matrix;
  const end = starts[row + 1] ?? 0;
  let sum = 0;
  for (let at = starts[row] ?? 0; at < end; at++)
    sum += (values[at] as number) * (vector[indices[at] as number] as number);
  return sum;
}

/** Adds `factor` times row `row` of the matrix to a vector. */
export function addRow(matrix: SparseMatrix, row: number, factor: number, vector: Float64Array): void {
  const { starts, indices, values } = matrix;
  const end = starts[row + 1] ?? 0;
  for (let at = starts[row] ?? 0; at < end; at++) {
    const column = indices[at] as number;
    vector[column] = (vector[column] as number) + factor * (values[at] as number);
  }
}
