import type { Growth, Measure } from "./benchmark.ts";

const columns = [
  { title: "what", width: -34 },
  { title: "size", width: 14 },
  { title: "limit", width: 9 },
  { title: "ours", width: 9 },
  { title: "", width: -8 },
  { title: "ratio", width: 8 },
  { title: "best", width: 8 },
  { title: "cpu", width: 17 },
  { title: "spread", width: 7 },
  { title: "others", width: 7 },
  { title: "target", width: -40 },
] as const;

function row(cells: readonly string[]): string {
  const padded = columns.map(({ width }, at) => {
    const cell = cells[at] ?? "";
    return width < 0 ? cell.padEnd(-width) : cell.padStart(width);
  });
  return padded.join(" ").trimEnd();
}

/** Three significant digits. */
function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 1000) return Number(value.toPrecision(3)).toLocaleString("en");
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return value.toFixed(size >= 1 ? 2 : 3);
}

function times(ratio: number | undefined): string {
  return ratio === undefined ? "–" : `${digits(ratio)}×`;
}

/** The titles of the columns. */
export function heading(): string {
  return row(columns.map(({ title }) => title));
}

/** A measurement as a line of the table. */
export function measureLine(measure: Measure): string {
  const { what, size, against, limit, ours, unit, bestRatio, processor, processorRatio, spread, others, verdict } =
    measure;
  const judged =
    verdict === undefined
      ? ""
      : `${verdict.met ? "met" : "MISSED"}: ${digits(verdict.value)} ${verdict.unit}, target ${verdict.target}`;
  return row([
    what,
    size.replace(/\d{4,}/, (number) => Number(number).toLocaleString("en")),
    limit === undefined ? "–" : digits(limit),
    digits(ours),
    unit,
    times(limit === undefined ? undefined : ours / limit),
    times(bestRatio),
    processor === undefined ? "–" : `${digits(processor)} (${times(processorRatio)})`,
    spread === undefined ? "–" : `${(spread * 100).toFixed(0)} %`,
    others === undefined ? "–" : others.toFixed(2),
    [against === undefined ? "" : `vs ${against}`, judged].filter((text) => text !== "").join("; "),
  ]);
}

/** A growth exponent as a line of the table. */
export function growthLine({ what, sizes, limit, ours }: Growth): string {
  const beside = limit === undefined ? "" : ` (limit ${limit.toFixed(2)})`;
  return `  growth of ${what}, ${sizes}: exponent ${ours.toFixed(2)}${beside}`;
}
