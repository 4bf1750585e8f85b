/** A cell: numbers are set to the right, texts to the left. */
export type Cell = string | number;

/** Lines of a table whose columns stand below each other. */
export function textTable(head: readonly string[], rows: readonly (readonly Cell[])[]): string[] {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => String(row[column] ?? "").length)),
  );
  const toRight = head.map((_, column) => typeof rows[0]?.[column] === "number");
  const line = (cells: readonly Cell[]) =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return toRight[column] ? String(cell).padStart(width) : String(cell).padEnd(width);
      })
      .join("  ")
      .trimEnd();
  return [head, ...rows].map(line);
}
