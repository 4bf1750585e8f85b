// Checks every example of README.md and docs/: types against the built package, then runs each in a process of its own.
// See docs-blocks.ts for what a fence may say. Build first; `node scripts/check-docs.ts [FILE...]` checks some alone.
import { glob, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type DocsBlock, docsBlocks } from "./docs-blocks.ts";
import { bin, root } from "./root.ts";
import { run } from "./run.ts";
import { userFolder } from "./user-folder.ts";

/** One block as a file: it stands on the same line as in its document, so that errors name the right line. */
interface Example {
  readonly block: DocsBlock;
  /** As `README.md:12`. */
  readonly place: string;
  /** The file in the user's folder, relative to it. */
  readonly file: string;
}

await using user = await userFolder();

async function writeExamples(document: string): Promise<Example[]> {
  const examples: Example[] = [];
  await mkdir(join(user.path, document), { recursive: true });
  for (const block of blocksOf(document, await readFile(join(root, document), "utf8"))) {
    const name = block.file ?? `line-${String(block.line)}.${block.language}`;
    const file = join(document, name);
    await writeFile(join(user.path, file), "\n".repeat(block.line - 1) + block.code);
    examples.push({ block, file, place: `${document}:${String(block.line)}` });
  }
  return examples;
}

function blocksOf(document: string, markdown: string): DocsBlock[] {
  try {
    return docsBlocks(markdown);
  } catch (error) {
    throw new Error(`${document}: ${(error as Error).message}`, { cause: error });
  }
}

/** Names documents where tools name the files made from them. */
function inTermsOfDocuments(output: string, examples: readonly Example[]): string {
  let text = output.replaceAll(`${user.path}/`, "");
  for (const { file, place } of examples) {
    text = text.replaceAll(file, place.slice(0, place.lastIndexOf(":")));
  }
  return text.trimEnd();
}

async function checkTypes(examples: readonly Example[]): Promise<string[]> {
  if (!examples.some(({ block }) => block.language === "ts")) return [];
  const { code, output } = await run(process.execPath, [bin("tsc"), "--pretty", "false"], { cwd: user.path });
  return code === 0 ? [] : [inTermsOfDocuments(output, examples)];
}

/** The blocks of one document, one after the other, because a command may look at what a block above it made. */
async function runExamples(examples: readonly Example[]): Promise<string[]> {
  const failures: string[] = [];
  for (const { block, file, place } of examples) {
    if (!block.run) continue;
    const path = join(user.path, file);
    const [command, args] = block.language === "ts" ? [process.execPath, [path]] : ["bash", ["-euo", "pipefail", path]];
    const cwd = join(path, "..");
    const env = { REPRISE_HOME: join(cwd, ".home"), NO_COLOR: "1" };
    const { code, output } = await run(command, args, { cwd, env, timeout: 120_000 });
    if (code !== 0) failures.push(`${place}: exited with ${String(code)}\n${inTermsOfDocuments(output, examples)}`);
  }
  return failures;
}

const named = process.argv.slice(2);
const documents = named.length > 0 ? named : await Array.fromAsync(glob(["README.md", "docs/**/*.md"], { cwd: root }));
const perDocument = await Promise.all(documents.sort().map(writeExamples));
const examples = perDocument.flat();
const failures = await checkTypes(examples);
for (const some of perDocument) failures.push(...(await runExamples(some)));

for (const failure of failures) console.error(`${failure}\n`);
const ran = examples.filter(({ block }) => block.run).length;
console.log(`${String(documents.length)} documents, ${String(examples.length)} examples, ${String(ran)} of them run`);
if (failures.length > 0) process.exitCode = 1;
