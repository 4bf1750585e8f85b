import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { SilentRunner } from "reprise";
import { expect, onTestFinished, test } from "vitest";
import { search } from "./pipeline.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const reprise = join(repository, "packages/reprise/dist/bin.js");
const pages = {
  "cats.md": `# Cats

A cat sleeps in the warm sun of the garden nearly all day, and hunts mice in the garden at night.

A young cat drinks milk from a bowl, plays with a ball of wool, and sleeps in the sun afterwards.
`,
  "money.md": `# Banks

A bank lends money to whoever wants to build a house, and takes interest for the money every year.

- When prices rise, the central bank raises the interest rate, so that money is dearer to lend.
- A savings bank pays interest for the money that people keep there, a little less than it takes.
`,
  "sea.md": `# Sailing

A ship sails close to the wind when the angle between its course and the wind is small.

The captain reads the depth of the sea from the chart, and the speed of the ship from the log.
`,
};

/** A folder that is removed after the test. */
function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), "reprise-embedding-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A folder with {@link pages}. */
function writePages(): string {
  const folder = join(temporaryFolder(), "pages");
  mkdirSync(folder);
  for (const [name, text] of Object.entries(pages)) writeFileSync(join(folder, name), text);
  return folder;
}

test("finds passages by what they are about", async () => {
  const questions = ["Where do cats sleep?", "Interest for money", "The speed of a ship"];
  const answers = await new SilentRunner().run(search({ folder: writePages(), questions, batch: 2 }));
  expect(answers.map(({ question, hits: [best] }) => [question, best?.place])).toEqual([
    ["Where do cats sleep?", "cats.md › Cats"],
    ["Interest for money", "money.md › Banks"],
    ["The speed of a ship", "sea.md › Sailing"],
  ]);
});

/** A line of `reprise run --json`, as far as it is looked at. */
interface Line {
  readonly id?: string;
  readonly funcId?: string;
  readonly kind?: "func" | "map";
  readonly cache?: { readonly status: string };
  readonly value?: unknown;
}

interface Cache {
  readonly name: string;
  readonly hits: number;
  readonly misses: number;
}

interface Replica {
  readonly caches: readonly Cache[];
}

interface Pool {
  readonly replicas: readonly Replica[];
}

/** A store of its own. Every run is a process of its own; replicas are shared. */
class Home {
  readonly #path = temporaryFolder();
  readonly #folder = writePages();

  constructor() {
    onTestFinished(async () => void (await this.command("actors", "stop", "--all", "--now")));
  }

  /** What the command writes to stdout. */
  async command(...args: readonly string[]): Promise<string> {
    const env = { ...process.env, REPRISE_HOME: this.#path, NODE_OPTIONS: "" };
    const options = { cwd: repository, env, maxBuffer: 64 * 1024 * 1024 };
    return (await promisify(execFile)(process.execPath, [reprise, ...args], options)).stdout;
  }

  /** Asks: the result, and how many embeddings the cache did not have. */
  async ask(question: string): Promise<{ value: unknown; embedded: number }> {
    const questions = `--questions=${JSON.stringify([question])}`;
    const input = [`--folder=${this.#folder}`, questions, "--batch=2"];
    const out = await this.command("run", "examples/embedding/pipeline.ts", ...input, "--json");
    const lines = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Line);
    const last = new Map(lines.filter(({ kind }) => kind === "func").map((line) => [line.id, line]));
    const embedded = [...last.values()].filter(({ funcId, cache }) => funcId === "embed" && cache?.status === "MISS");
    return { value: lines.at(-1)?.value, embedded: embedded.length };
  }

  /** The replicas of the one pool, as soon as they have told that `loadModel` was called so often. */
  async replicas(calls: number): Promise<readonly Replica[]> {
    for (;;) {
      const { pools } = JSON.parse(await this.command("actors", "show", "embedder", "--json")) as { pools: Pool[] };
      const replicas = pools.flatMap((pool) => pool.replicas);
      const models = replicas.flatMap(({ caches }) => caches.filter(({ name }) => name === "loadModel"));
      const told = models.reduce((sum, { hits, misses }) => sum + hits + misses, 0);
      if (pools.length === 1 && told === calls && replicas.every(({ caches }) => caches.length > 0)) return replicas;
    }
  }
}

test("replicas keep tokenizer and model from one process to the next", { timeout: 120_000 }, async () => {
  const home = new Home();
  const first = await home.ask("Where do cats sleep?");
  expect(first.embedded).toBe(4 + 1);
  expect(await home.ask("The speed of a ship")).toMatchObject({ embedded: 1 });
  expect(await home.ask("Where do cats sleep?")).toEqual({ value: first.value, embedded: 0 });
  const replicas = await home.replicas(4 + 1 + 1);
  expect(replicas.length).toBeLessThanOrEqual(2);
  for (const { caches } of replicas) {
    expect(caches).toMatchObject([
      { name: "loadTokenizer", misses: 1 },
      { name: "loadModel", failures: 0 },
    ]);
    expect(caches[1]?.misses).toBeLessThanOrEqual(1);
  }
});
