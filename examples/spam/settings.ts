import { z } from "zod";

/** What the pipeline is started with; each has a default. */
export const settingsSchema = z.object({
  /** How much of the corpus to use, spread evenly over it; less for quick trials. */
  share: z.number().min(0.05).max(1).default(1),
  /** How many tokens and pairs of tokens the models know. */
  vocabulary: z.number().int().min(10).default(20_000),
  /** Part of the mails that decides which model is chosen. */
  validation: z.number().min(0.05).max(0.4).default(0.2),
  /** Part of the mails that judges the chosen model and is used for nothing else. */
  test: z.number().min(0.05).max(0.4).default(0.2),
  /** How many missed spam mails are as bad as one good mail that is lost. */
  lostMailCost: z.number().min(1).default(2),
  /** The same seed gives the same split and the same models. */
  seed: z.number().int().default(2002),
});

/** A kind of model and how it learns. */
export type ModelSettings =
  | { readonly model: "naive Bayes"; readonly smoothing: number }
  | { readonly model: "logistic regression"; readonly cost: number }
  | { readonly model: "support vector machine"; readonly cost: number; readonly seed: number };

/** Every model that is tried. */
export function modelGrid(seed: number): ModelSettings[] {
  return [
    ...[0.01, 0.05, 0.2].map((smoothing) => ({ model: "naive Bayes", smoothing }) as const),
    ...[10, 100].map((cost) => ({ model: "logistic regression", cost }) as const),
    ...[1, 3, 10].map((cost) => ({ model: "support vector machine", cost, seed }) as const),
  ];
}

/** A model's settings in one line, for tables. */
export function describeModel(settings: ModelSettings): string {
  return settings.model === "naive Bayes"
    ? `${settings.model}, smoothing ${settings.smoothing}`
    : `${settings.model}, cost ${settings.cost}`;
}
