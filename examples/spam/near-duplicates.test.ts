import { expect, test } from "vitest";
import type { PreparedMail } from "./mail.ts";
import { groupNearDuplicates, removeDuplicates } from "./near-duplicates.ts";

const words = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => `w${"abcdefghij"[(from + index) % 10] ?? ""}${from + index}`).join(" ");

const mail = (id: string, tokens: string): PreparedMail => ({
  id,
  spam: true,
  subject: "",
  tokens,
  marks: "",
  letters: "",
});

test("groups mails that differ in a few words, and no others", () => {
  const advertisement = words(0, 100);
  const mails = [
    mail("a", advertisement),
    mail("b", words(200, 100)),
    mail("c", `dear bob ${advertisement} unsubscribe xyz`),
    // Half of the text is the same: an answer with its quotation, not a copy.
    mail("d", `${words(0, 50)} ${words(400, 50)}`),
  ];
  expect([...groupNearDuplicates(mails)]).toEqual([0, 1, 0, 3]);
});

test("leaves out copies that differ in subject, numbers and links only", () => {
  const text = words(0, 20);
  const kept = removeDuplicates([
    mail("a", `subject:win ${text} #money`),
    mail("b", `subject:hurry subject:#number ${text} #link`),
    mail("c", `${text} more`),
  ]);
  expect(kept.map(({ id, group }) => [id, group])).toEqual([
    ["a", "a"],
    ["c", "a"],
  ]);
});

test("mails with hardly any text are not the same because of that", () => {
  expect(removeDuplicates([mail("a", "subject:hello #link"), mail("b", "subject:invoice #link")])).toHaveLength(2);
});
