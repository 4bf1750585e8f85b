import { corners, type RocPoint } from "./roc.ts";

/** A Vega-Lite chart, as plain data: https://vega.github.io/vega-lite/. */
export interface Plot {
  readonly $schema: "https://vega.github.io/schema/vega-lite/v6.json";
  readonly title: string;
  readonly width: number;
  readonly height: number;
  readonly layer: readonly PlotLayer[];
}

/** One mark over its data. */
export interface PlotLayer {
  readonly data: { readonly values: readonly Readonly<Record<string, number>>[] };
  readonly mark: Readonly<Record<string, string | number | boolean>>;
  readonly encoding: Readonly<Record<string, PlotChannel>>;
}

/** What a field of the data becomes: a place on an axis, an order, a hint. */
export interface PlotChannel {
  readonly field: string;
  readonly type: "quantitative";
  readonly title?: string;
  readonly axis?: { readonly format: string };
  readonly scale?: { readonly type: "sqrt" };
}

/** Draws a ROC curve and the point at which the filter works. */
export function rocPlot(
  title: string,
  curve: readonly RocPoint[],
  at: Pick<RocPoint, "falsePositiveRate" | "truePositiveRate">,
): Plot {
  const encoding: PlotLayer["encoding"] = {
    // Only the first few percent of lost mail matter, so they get room.
    x: {
      field: "falsePositiveRate",
      type: "quantitative",
      title: "good mail lost",
      axis: { format: ".1%" },
      scale: { type: "sqrt" },
    },
    y: { field: "truePositiveRate", type: "quantitative", title: "spam caught", axis: { format: ".0%" } },
  };
  const order: PlotChannel = { field: "step", type: "quantitative" };
  const values = corners(curve).map(({ falsePositiveRate, truePositiveRate }, step) => ({
    step,
    falsePositiveRate,
    truePositiveRate,
  }));
  const { falsePositiveRate, truePositiveRate } = at;
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title,
    width: 480,
    height: 360,
    layer: [
      { data: { values }, mark: { type: "line" }, encoding: { ...encoding, order } },
      {
        data: { values: [{ falsePositiveRate, truePositiveRate }] },
        mark: { type: "point", filled: true, size: 90, color: "firebrick", tooltip: true },
        encoding,
      },
    ],
  };
}
