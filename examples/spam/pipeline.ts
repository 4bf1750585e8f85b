/**
 * A spam filter, from a corpus of real mail to a report on held-out mail: load, clean, remove duplicates, split, train a
 * grid of models, choose the cheapest on validation mail, and judge that one on mail that played no part in the choice.
 * Results are reused: after an edit, what executes is what depends on it.
 *
 *     npx reprise run examples/spam/pipeline.ts --vocabulary=8000
 */
import { setImmediate as letOthersWork } from "node:timers/promises";
import { context, func } from "reprise";
import { type Calibration, calibrate, cheapestLimit, probabilities } from "./calibration.ts";
import { cleanMail } from "./clean-mail.ts";
import { type CorpusPart, corpusParts, readCorpus } from "./corpus.ts";
import { fitModel } from "./fit-model.ts";
import { type LinearModel, scores } from "./linear-model.ts";
import type { PreparedMail, RawMail } from "./mail.ts";
import { judge } from "./metrics.ts";
import { worstMistakes } from "./mistakes.ts";
import { type GroupedMail, removeDuplicates } from "./near-duplicates.ts";
import { makeReport, type ReportInput, type TestResult, type Trial } from "./report.ts";
import { modelGrid, type ModelSettings, settingsSchema } from "./settings.ts";
import { splitMails, type SplitOptions } from "./split.ts";
import { tellTales } from "./tell-tales.ts";
import { tokenise } from "./tokenise.ts";
import { type Dataset, selectMails, vectorise } from "./vectorise.ts";
import { learnVocabulary, type Vocabulary } from "./vocabulary.ts";

/** Reads one part of the corpus. */
const load = func({
  id: "load",
  cache: true,
  run: ({ part, share }: { part: CorpusPart; share: number }) => readCorpus(part, share),
});

/** Decodes mails and splits them into tokens. */
const prepare = func({
  id: "clean and tokenise",
  cache: true,
  run: async (mails: RawMail[]): Promise<PreparedMail[]> => {
    const prepared: PreparedMail[] = [];
    for (const mail of mails) {
      prepared.push(tokenise(await cleanMail(mail)));
      if (prepared.length % 50 === 0) await showProgress(prepared.length, mails.length, "mails");
    }
    return prepared;
  },
});

/** Leaves out copies and finds groups of mails that are nearly the same. */
const deduplicate = func({
  id: "remove duplicates",
  cache: true,
  run: (...batches: PreparedMail[][]): GroupedMail[] => {
    const mails = batches.flat();
    const kept = removeDuplicates(mails);
    context().log.info(`${mails.length - kept.length} of ${mails.length} mails are copies of others`);
    return kept;
  },
});

/** Says which mails are for training, for validation and for the test. */
const split = func({
  id: "split",
  cache: true,
  run: (mails: GroupedMail[], options: SplitOptions) => splitMails(mails, options),
});

/** Learns from training mail which tokens to look at. */
const learn = func({
  id: "learn vocabulary",
  cache: true,
  run: (mails: GroupedMail[], rows: Uint32Array, size: number) => learnVocabulary(selectFrom(mails, rows), size),
});

/** Turns mails into rows of numbers. */
const toFeatures = func({
  id: "vectorise",
  cache: true,
  run: (mails: GroupedMail[], vocabulary: Vocabulary) => vectorise(mails, vocabulary),
});

/** Trains one model on some parts of the data. */
const fit = func({
  id: "train",
  cache: true,
  run: (settings: ModelSettings, data: Dataset, rows: Uint32Array[]) => {
    const chosen = Uint32Array.from(rows.flatMap((part) => [...part]));
    return fitModel(settings, selectMails(data, chosen), (done, total) => showProgress(done, total, "steps"));
  },
});

interface TrialInput {
  settings: ModelSettings;
  model: LinearModel;
  lostMailCost: number;
}

