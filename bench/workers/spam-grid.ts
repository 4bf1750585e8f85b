// The grid of the spam example: eight models that learn from the same mails, each without a pause. Loaded by workers, too.
import { func } from "reprise";
import { cleanMail } from "../../examples/spam/clean-mail.ts";
import { corpusParts, readCorpus } from "../../examples/spam/corpus.ts";
import { fitModel } from "../../examples/spam/fit-model.ts";
import { removeDuplicates } from "../../examples/spam/near-duplicates.ts";
import { modelGrid, type ModelSettings } from "../../examples/spam/settings.ts";
import { splitMails } from "../../examples/spam/split.ts";
import { tokenise } from "../../examples/spam/tokenise.ts";
import { type Dataset, selectMails, vectorise } from "../../examples/spam/vectorise.ts";
import { learnVocabulary } from "../../examples/spam/vocabulary.ts";

const seed = 2002;

/** What is trained. */
export const grid = modelGrid(seed);

async function learnFrom(settings: ModelSettings, data: Dataset): Promise<number> {
  const model = await fitModel(settings, data);
  return model.weights.length;
}

const trainInWorker = func({ id: "spam-grid.train", standalone: true, run: learnFrom });
const trainHere = func("spam-grid.train here", learnFrom);

/** Trains the whole grid, each model in a process of its own. */
export const inWorkers = func("spam-grid.in workers", (data: Dataset) =>
  trainInWorker.map(grid.map((settings) => [settings, data] as const)),
);

/** Trains the whole grid in the process of the driver. */
export const inDriver = func("spam-grid.in driver", (data: Dataset) =>
  trainHere.map(grid.map((settings) => [settings, data] as const)),
);

/** The grid without reprise. */
export async function bareGrid(data: Dataset): Promise<void> {
  for (const settings of grid) await learnFrom(settings, data);
}

/** The training mails of the corpus as numbers, as the example makes them. */
export async function trainingMails(share: number): Promise<Dataset> {
  const prepared = [];
  for (const part of corpusParts) {
    for (const mail of readCorpus(part, share)) prepared.push(tokenise(await cleanMail(mail)));
  }
  const mails = removeDuplicates(prepared);
  const { train } = splitMails(mails, { validation: 0.2, test: 0.2, seed });
  const chosen = Array.from(train, (row) => mails[row] as (typeof mails)[number]);
  const data = vectorise(mails, learnVocabulary(chosen, 20_000));
  return selectMails(data, train);
}
