/** One point of a ROC curve: what happens if everything with at least this score is called spam. */
export interface RocPoint {
  readonly threshold: number;
  /** Share of good mail that would be lost. */
  readonly falsePositiveRate: number;
  /** Share of spam that would be caught. */
  readonly truePositiveRate: number;
  readonly falsePositives: number;
  readonly truePositives: number;
}

/**
 * The ROC curve, from "nothing is spam" to "everything is spam". Mails with equal scores are one step, whatever their order.
 *
 * @throws RangeError if there is not at least one spam and one good mail, for then the rates mean nothing.
 */
export function rocCurve(scores: Float64Array, labels: Uint8Array): RocPoint[] {
  const spam = labels.reduce((total, label) => total + label, 0);
  const good = labels.length - spam;
  if (spam === 0 || good === 0)
    throw new RangeError(`a ROC curve needs both kinds of mail: ${spam} spam, ${good} good`);
  const order = Uint32Array.from(labels.keys()).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
  const curve: RocPoint[] = [];
  let truePositives = 0;
  let falsePositives = 0;
  const add = (threshold: number) =>
    curve.push({
      threshold,
      falsePositiveRate: falsePositives / good,
      truePositiveRate: truePositives / spam,
      falsePositives,
      truePositives,
    });
  add(Number.POSITIVE_INFINITY);
  for (const [place, row] of order.entries()) {
    if (labels[row] === 1) truePositives++;
    else falsePositives++;
    const score = scores[row] ?? 0;
    if (scores[order[place + 1] ?? -1] !== score) add(score);
  }
  return curve;
}

/** Area under the curve: the chance that a random spam mail scores higher than a random good one. */
export function areaUnder(curve: readonly RocPoint[]): number {
  let area = 0;
  for (const [index, point] of curve.entries()) {
    const before = curve[index - 1];
    if (before === undefined) continue;
    const width = point.falsePositiveRate - before.falsePositiveRate;
    area += (width * (point.truePositiveRate + before.truePositiveRate)) / 2;
  }
  return area;
}

/** Only the points where the curve turns: all that a drawing needs. */
export function corners(curve: readonly RocPoint[]): RocPoint[] {
  return curve.filter((point, index) => {
    const before = curve[index - 1];
    const after = curve[index + 1];
    if (before === undefined || after === undefined) return true;
    const onRise = before.falsePositives === point.falsePositives && point.falsePositives === after.falsePositives;
    const onRun = before.truePositives === point.truePositives && point.truePositives === after.truePositives;
    return !onRise && !onRun;
  });
}
