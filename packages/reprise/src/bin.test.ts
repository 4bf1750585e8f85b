import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

const home = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);

test("npm finds the command in a fresh clone, before anything is built, and it works", async () => {
  const manifest = JSON.parse(await readFile(join(home, "package.json"), "utf8")) as {
    version: string;
    bin: { reprise: string };
  };
  const fresh = await mkdtemp(join(tmpdir(), "reprise-clone-"));
  onTestFinished(() => rm(fresh, { recursive: true, force: true }));
  await cp(join(home, "bin"), join(fresh, "bin"), { recursive: true });
  await symlink(join(home, "src"), join(fresh, "src"));
  const { stdout } = await run(process.execPath, [join(fresh, manifest.bin.reprise), "version"]);
  expect(stdout.trim()).toBe(manifest.version);
});

test("a Node that is too old is told so, instead of what it lacks first", async () => {
  const old = "data:text/javascript,Object.defineProperty(process.versions,'node',{value:'22.12.0'})";
  const failed = run(process.execPath, ["--import", old, join(home, "bin/reprise.mjs"), "version"]);
  await expect(failed).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(
      /^error: reprise needs Node 22\.13 or newer; this is Node 22\.12\.0 at .*npm install/,
    ),
  });
});
