import type { LinearModel } from "./linear-model.ts";
import { trainLogisticRegression } from "./logistic-regression.ts";
import { trainNaiveBayes } from "./naive-bayes.ts";
import type { ModelSettings } from "./settings.ts";
import { trainSupportVectorMachine } from "./support-vector-machine.ts";
import type { Dataset } from "./vectorise.ts";

/** Trains a model of any kind. `onStep` is called after each step of those that learn in steps. */
export async function fitModel(
  settings: ModelSettings,
  data: Dataset,
  onStep: (done: number, total: number) => void | Promise<void> = () => undefined,
): Promise<LinearModel> {
  switch (settings.model) {
    case "naive Bayes":
      return trainNaiveBayes(data, settings.smoothing);
    case "logistic regression":
      return trainLogisticRegression(data, { cost: settings.cost, onStep });
    case "support vector machine":
      return trainSupportVectorMachine(data, { cost: settings.cost, seed: settings.seed, onPass: onStep });
  }
}
