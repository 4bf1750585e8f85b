import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { join, resolve } from "node:path";
import { CHUNK_SIZE, combineChunkDigests, digestBytes, RepriseError } from "@reprise/core";
import { blobFailure } from "../blobs/blob-failure.ts";
import { openNew, syncFolder } from "../blobs/durable-files.ts";
import type { CodeBundle, CodeStore, KeptCode, KeptCodeEntry } from "./code-store.ts";
import { ifThere, succeeds } from "../if-there.ts";

/** Moments of keeping a program, in order; tests end the process at each. */
export type KeepStep = "created" | "written" | "synced" | "renamed";

/** Options of a local code store. */
export interface LocalCodeStoreOptions {
  /** Called at each step of keeping a program, to try what a crash there leaves. Default: nothing. */
  readonly onStep?: (step: KeepStep) => void;
}

const moduleName = "program.mjs";
const mapName = "program.mjs.map";
const aboutName = "about.json";
/** Version of the text about a program. */
const format = 1;

/** So long, in ms, a text is kept that nobody asks for: 30 days. */
const memoAge = 30 * 24 * 3_600_000;

/** What stands beside a module. */
interface About extends Omit<CodeBundle, "program" | "map"> {
  readonly format: number;
  readonly programBytes: number;
  readonly map: string;
  readonly mapBytes: number;
}

/**
 * Programs in a folder:
 *
 * - `<digest>/program.mjs`, `program.mjs.map`, `about.json`: a kept program. The folder is written under another name,
 *   flushed to the disk and renamed: a program is there as a whole or not at all, whenever the process ends;
 * - `memo/`: texts by key; `tmp/`: what is being written or removed.
 *
 * Readable by the owner alone.
 */
export class LocalCodeStore implements CodeStore {
  readonly place: string;
  readonly #temporary: string;
  readonly #memos: string;
  readonly #onStep: (step: KeepStep) => void;
  /** Programs that were whole when this store looked. */
  readonly #whole = new Set<string>();

  constructor(folder: string, options: LocalCodeStoreOptions = {}) {
    this.place = resolve(folder);
    this.#temporary = join(this.place, "tmp");
    this.#memos = join(this.place, "memo");
    this.#onStep = options.onStep ?? (() => undefined);
  }

  put(bundle: CodeBundle): Promise<string> {
    return this.#wrap(async () => {
      const digest = await digestOf(bundle.program);
      if ((await this.#touch(digest)) && (await this.#isSound(digest))) return digest;
      const fresh = this.#fresh();
      try {
        await mkdir(fresh, { recursive: true, mode: 0o700 });
        this.#onStep("created");
        await this.#write(fresh, bundle);
        await this.#publish(fresh, digest);
      } finally {
        // What cannot be removed now is swept later, and must not hide why it is there.
        await rm(fresh, { recursive: true, force: true }).catch(() => undefined);
      }
      return digest;
    });
  }

