/** The two examples of an actor's cache that its documentation is built on, with a count of what is loaded, and where. */
import { appendFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ActorEnvironment, context, DirectoryArtifact, FileArtifact, func } from "../index.ts";

/** Tells a file of loads and of what else a test counts. */
export function count(what: string): void {
  const { ACTOR_COUNTS: file } = process.env;
  if (file !== undefined) appendFileSync(file, `${what} ${process.pid}\n`);
}

/** A costly load. */
async function slowly(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 20));
}

const actor = new ActorEnvironment({ name: "example", replicas: 1, ttl: "30s", concurrency: 4 });

/** A key of one's own. */
class MyObject {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }

  hash(): number {
    return this.value;
  }

  equals(other: MyObject): boolean {
    return this.value === other.value;
  }
}

const createFile = func({
  id: "create file",
  cache: { version: "1" },
  run: async () => {
    const path = join(context().workdir, "my_file.txt");
    await writeFile(path, "34");
    return FileArtifact.from(path);
  },
});

const createDirectory = func({
  id: "create directory",
  cache: { version: "1" },
  run: async () => {
    await writeFile(join(context().workdir, "another.txt"), "12");
    return DirectoryArtifact.from(context().workdir);
  },
});

const loadData = actor.cache(async (file: FileArtifact) => {
  count("file");
  await slowly();
  return Number(await file.text());
});

const loadDirectory = actor.cache(async (folder: DirectoryArtifact) => {
  count("directory");
  const path = await folder.download();
  await slowly();
  return Number(await readFile(join(path, "another.txt"), "utf8"));
});

const getValue = actor.cache(async (object: MyObject) => {
  count("object");
  await slowly();
  return object.value;
});

const addFile = actor.func("add file", async (num: number, file: FileArtifact, folder: DirectoryArtifact) => {
  count("task");
  const d1 = await loadData(file);
  const d2 = await loadDirectory(folder);
  const value = await getValue(new MyObject(1));
  return num + d1 + d2 + value;
});

/** Example 1: what is costly is loaded once for all four. */
export const addFive = func("add five", (num: number) => {
  const file = createFile();
  const folder = createDirectory();
  const first = addFile(num, file, folder);
  const second = addFile(first, file, folder);
  const third = addFile(second, file, folder);
  return addFile(third, file, folder);
});

const load = actor.cache(async (modelDir: string) => {
  count("model");
  await slowly();
  return { answer: (text: string) => `${modelDir} inference on ${text}` };
});

const loadModel = actor.func("load model", async (modelDir: string) => {
  count("load task");
  await load(modelDir);
});

const runInference = actor.func("run inference", async (modelDir: string, input: string[]) => {
  count("inference");
  const model = await load(modelDir);
  return input.map((text) => model.answer(text));
});

/** Example 2: the model is loaded before inference begins. */
export const inference = func("inference workflow", (modelDir: string, input: string[]) =>
  runInference(modelDir, input).$after(loadModel(modelDir)),
);

/** The mistake of the example in the documentation it comes from: an order with the function that is cached. */
export const mistaken = func("mistaken workflow", (modelDir: string) =>
  runInference(modelDir, []).$after(load as never),
);

const wide = new ActorEnvironment({ name: "wide", replicas: { min: 0, max: 2 }, ttl: "30s" });
const loadWide = wide.cache(async (what: string) => {
  count("wide load");
  await slowly();
  return what.length;
});
const useWide = wide.func("use wide", async (item: number) => {
  count("wide task");
  return (await loadWide("same")) + item;
});

/** Twenty elements on two replicas. */
export const mapWide = func("map wide", () => useWide.map(Array.from({ length: 20 }, (_, at) => at)));

/** With the durable cache as well. */
export const both = wide.func({
  id: "both caches",
  cache: { version: "1" },
  run: async (what: string) => {
    count("both task");
    return loadWide(what);
  },
});
