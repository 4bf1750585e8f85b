// Fails when package-lock.json lacks packages that a locked package may need on some platform: npm sometimes writes
// such a lock, `npm ci` then refuses it or installs a tool without its binary. It needs no install and no new Node, so
// that it can run before `npm ci`.
import { readFileSync } from "node:fs";

const lock = JSON.parse(readFileSync(new URL("../package-lock.json", import.meta.url), "utf8"));
const incomplete = [];

/** Whether the package locked at `path` finds `name` as Node would: in its own node_modules or in one further up. */
function isLocked(path, name) {
  const folders = path.split("/");
  for (let depth = folders.length; depth >= 0; depth -= 1) {
    if ([...folders.slice(0, depth), "node_modules", name].join("/").replace(/^\//, "") in lock.packages) return true;
  }
  return false;
}

for (const [path, { version, optionalDependencies = {} }] of Object.entries(lock.packages)) {
  const missing = Object.keys(optionalDependencies).filter((name) => !isLocked(path, name));
  if (missing.length > 0) incomplete.push(`${path || "."}@${version}: ${missing.join(", ")}`);
}

if (incomplete.length > 0) {
  console.error(`package-lock.json misses optional packages of:\n  ${incomplete.join("\n  ")}`);
  console.error("Resolve again, best to a date a few weeks back: npm install --before=YYYY-MM-DD");
  process.exit(1);
}
console.log(`package-lock.json is complete: ${Object.keys(lock.packages).length} packages`);
