/**
 * Finds passages in a folder of Markdown by what they are about. A model is learned from the passages in a process of its
 * own; replicas of an actor, which hold a tokenizer and the model in memory, turn texts into vectors; the nearest ones win.
 *
 *     npx reprise run examples/embedding/pipeline.ts --folder=docs/guide
 */
import { ActorEnvironment, context, DirectoryArtifact, FileArtifact, func } from "reprise";
import { z } from "zod";
import { dimensions, learnModel, openModel } from "./model.ts";
import { cutPage, type Passage } from "./passages.ts";
import { nearest } from "./search.ts";
import { loadTokenizer } from "./tokenizer.ts";

const embedder = new ActorEnvironment({ name: "embedder", replicas: { min: 0, max: 2 }, ttl: "2m" });

const tokenizer = embedder.cache(loadTokenizer);

/** The same content is the same key, wherever the file comes from. */
const loadModel = embedder.cache(async (file: FileArtifact) => openModel(await file.bytes(), tokenizer()));

// Before a replica takes its first task.
embedder.warmup(tokenizer);

/** Cuts all pages of a folder into passages. */
const cut = func({
  id: "cut",
  cache: true,
  run: async (pages: DirectoryArtifact): Promise<Passage[]> => {
    const names = pages.entries().flatMap(({ path }) => (path.endsWith(".md") ? [path] : []));
    const cutOne = async (path: string) => cutPage(path, await (await pages.file(path)).text());
    return (await Promise.all(names.map(cutOne))).flat();
  },
});

/** Learns a model from the passages. It computes without a pause, so it gets a process of its own. */
const learn = func({
  id: "learn",
  cache: true,
  standalone: true,
  run: (passages: readonly Passage[]) =>
    FileArtifact.of(
      learnModel(
        passages.map(({ text }) => text),
        loadTokenizer(),
      ),
    ),
});

/** The vectors of some texts, one after the other. */
const embed = embedder.func({
  id: "embed",
  cache: true,
  run: async ({ model, texts }: { model: FileArtifact; texts: readonly string[] }) => {
    const loaded = await loadModel(model);
    const vectors = new Float32Array(texts.length * dimensions);
    for (const [at, text] of texts.entries()) vectors.set(loaded.embed(text), at * dimensions);
    context().progress(texts.length, texts.length, "texts");
    return vectors;
  },
});

/** The vectors of all passages, batch by batch. */
const embedAll = func("embed all", (model: FileArtifact, passages: readonly Passage[], batch: number) =>
  embed.map(
    Array.from({ length: Math.ceil(passages.length / batch) }, (_, at) => ({
      model,
      texts: passages.slice(at * batch, (at + 1) * batch).map(({ text }) => text),
    })),
  ),
);

interface Material {
  passages: readonly Passage[];
  vectors: readonly Float32Array[];
}

/** The passages nearest to each question. */
const find = func("find", (questions: readonly string[], asked: Float32Array, { passages, vectors }: Material) =>
  questions.map((question, at) => ({
    question,
    hits: nearest(passages, vectors, asked.subarray(at * dimensions, (at + 1) * dimensions), 3),
  })),
);

const settings = z.object({
  /** Folder of Markdown pages. */
  folder: z.string().default("docs/guide"),
  questions: z
    .array(z.string())
    .min(1)
    .default(["What happens when the process is killed?", "Which files of a directory are ignored?"]),
  /** How many passages one task embeds. */
  batch: z.number().int().min(1).default(25),
});

/** Answers questions with the passages of a folder that are nearest to them. */
export const search = func({
  id: "search",
  input: settings,
  run: async ({ folder, questions, batch }) => {
    const passages = cut(await DirectoryArtifact.from(folder));
    const model = learn(passages);
    const vectors = embedAll(model, passages, batch);
    const asked = embed({ model, texts: questions });
    return find(questions, asked, { passages, vectors });
  },
});
