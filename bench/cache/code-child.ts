// A process that has just started wants the code digests of a project: how long that takes it. Given in JSON: the funcs,
// the folder in which digests are kept, and for the limit the files that it reads instead.
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
// oxlint-disable-next-line eslint/no-restricted-imports -- users reach code digests only through runs; here they are measured alone
import { type FuncDefinition, FuncVersions } from "@reprise/runner";
import { startClock } from "../measure/stopwatch.ts";

/** What is used of oxc-parser, which the digests load as well. */
interface Parser {
  readonly parseSync: (file: string, text: string) => { readonly program: { readonly body: readonly unknown[] } };
}

/** What the process is asked to do. */
export interface CodeQuestion {
  readonly work: "digests" | "hash" | "parse";
  readonly funcs: readonly { readonly id: string; readonly file: string }[];
  readonly files: readonly string[];
  readonly folder: string;
}

const { work, funcs, files, folder } = JSON.parse(process.argv[2] ?? "") as CodeQuestion;

async function digestAll(): Promise<void> {
  const versions = new FuncVersions({ folder });
  // Asked at once, as the calls of one pipeline run ask.
  const found = await Promise.all(
    funcs.map(async ({ id, file }) =>
      versions.versionOf({ id, place: { file, line: 1, column: 1 } } as unknown as FuncDefinition, { version: "auto" }),
    ),
  );
  for (const one of found) if ("problem" in one) throw new Error(one.problem);
}

async function parseAll(): Promise<void> {
  const parser = "oxc-parser";
  const { parseSync } = (await import(parser)) as Parser;
  for (const file of files) {
    const bytes = readFileSync(file);
    hash("sha256", bytes);
    // The tree is made when it is asked for.
    if (parseSync(file, bytes.toString("utf8")).program.body.length === 0) throw new Error(`${file} is empty`);
  }
}

function hashAll(): void {
  for (const file of files) hash("sha256", readFileSync(file));
}

const clock = startClock();
if (work === "digests") await digestAll();
else if (work === "parse") await parseAll();
else hashAll();
process.stdout.write(JSON.stringify(clock()));
