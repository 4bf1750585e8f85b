import { spawn } from "node:child_process";
import { once } from "node:events";
import { randomBytes } from "node:crypto";
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryHome } from "./testing/temporary-home.ts";

const { folder, home } = temporaryHome();
const module = new URL("file-artifact.ts", import.meta.url).href;
const size = 2 * 1024 ** 3 + 12_345;

const program = `
  import { FileArtifact } from ${JSON.stringify(module)};
  const [path, copy] = process.argv.slice(-2);
  const seen = [];
  const file = await FileArtifact.from(path, { onProgress: (bytes) => seen.push(bytes) });
  let length = 0;
  for await (const piece of file.stream()) length += piece.length;
  const tail = Buffer.concat(await Array.fromAsync(file.stream({ start: file.size - 5, end: file.size }))).toString("hex");
  await file.download(copy);
  const same = (await FileArtifact.from(path)).digest === file.digest;
  console.log(JSON.stringify({
    size: file.size, digest: file.digest, length, tail, same, reports: seen.length, last: seen.at(-1),
    rss: process.resourceUsage().maxRSS * 1024,
  }));
`;

test("a file of more than 2 GiB is stored, read and copied in constant memory, under a small heap", async () => {
  const path = join(folder, "huge");
  const file = openSync(path, "w");
  ftruncateSync(file, size - 5);
  const tail = randomBytes(5);
  writeSync(file, tail, 0, 5, size - 5);
  closeSync(file);
  const child = spawn(
    process.execPath,
    ["--max-old-space-size=200", "--input-type=module", "--eval", program, "--", path, join(folder, "copy")],
    { env: { ...process.env, REPRISE_HOME: home }, stdio: ["ignore", "pipe", "inherit"] },
  );
  const output = Buffer.concat(await Array.fromAsync(child.stdout)).toString();
  if (child.exitCode === null) await once(child, "exit");
  expect(child.exitCode).toBe(0);
  const result = JSON.parse(output) as { rss: number; reports: number };
  expect(result).toMatchObject({ size, length: size, tail: tail.toString("hex"), same: true, last: size });
  expect(result.reports).toBeGreaterThan(10);
  expect(result.rss).toBeLessThan(450 * 1024 ** 2);
}, 240_000);
