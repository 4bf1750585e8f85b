import { inspect } from "node:util";
import type { Paint } from "../terminal/paint.ts";
import { fitText, padText, textWidth } from "../terminal/text-width.ts";

/** A table for the eyes. */
export interface Table {
  readonly columns: readonly TableColumn[];
  readonly rows: readonly (readonly string[])[];
}

/** Head and alignment of a column. */
export interface TableColumn {
  readonly title: string;
  readonly align: "left" | "right";
}

/** Aligned lines: a dim head, then the rows. Cells are cut to `maxCell` columns, lines to `width`. */
export function tableLines(table: Table, width: number, paint: Paint, maxCell = 60): string[] {
  const rows = table.rows.map((row) => row.map((cell) => fitText(cell.replace(/\s*\n\s*/g, " "), maxCell)));
  const widths = table.columns.map((column, index) =>
    rows.reduce((widest, row) => Math.max(widest, textWidth(row[index] ?? "")), textWidth(column.title)),
  );
  const line = (cells: readonly string[]) =>
    fitText(
      cells
        .map((cell, index) => padCell(cell, table.columns[index], widths[index] ?? 0))
        .join("  ")
        .trimEnd(),
      width,
    );
  return [paint("dim", line(table.columns.map((column) => column.title))), ...rows.map(line)];
}

/** The table of flat records (objects whose fields are all simple), or undefined if they are none. */
export function tableOf(records: readonly unknown[], maxRows: number): Table | undefined {
  const shown = records.slice(0, maxRows);
  if (shown.length === 0 || !shown.every(isFlatRecord)) return undefined;
  const keys = textsFirst([...new Set(shown.flatMap((record) => Object.keys(record)))], shown);
  if (keys.length === 0 || keys.length > 16) return undefined;
  const columns = keys.map((title) => {
    const cells = shown.map((record) => record[title]).filter((cell) => cell !== undefined && cell !== null);
    const numeric = cells.length > 0 && cells.every((cell) => typeof cell === "number" || typeof cell === "bigint");
    return { title, align: numeric ? ("right" as const) : ("left" as const) };
  });
  const decimals = keys.map((key) => columnDecimals(shown.map((record) => record[key])));
  const rows = shown.map((record) => keys.map((key, index) => cellText(record[key], decimals[index] ?? 0)));
  return { columns, rows };
}

/** Stored records come back with sorted keys; what a row is about is most often a text. */
function textsFirst(keys: readonly string[], records: readonly Record<string, unknown>[]): string[] {
  const isText = (key: string) => records.some((record) => typeof record[key] === "string");
  return [...keys.filter(isText), ...keys.filter((key) => !isText(key))];
}

function isFlatRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const proto: unknown = Object.getPrototypeOf(value);
  if (proto !== Object.prototype && proto !== null) return false;
  return Object.values(value).every((field) => typeof field !== "object" || field === null || field instanceof Date);
}

/** Digits behind the point that a column of numbers needs for four significant ones, at most six. */
function columnDecimals(cells: readonly unknown[]): number {
  let decimals = 0;
  for (const cell of cells) {
    if (typeof cell !== "number" || !Number.isFinite(cell) || Number.isInteger(cell)) continue;
    const size = Math.floor(Math.log10(Math.abs(cell)));
    const needed = Math.min(6, Math.max(0, 3 - size));
    const text = cell.toFixed(needed).replace(/0+$/, "");
    decimals = Math.max(decimals, text.length - text.indexOf(".") - 1);
  }
  return decimals;
}

function cellText(cell: unknown, decimals: number): string {
  if (cell === undefined || cell === null) return cell === null ? "null" : "";
  if (typeof cell === "number") return Number.isFinite(cell) ? cell.toFixed(decimals) : String(cell);
  if (cell instanceof Date) return Number.isNaN(cell.getTime()) ? "invalid date" : cell.toISOString();
  if (typeof cell === "bigint") return `${cell}n`;
  return typeof cell === "string" ? cell : inspect(cell);
}

function padCell(cell: string, column: TableColumn | undefined, width: number): string {
  return padText(cell, width, column?.align === "right" ? "left" : "right");
}
