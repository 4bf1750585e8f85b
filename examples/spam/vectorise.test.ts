import { expect, test } from "vitest";
import type { PreparedMail } from "./mail.ts";
import { selectMails, vectorise } from "./vectorise.ts";
import { learnVocabulary } from "./vocabulary.ts";

const mail = (tokens: string, spam = false): PreparedMail => ({
  id: tokens,
  spam,
  subject: "",
  tokens,
  marks: "html",
  letters: tokens,
});

const training = [mail("buy now", true), mail("buy now please", true), mail("buy later"), mail("now or later")];

test("knows the frequent tokens and pairs, most frequent first, and nothing that is rare", () => {
  expect(learnVocabulary([...training, mail("buy now")], 10).tokens).toBe("buy now buy_now");
  expect(learnVocabulary(training, 1).tokens).toBe("buy");
});

test("does not depend on the order of the mails", () => {
  expect(learnVocabulary(training.toReversed(), 10)).toEqual(learnVocabulary(training, 10));
});

test("rows have length 1, and tokens it does not know count for nothing", () => {
  const vocabulary = learnVocabulary(training, 10);
  const { features, labels } = vectorise([mail("buy now", true), mail("unknown words")], vocabulary);
  const squares = (row: number) =>
    features.values
      .subarray(features.starts[row], features.starts[row + 1])
      .reduce((sum, value) => sum + value * value, 0);
  expect(squares(0)).toBeCloseTo(1);
  // Marks and pieces of letters remain.
  expect(squares(1)).toBeCloseTo(2 / 3);
  expect([...labels]).toEqual([1, 0]);
});

test("what is rare weighs more", () => {
  const { weights } = learnVocabulary([...training, mail("buy buy")], 2);
  expect(weights[1]).toBeGreaterThan(weights[0] ?? 0);
});

test("selects mails in the order asked for", () => {
  const data = vectorise(training, learnVocabulary(training, 10));
  const selected = selectMails(data, Uint32Array.of(3, 0));
  expect(selected).toEqual(
    vectorise(
      [training[3], training[0]].flatMap((one) => one ?? []),
      learnVocabulary(training, 10),
    ),
  );
});
