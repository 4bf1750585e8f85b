import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { expect, onTestFinished, test } from "vitest";

const home = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);

/** Starts its own pipeline run, as the file does that users start; bodies of it must not. */
const program = `
import { func, LocalRunner } from "reprise";
const square = func({ id: "square", standalone: true, run: (n) => [n * n, process.pid] });
const root = func("root", () => square.map([2, 3]));
async function main() {
  const results = await new LocalRunner({ home: process.env.HOME_FOLDER, cache: "off" }).run(root());
  console.log(JSON.stringify([results.map(([value]) => value), results.some(([, pid]) => pid === process.pid)]));
}
void main();
`;

test.each([
  ["esm", "main.mjs"],
  ["cjs", "main.cjs"],
] as const)("a bundle that holds the library is its own worker: %s", async (format, name) => {
  const folder = await mkdtemp(join(tmpdir(), "reprise-bundle-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, "node_modules"));
  await symlink(home, join(folder, "node_modules/reprise"));
  await writeFile(join(folder, "main.js"), program);
  const requires = `import { createRequire as own } from "node:module"; const require = own(import.meta.url);`;
  await build({
    entryPoints: [join(folder, "main.js")],
    outfile: join(folder, "out", name),
    bundle: true,
    platform: "node",
    format,
    logLevel: "silent",
    ...(format === "esm" ? { banner: { js: requires } } : {}),
  });
  await rm(join(folder, "node_modules"), { recursive: true });
  const env = { ...process.env, HOME_FOLDER: join(folder, "home") };
  const { stdout } = await run(process.execPath, [join(folder, "out", name)], { env, cwd: folder });
  expect(JSON.parse(stdout)).toEqual([[4, 9], false]);
});
