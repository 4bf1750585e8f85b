#!/usr/bin/env node
import { enableCompileCache } from "node:module";

// Before anything else is loaded, which is why the rest is imported here and not above.
enableCompileCache();
const { main } = await import("@reprise/cli");
const isSource = import.meta.url.endsWith(".ts");
await main({
  argv: process.argv.slice(2),
  env: process.env,
  cwd: process.cwd(),
  // Touching a standard stream opens it; the driver process shares the input.
  get stdin() {
    return process.stdin;
  },
  get stdout() {
    return process.stdout;
  },
  get stderr() {
    return process.stderr;
  },
  packageFile: new URL("../package.json", import.meta.url),
  driverFile: new URL(isSource ? "./driver.ts" : "./driver.js", import.meta.url),
});
