import type { LinearModel } from "./linear-model.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** The tokens and marks that speak most for spam and most against it, strongest first, in one line each. */
export interface TellTales {
  readonly spam: string;
  readonly good: string;
}

/** Reads from a model what it goes by, as the people who have to trust it want to know. */
export function tellTales(model: LinearModel, vocabulary: Vocabulary, most = 10): TellTales {
  const names = [...vocabulary.tokens.split(" "), ...vocabulary.marks.split(" ")];
  const order = names.map((name, column) => ({ name, weight: model.weights[column] ?? 0 }));
  order.sort((a, b) => b.weight - a.weight);
  const line = (entries: typeof order) => entries.map(({ name }) => name.replaceAll("_", " ")).join(", ");
  return { spam: line(order.slice(0, most)), good: line(order.slice(-most).reverse()) };
}
