#!/usr/bin/env node
// The command as npm links it. It stands in the repository, because npm links only what is there when it installs, and
// that is before anything is built. It is written so that even a Node that is too old for all the rest can say so.
import { existsSync } from "node:fs";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major > 22 || (major === 22 && minor >= 13)) {
  const built = new URL("../dist/bin.js", import.meta.url);
  // Before the first build the sources do, only slower to start.
  await import((existsSync(built) ? built : new URL("../src/bin.ts", import.meta.url)).href);
} else {
  console.error(
    `error: reprise needs Node 22.13 or newer; this is Node ${process.versions.node} at ${process.execPath}. ` +
      `Install a newer Node, or one for this project alone: npm install --save-dev node`,
  );
  process.exitCode = 2;
}
