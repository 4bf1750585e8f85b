import { func } from "reprise";

const text = "It was the best of times, it was the worst of times, it was the age of wisdom";

const split = func("split", (line: string) => ({
  words: line.toLowerCase().match(/\w+/g) ?? [],
  letters: line.length,
}));

const measure = func("measure", (word: string) => word.length);

const average = func("average", (sizes: number[], of: number) => ({
  meanLength: sizes.reduce((sum, size) => sum + size, 0) / sizes.length,
  letters: of,
}));

/** Calls give futures: nothing runs until the runner has the graph, and everything that can runs at once. */
export const pipeline = func("hello", (line: string = text) => {
  const { words, letters } = split(line); // parts of a future are futures, too
  return average(measure.map(words), letters); // one run for each word
});
