import { readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { temporaryFolder } from "../testing/temporary-home.ts";
import { type CodeDigest, diffClosures } from "./code-digest.ts";
import { CodeDigests } from "./code-digests.ts";
import { digestFolder, type Files, jsonOf, writeProgram } from "./testing/programs.ts";
import { projectOf } from "./testing/project.ts";

interface CacheReport {
  readonly found: Readonly<Record<string, CodeDigest>>;
  readonly calls: readonly string[];
  readonly ms: number;
}

const child = fileURLToPath(new URL("testing/cache-child.ts", import.meta.url));

function project(files: Files) {
  const folder = realpathSync(temporaryFolder());
  writeProgram(folder, files);
  return {
    folder,
    cache: join(folder, "cache"),
    digest: async () => (await jsonOf(child, [join(folder, "pipeline.ts"), join(folder, "cache")])) as CacheReport,
  };
}

const small: Files = {
  "pipeline.ts": `import { func } from "reprise";
import { helper } from "./helper.ts";
export const f = func("f", () => helper());
export const g = func("g", () => 1);
`,
  "helper.ts": "export const helper = () => 1;\n",
};

it("asks the cache once for a program, and computes nothing while its files are unchanged", async () => {
  const { digest } = project(small);
  const cold = await digest();
  expect(cold.calls).toEqual(["miss", "set"]);
  const warm = await digest();
  expect(warm.calls).toEqual(["hit"]);
  expect(warm.found).toEqual(cold.found);
});

it("computes again when a file changes, or one appears that imports now lead to", async () => {
  const { folder, digest } = project({
    ...small,
    "pipeline.ts": (small["pipeline.ts"] as string).replace("./helper.ts", "./helper.js"),
  });
  // Node does not load `./helper.js` for a file `helper.ts`; the program below does not run it.
  writeProgram(folder, {
    "pipeline.ts": `import { func } from "reprise";
const helper = async () => (await import("./helper.js" as "./helper.ts")).helper();
export const f = func("f", () => helper());
export const g = func("g", () => 1);
`,
  });
  const first = await digest();
  expect(first.found["f"]?.closure.map(({ file }) => file)).toEqual(["pipeline.ts", "pipeline.ts", "helper.ts"]);
  writeProgram(folder, { "helper.ts": "export const helper = () => 2;\n" });
  const second = await digest();
  expect(second.calls).toEqual(["hit", "set"]);
  expect(second.found["f"]?.digest).not.toBe(first.found["f"]?.digest);
  expect(second.found["g"]?.digest).toBe(first.found["g"]?.digest);
  writeProgram(folder, { "helper.js": "export const helper = () => 3;\n" });
  const third = await digest();
  expect(third.calls).toEqual(["hit", "set"]);
  expect(third.found["f"]?.closure.map(({ file }) => file)).toEqual(["pipeline.ts", "pipeline.ts", "helper.js"]);
});

it("gives the same digests in whatever order they are asked for, and keeps with each what it was read from", async () => {
  const count = 4;
  const { folder } = project(projectOf(count));
  const owners = Array.from({ length: count }, (_, at) => ({
    id: `step${at}`,
    place: { file: join(folder, `steps/step${at}.ts`), line: 1, column: 1 },
  }));
  const texts = new Map<string, string>();
  const cache = { get: () => undefined, set: (key: string, text: string) => void texts.set(key, text) };
  const digestsOf = async (digests: CodeDigests, asked: typeof owners) =>
    new Map(await Promise.all(asked.map(async (owner) => [owner.id, (await digests.digestOf(owner)).digest] as const)));
  const together = await digestsOf(new CodeDigests({ cache, loadedAt: Infinity }), owners);
  const backwards = new Map<string, string | undefined>();
  const digests = new CodeDigests({ loadedAt: Infinity });
  for (const owner of owners.toReversed()) backwards.set(owner.id, (await digests.digestOf(owner)).digest);
  for (const owner of owners) {
    const alone = (await new CodeDigests({ loadedAt: Infinity }).digestOf(owner)).digest;
    expect(alone).toMatch(/^[0-9a-f]{64}$/);
    expect([together.get(owner.id), backwards.get(owner.id)]).toEqual([alone, alone]);
  }
  const read = [...texts.values()].map((text) => Object.keys((JSON.parse(text) as { files: object }).files));
  const paths = new Set(read.map((files) => files.toSorted().join()));
  expect(paths).toEqual(new Set(owners.map(({ place }) => `${join(folder, "shared.ts")},${place.file}`)));
});

it("computes again when the cache's text is damaged", async () => {
  const { cache, digest } = project(small);
  const first = await digest();
  for (const name of readdirSync(cache)) writeFileSync(join(cache, name), `{"format":1,"files":{},"par`);
  const second = await digest();
  expect(second.calls).toEqual(["hit", "set"]);
  expect(second.found).toEqual(first.found);
});

it("gives no digest when a file was written after the program was loaded", async () => {
  const { folder } = project(small);
  const definition = { id: "f", place: { file: join(folder, "pipeline.ts"), line: 3, column: 18 } };
  const late = await new CodeDigests({ loadedAt: Date.now() - 60_000 }).digestOf(definition);
  expect(late).toMatchObject({
    digest: undefined,
    reason: expect.stringContaining("was written after this process had started") as string,
  });
  const inTime = await new CodeDigests({ loadedAt: Date.now() + 60_000 }).digestOf(definition);
  expect(inTime.digest).toMatch(/^[0-9a-f]{64}$/);
});

it("gives a reason for funcs whose source cannot be found or read", async () => {
  const folder = realpathSync(temporaryFolder());
  const digests = new CodeDigests({ loadedAt: Infinity });
  const place = { file: join(folder, "gone.ts"), line: 1, column: 1 };
  const reasonOf = async (definition: Parameters<CodeDigests["digestOf"]>[0]): Promise<string> => {
    const found = await digests.digestOf(definition);
    return found.digest === undefined ? found.reason : "";
  };
  expect(await reasonOf({ id: "lost", place: undefined })).toBe(
    'where func "lost" is defined is not known; give a version',
  );
  expect(await reasonOf({ id: "lost", place })).toMatch(
    /^the code of func "lost" at .*gone\.ts:1:1 cannot be read: ENOENT/,
  );
  writeFileSync(join(folder, "broken.ts"), "const a = ;\n");
  expect(await reasonOf({ id: "lost", place: { ...place, file: join(folder, "broken.ts") } })).toMatch(
    /cannot be read: .*broken\.ts:1: /,
  );
  writeFileSync(join(folder, "other.ts"), "export const a = 1;\n");
  expect(await reasonOf({ id: "lost", place: { ...place, file: join(folder, "other.ts") } })).toMatch(
    /^the definition of func "lost" is not found at .*other\.ts:1:1; write func\("lost", …\) there/,
  );
});

it("names what changed between two digests", async () => {
  const { folder } = project(small);
  const before = (await digestFolder(folder))["f"] as CodeDigest;
  writeProgram(folder, {
    "pipeline.ts": (small["pipeline.ts"] as string).replace("./helper.ts", "./other.ts"),
    "other.ts": "import { sep } from 'node:path';\nexport const helper = () => sep + one;\nconst one = 1;\n",
  });
  rmSync(join(folder, "helper.ts"));
  const after = (await digestFolder(folder))["f"] as CodeDigest;
  expect(diffClosures(before, after)).toEqual({
    changed: [{ file: "other.ts", name: "helper", before: "helper = () => 1", after: "helper = () => sep + one" }],
    added: [expect.objectContaining({ file: "other.ts", name: "one" })],
    removed: [],
    packages: [{ name: "node:path", before: undefined, after: "built-in" }],
  });
  expect(diffClosures(after, after)).toEqual({ changed: [], added: [], removed: [], packages: [] });
});

it("digests a project of 50 funcs, and says how long that takes", async () => {
  const { digest } = project(projectOf(50));
  const cold = await digest();
  const unchanged = await digest();
  expect(Object.keys(cold.found)).toHaveLength(51);
  expect(new Set(Object.values(cold.found).map((found) => found.digest)).size).toBe(51);
  expect(unchanged.found).toEqual(cold.found);
  // Figures for people; machines differ too much to check them.
  process.stdout.write(
    `code digests of 50 funcs: cold ${cold.ms.toFixed(1)} ms, unchanged ${unchanged.ms.toFixed(1)} ms\n`,
  );
});