/** Learns from validation mail how sure the model's scores are, and what its errors cost there. */
const validate = func({
  id: "validate",
  cache: true,
  run: async (trial: TrialInput, data: Dataset, rows: Uint32Array) => {
    const { settings, model, lostMailCost } = trial;
    const { features, labels } = selectMails(data, rows);
    const found = scores(model, features);
    const calibration = await calibrate(found, labels);
    const metrics = judge(probabilities(found, calibration), labels, cheapestLimit(lostMailCost), lostMailCost);
    context().metric("accuracy", metrics.accuracy);
    return { settings, calibration, metrics };
  },
});

/**
 * The trial whose errors cost least; of equals, the one that tells spam apart best whatever the limit. Not cached: it is
 * done sooner than the cache is asked.
 */
const choose = func("choose", (trials: (Trial & { calibration: Calibration })[]) => {
  const [best] = trials.toSorted(
    (a, b) => a.metrics.cost - b.metrics.cost || b.metrics.areaUnderCurve - a.metrics.areaUnderCurve,
  );
  if (best === undefined) throw new Error("there is no model to choose from");
  return best;
});

interface TestInput {
  model: LinearModel;
  calibration: Calibration;
  lostMailCost: number;
}

/** Judges the chosen model on test mail. */
const test = func({
  id: "test",
  cache: true,
  run: (chosen: TestInput, mails: GroupedMail[], data: Dataset, rows: Uint32Array): TestResult => {
    const { model, calibration, lostMailCost } = chosen;
    const { features, labels } = selectMails(data, rows);
    const limit = cheapestLimit(lostMailCost);
    const found = probabilities(scores(model, features), calibration);
    const metrics = judge(found, labels, limit, lostMailCost);
    context().metric("accuracy", metrics.accuracy);
    context().metric("false positive rate", metrics.falsePositiveRate);
    return { metrics, probabilities: found, labels, mistakes: worstMistakes(selectFrom(mails, rows), found, limit) };
  },
});

/** Says what the model goes by. */
const explain = func({
  id: "explain",
  cache: true,
  run: (model: LinearModel, vocabulary: Vocabulary) => tellTales(model, vocabulary),
});

/** Puts everything together for people to read. */
const report = func({ id: "report", cache: true, run: (input: ReportInput) => makeReport(input) });

/** Trains a spam filter on real mail and judges it on mail that it has not seen. */
export const spamFilter = func({
  id: "spam filter",
  input: settingsSchema,
  cache: true,
  run: ({ share, vocabulary: size, validation, test: testPart, lostMailCost, seed }) => {
    const prepared = corpusParts.map((part) => {
      const mails = load({ part, share }).$set({ name: `load ${part}` });
      return prepare(mails).$set({ name: `clean ${part}` });
    });
    // What is large is an argument of its own: its hash is known then, so that a call is looked up without reading it.
    const mails = deduplicate(...prepared);
    const rows = split(mails, { validation, test: testPart, seed });
    const vocabulary = learn(mails, rows.train, size);
    const data = toFeatures(mails, vocabulary);

    // All models learn from the same data; two at a time, because each has a copy of it.
    const grid = modelGrid(seed);
    const models = fit.map(
      grid.map((settings) => [settings, data, [rows.train]]),
      { concurrency: 2 },
    );
    const trials = validate.map(
      grid.map((settings, at) => [{ settings, model: models.$get(at), lostMailCost }, data, rows.validation]),
      { concurrency: 2 },
    );
    const { settings, calibration } = choose(trials);

    // The chosen model learns once more, from all mail but the test mail.
    const model = fit(settings, data, [rows.train, rows.validation]).$set({ name: "train the chosen model" });
    return report({
      trials,
      chosen: settings,
      test: test({ model, calibration, lostMailCost }, mails, data, rows.test),
      tellTales: explain(model, vocabulary),
    });
  },
});

/** The elements of a list at some places. */
function selectFrom<T>(list: readonly T[], places: Uint32Array): T[] {
  return Array.from(places, (place) => list[place] as T);
}

/** Shows how far a body is, and lets others have the processor: bodies share one thread. */
async function showProgress(done: number, total: number, what: string): Promise<void> {
  context().progress(done, total, what);
  await letOthersWork();
}
