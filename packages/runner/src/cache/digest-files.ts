import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { digestBytes } from "@reprise/core";
import type { CodeDigestCache } from "../code-digest/code-digests.ts";

/**
 * Keeps what is known of the code of programs in files of a folder, each with its digest in its first line: a damaged
 * one counts as missing. Nothing that goes wrong with them matters, as everything in them can be computed again.
 */
export class DigestFiles implements CodeDigestCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get(key: string): string | undefined {
    try {
      // In a process that has just started, nothing is done meanwhile that could not wait for a file of this size.
      const content = readFileSync(join(this.#folder, key), "utf8");
      const end = content.indexOf("\n");
      const text = content.slice(end + 1);
      return content.slice(0, end) === digestBytes(Buffer.from(text)) ? text : undefined;
    } catch {
      return undefined;
    }
  }

  async set(key: string, text: string): Promise<void> {
    const temporary = join(this.#folder, `${key}.${randomUUID()}.tmp`);
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await writeFile(temporary, `${digestBytes(Buffer.from(text))}\n${text}`, { mode: 0o600, flag: "wx" });
      await rename(temporary, join(this.#folder, key));
    } catch {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }
}
