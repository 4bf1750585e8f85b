import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder that holds the whole repository. */
export const root = fileURLToPath(new URL("..", import.meta.url));

const packageOf: Readonly<Record<string, string>> = {
  attw: "@arethetypeswrong/cli",
  tsc: "@typescript/native",
  tsc6: "typescript",
};

/** The script of an installed command, to be run with `process.execPath` rather than with whatever PATH offers. */
export function bin(command: string): string {
  const home = join(root, "node_modules", packageOf[command] ?? command);
  const manifest = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as {
    bin: string | Record<string, string>;
  };
  const script = typeof manifest.bin === "string" ? manifest.bin : manifest.bin[command];
  if (script === undefined) throw new Error(`${home} has no command ${command}.`);
  return join(home, script);
}
