import { expect, test } from "vitest";
import { dimensions, learnModel, openModel } from "./model.ts";
import { cutPage } from "./passages.ts";
import { nearest } from "./search.ts";
import { loadTokenizer } from "./tokenizer.ts";

const tokenizer = loadTokenizer();
const passages = [
  "The cat sleeps in the warm sun of the garden all day",
  "A cat drinks milk from a bowl in the garden",
  "The dog drinks water from a bowl and sleeps in the garden",
  "Interest rates of the bank rise with the price of money",
  "The bank lends money for interest and keeps the price",
].map((text, at) => ({ place: String(at), text }));
const texts = passages.map(({ text }) => text);
const bytes = learnModel(texts, tokenizer);
const model = openModel(bytes, tokenizer);

function find(question: string, most: number): string[] {
  const vectors = Float32Array.from(texts.flatMap((text) => [...model.embed(text)]));
  return nearest(passages, [vectors], model.embed(question), most).map(({ place }) => place);
}

test("words keep their pieces whatever their case and what stands between them", () => {
  expect(tokenizer.tokens("**Tokenization**, unbelievable!")).toEqual(tokenizer.tokens("tokenization unbelievable"));
  expect(tokenizer.tokens("unbelievable")).toHaveLength(1);
});

test("the same texts give the same model, and every vector has length 1", () => {
  expect(learnModel(texts, tokenizer)).toEqual(bytes);
  const length = Math.hypot(...model.embed("the cat of the bank"));
  expect(length).toBeCloseTo(1);
  expect(model.embed("zzyzx")).toEqual(new Float32Array(dimensions)); // no token of it is known
});

test("a text is found by itself, and by words in like company", () => {
  for (const { place, text } of passages) expect(find(text, 1)).toEqual([place]);
  expect(find("cat dog", 3).toSorted()).toEqual(["0", "1", "2"]);
  expect(find("interest", 2).toSorted()).toEqual(["3", "4"]);
});

test("a page is cut at its paragraphs, items and rows, below their headings and without code", () => {
  const long = "word ".repeat(15).trim();
  const page = `# Title\n\n${long} one.\n\n## Part\n\n\`\`\`ts\n${long} code\n\`\`\`\n\n- ${long} two\n- short\n- ${long} three\n`;
  expect(cutPage("page.md", page)).toEqual([
    { place: "page.md › Title", text: `${long} one.` },
    { place: "page.md › Part", text: `${long} two` },
    { place: "page.md › Part", text: `${long} three` },
  ]);
});