  find(digest: string): Promise<KeptCode | undefined> {
    return this.#wrap(async () => {
      if (!isDigest(digest) || !(await isThere(this.#folder(digest)))) return undefined;
      const about = await this.#read(digest);
      if (about === undefined) throw damaged(digest, this.#folder(digest));
      const { entry, notes, funcs } = about;
      return { digest, file: join(this.#folder(digest), moduleName), entry, notes, funcs };
    });
  }

  touch(digest: string): Promise<boolean> {
    return this.#wrap(() => this.#touch(digest));
  }

  recall(key: string): Promise<string | undefined> {
    return this.#wrap(async () => {
      const file = this.#memo(key);
      const text = await ifThere(readFile(file, "utf8"));
      const now = Date.now() / 1_000;
      if (text !== undefined) await succeeds(utimes(file, now, now));
      return text;
    });
  }

  remember(key: string, text: string): Promise<void> {
    return this.#wrap(async () => {
      const fresh = this.#fresh();
      await writeNew(fresh, this.#temporary, text, false);
      await mkdir(this.#memos, { recursive: true, mode: 0o700 });
      await rename(fresh, this.#memo(key));
    });
  }

  list(): Promise<readonly KeptCodeEntry[]> {
    return this.#wrap(async () => {
      const found: KeptCodeEntry[] = [];
      for (const digest of (await namesIn(this.place)).filter(isDigest)) {
        const folder = this.#folder(digest);
        const about = await this.#about(digest);
        const usedAt =
          (await ifThere(stat(join(folder, aboutName))))?.mtimeMs ?? (await ifThere(stat(folder)))?.mtimeMs;
        // Without a time it was removed meanwhile.
        if (usedAt === undefined) continue;
        found.push({ digest, entry: about?.entry ?? "", bytes: (await sizeOf(folder)).bytes, usedAt });
      }
      return found;
    });
  }

  /** As with blobs: first moved away, then looked at, so that whoever marks it as used meanwhile is seen or sees. */
  remove(digests: readonly string[], { unusedSince }: { readonly unusedSince: number }): Promise<readonly string[]> {
    return this.#wrap(async () => {
      const removed: string[] = [];
      await mkdir(this.#temporary, { recursive: true, mode: 0o700 });
      for (const digest of digests.filter(isDigest)) {
        const away = this.#fresh();
        if (!(await succeeds(rename(this.#folder(digest), away)))) continue;
        const usedAt = (await ifThere(stat(join(away, aboutName))))?.mtimeMs ?? 0;
        if (usedAt >= unusedSince && (await succeeds(rename(away, this.#folder(digest))))) continue;
        await rm(away, { recursive: true, force: true });
        removed.push(digest);
      }
      return removed;
    });
  }

  sweep(before: number, { dryRun = false }: { readonly dryRun?: boolean } = {}) {
    return this.#wrap(async () => {
      const removed = { files: 0, bytes: 0 };
      for (const [folder, age] of [
        [this.#temporary, 0],
        [this.#memos, memoAge],
      ] as const) {
        for (const name of await namesIn(folder)) {
          const path = join(folder, name);
          const status = await ifThere(stat(path));
          if (status === undefined || status.mtimeMs >= before - age) continue;
          const held = await sizeOf(path);
          if (!dryRun) await rm(path, { recursive: true, force: true });
          removed.files += held.files;
          removed.bytes += held.bytes;
        }
      }
      return removed;
    });
  }

  #folder(digest: string): string {
    return join(this.place, digest);
  }

  #fresh(): string {
    return join(this.#temporary, `${process.pid}-${randomUUID()}`);
  }

  #memo(key: string): string {
    return join(this.#memos, `${digestBytes(Buffer.from(key))}.json`);
  }

  async #write(folder: string, { program, map, entry, notes, funcs }: CodeBundle): Promise<void> {
    const about: About = {
      format,
      entry,
      notes,
      funcs,
      programBytes: program.length,
      map: await digestOf(map),
      mapBytes: map.length,
    };
    await writeNew(join(folder, moduleName), folder, program);
    await writeNew(join(folder, mapName), folder, map);
    await writeNew(join(folder, aboutName), folder, JSON.stringify(about));
    this.#onStep("written");
    await syncFolder(folder);
    this.#onStep("synced");
  }

  async #publish(fresh: string, digest: string): Promise<void> {
    const target = this.#folder(digest);
    if (!(await succeeds(rename(fresh, target)))) {
      // Another process has just kept it; or what is there is damaged, and makes room.
      if ((await this.#touch(digest)) && (await this.#isSound(digest))) return;
      const away = this.#fresh();
      await succeeds(rename(target, away));
      await rename(fresh, target);
      await rm(away, { recursive: true, force: true });
    }
    this.#onStep("renamed");
    await syncFolder(this.place);
  }

  async #touch(digest: string): Promise<boolean> {
    if (!isDigest(digest)) return false;
    const folder = this.#folder(digest);
    const now = Date.now() / 1_000;
    if (!(await succeeds(utimes(join(folder, aboutName), now, now)))) return false;
    if (this.#whole.has(digest)) return true;
    const about = await this.#about(digest);
    if (about === undefined) return false;
    const [program, map] = await Promise.all([moduleName, mapName].map((name) => ifThere(stat(join(folder, name)))));
    if (program?.size !== about.programBytes || map?.size !== about.mapBytes) return false;
    this.#whole.add(digest);
    return true;
  }

  async #isSound(digest: string): Promise<boolean> {
    return (await this.#read(digest)) !== undefined;
  }

  /** What is known of a program whose every byte is as it was written; undefined if one is not. */
  async #read(digest: string): Promise<About | undefined> {
    const folder = this.#folder(digest);
    const about = await this.#about(digest);
    const [program, map] = await Promise.all(
      [moduleName, mapName].map((name) => ifThere(readFile(join(folder, name)))),
    );
    if (about === undefined || program === undefined || map === undefined) return undefined;
    return (await digestOf(program)) === digest && (await digestOf(map)) === about.map ? about : undefined;
  }

  async #about(digest: string): Promise<About | undefined> {
    const text = await ifThere(readFile(join(this.#folder(digest), aboutName), "utf8"));
    try {
      const about = JSON.parse(text ?? "null") as About | null;
      return about?.format === format ? about : undefined;
    } catch {
      return undefined;
    }
  }

  async #wrap<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw blobFailure(error, this.place);
    }
  }
}

function damaged(digest: string, folder: string): RepriseError {
  return new RepriseError(
    "CODE_NOT_KEPT",
    `The kept program ${digest.slice(0, 12)} in ${folder} is damaged: it is not what was kept, so it is not executed. ` +
      `Re-run with the code of now, or restore the folder from a backup.`,
  );
}

function isDigest(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

/** Bytes that are hashed sooner than a thread is asked to. */
const fewBytes = 256 * 1024;

/** As `digestBytes`, beside what the program does. */
async function digestOf(bytes: Uint8Array): Promise<string> {
  if (bytes.length <= fewBytes) return digestBytes(bytes);
  const chunks: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; start += CHUNK_SIZE) {
    const chunk = bytes.slice(start, start + CHUNK_SIZE);
    chunks.push(new Uint8Array(await crypto.subtle.digest("SHA-256", chunk)));
  }
  const [only] = chunks;
  if (only === undefined || chunks.length > 1) return combineChunkDigests(bytes.length, chunks);
  return Buffer.from(only).toString("hex");
}

async function writeNew(path: string, folder: string, content: Uint8Array | string, sync = true): Promise<void> {
  await using file = await openNew(path, folder);
  await file.writeFile(content);
  if (sync) await file.datasync();
}

/** Files at or below a path. */
async function sizeOf(path: string): Promise<{ readonly files: number; readonly bytes: number }> {
  const status = await ifThere(stat(path));
  if (status === undefined) return { files: 0, bytes: 0 };
  if (!status.isDirectory()) return { files: 1, bytes: status.size };
  const parts = await Promise.all((await namesIn(path)).map((name) => sizeOf(join(path, name))));
  return parts.reduce((sum, part) => ({ files: sum.files + part.files, bytes: sum.bytes + part.bytes }), {
    files: 0,
    bytes: 0,
  });
}

async function isThere(path: string): Promise<boolean> {
  return (await ifThere(stat(path))) !== undefined;
}

async function namesIn(path: string): Promise<readonly string[]> {
  return (await ifThere(readdir(path))) ?? [];
}
