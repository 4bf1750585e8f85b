import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { appendFile, chmod, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RepriseError } from "@reprise/core";
import { expect, test } from "vitest";
import { context } from "../context.ts";
import { func } from "../func.ts";
import { LocalRunner } from "../local-runner.ts";
import { DirectoryArtifact } from "./directory-artifact.ts";
import { FileArtifact } from "./file-artifact.ts";
import { temporaryHome } from "./testing/temporary-home.ts";

const { folder } = temporaryHome();
const content = randomBytes(200_000);
const workdirs: string[] = [];

const produce = func("produce", async () => {
  const path = join(context().workdir, "made.bin");
  await writeFile(path, content);
  await chmod(path, 0o755);
  mkdirSync(join(context().workdir, "folder/sub"), { recursive: true });
  writeFileSync(join(context().workdir, "folder/sub/file"), "in a folder");
  workdirs.push(context().workdir);
  return {
    file: await FileArtifact.from(path, { name: true }),
    folder: await DirectoryArtifact.from(join(context().workdir, "folder")),
  };
});

const spoil = func("spoil", async (file: FileArtifact) => {
  const path = await file.download();
  await appendFile(path, "spoiled");
  await rename(path, `${path}.old`);
  return dirname(dirname(path)) === context().workdir;
});

const look = func("look", async (file: FileArtifact, folderMade: DirectoryArtifact, _after: boolean) => {
  const path = await folderMade.download();
  return {
    whole: Buffer.compare(await file.bytes(), content) === 0,
    name: file.name,
    executable: file.executable,
    text: readFileSync(join(path, "sub/file"), "utf8"),
    passed: file,
  };
});

const pipeline = func("pipeline", () => {
  const made = produce();
  return look(made.file, made.folder, spoil(made.file));
});

test.each(["the default home", "a home of its own"])(
  "files go from run to run by content, copies are private, and the result outlives the run: %s",
  async (kind) => {
    const options = kind === "the default home" ? {} : { home: join(folder, "another-home") };
    await using runner = new LocalRunner({ ...options, forwardOutput: false });
    const { passed, ...result } = await runner.run(pipeline());
    expect(result).toEqual({ whole: true, name: "made.bin", executable: true, text: "in a folder" });
    expect(workdirs.every((path) => !existsSync(path))).toBe(true);
    expect(Buffer.compare(await passed.bytes(), content)).toBe(0);
    expect(Buffer.compare(readFileSync(await passed.download(join(folder, kind))), content)).toBe(0);
  },
);

test("a file that was made outside can be given to a pipeline of the same home", async () => {
  const path = join(folder, "given");
  writeFileSync(path, content);
  const size = func("size", async (file: FileArtifact) => (await file.bytes()).length);
  await using runner = new LocalRunner({ forwardOutput: false });
  expect(await runner.run(size(await FileArtifact.from(path)))).toBe(content.length);
  await using elsewhere = new LocalRunner({ home: join(folder, "third-home"), forwardOutput: false });
  const error = await elsewhere.run(size(await FileArtifact.from(path))).then(undefined, (reason: unknown) => reason);
  expect(RepriseError.is(error)).toBe(true);
  expect((error as Error).message).toContain("file(s) that are not in");
});
