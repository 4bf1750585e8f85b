import { array, assert, boolean, integer, property, record } from "fast-check";
import { expect, test } from "vitest";
import { splitMails } from "./split.ts";

const options = { validation: 0.2, test: 0.2, seed: 1 };

const mails = array(record({ group: integer({ min: 0, max: 150 }), spam: boolean() }), {
  minLength: 20,
  maxLength: 400,
}).map((list) => list.map(({ group, spam }) => ({ group: String(group), spam })));

test("every mail is in one part, and no group is in two", () => {
  assert(
    property(mails, integer(), (list, seed) => {
      const parts = splitMails(list, { ...options, seed });
      const all = [...parts.train, ...parts.validation, ...parts.test];
      expect(all.sort((a, b) => a - b)).toEqual([...list.keys()]);
      const groupsOf = (places: Iterable<number>) => new Set(Array.from(places, (place) => list[place]?.group)).size;
      expect(groupsOf(parts.train) + groupsOf(parts.validation) + groupsOf(parts.test)).toBe(groupsOf(all));
    }),
  );
});

test("parts have the size asked for and the same share of spam", () => {
  const list = Array.from({ length: 1000 }, (_, index) => ({ group: String(index), spam: index % 4 === 0 }));
  const parts = splitMails(list, options);
  const spamIn = (part: Uint32Array) => part.filter((place) => list[place]?.spam).length;
  expect([parts.train.length, parts.validation.length, parts.test.length]).toEqual([600, 200, 200]);
  expect([spamIn(parts.train), spamIn(parts.validation), spamIn(parts.test)]).toEqual([150, 50, 50]);
});

test("the seed decides, and nothing else", () => {
  const list = Array.from({ length: 100 }, (_, index) => ({ group: String(index), spam: index % 3 === 0 }));
  expect(splitMails(list, options)).toEqual(splitMails(list, options));
  expect(splitMails(list, options)).not.toEqual(splitMails(list, { ...options, seed: 2 }));
});

test("refuses to leave nothing for training", () => {
  expect(() => splitMails([], { validation: 0.5, test: 0.5, seed: 1 })).toThrow(RangeError);
});
