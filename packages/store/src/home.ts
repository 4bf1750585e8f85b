import { chmodSync, existsSync, mkdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { ArtifactStore } from "./artifact-store.ts";
import type { Backend } from "./backend.ts";
import type { BlobStore } from "./blob-store.ts";
import type { CacheStore } from "./cache/cache-store.ts";
import { type CacheStoreOptions, SqliteCacheStore } from "./cache/sqlite-cache-store.ts";
import { Settings } from "./settings.ts";
import type { ConnectionOptions } from "./sqlite/connection.ts";
import type { CodeStore } from "./code/code-store.ts";
import { HomeFiles } from "./home-files.ts";
import type { LeaseTimes } from "./sqlite/heartbeat.ts";
import { SqliteBackend } from "./sqlite/sqlite-backend.ts";
import { readOnly } from "./sqlite/sqlite-failure.ts";

/** Which home to open. */
export interface HomeOptions extends Pick<ConnectionOptions, "busyTimeout" | "maxPages"> {
  /** The folder. Default: the environment variable `REPRISE_HOME`, else `.reprise` in the user's home folder. */
  readonly path?: string;
  /** How this process says that it is alive while it drives pipeline runs and computes what others wait for. */
  readonly lease?: LeaseTimes;
}

/** A folder that holds everything that reprise keeps: the database, the blobs, the settings. */
export interface Home extends AsyncDisposable {
  readonly path: string;
  /** Opened at first use, which may throw `STORE_…`; so may `artifacts`. */
  readonly backend: Backend;
  readonly blobs: BlobStore;
  readonly artifacts: ArtifactStore;
  /** The programs of pipeline runs. */
  readonly code: CodeStore;
  readonly settings: Settings;
  /** Opened at first use by its methods, which reject or throw `STORE_…`; getting it never throws. */
  readonly cache: CacheStore;
  /** Makes a fresh, private folder for a body. Whoever asked removes it; garbage collection removes what a crash left. */
  makeWorkdir(): string;
}

/** The folder of a home: `path` if given, else `REPRISE_HOME`, else `~/.reprise`. */
export function homePath(path?: string): string {
  const { REPRISE_HOME: fromEnvironment } = process.env;
  if (path !== undefined && path !== "") return resolve(path);
  return fromEnvironment ? resolve(fromEnvironment) : join(homedir(), ".reprise");
}

/**
 * Opens a home, creating it if needed, closed to other users. Its parts are opened at first use.
 *
 * Rejects with `STORE_READ_ONLY` if the folder cannot be made.
 *
 * @example
 * ```ts
 * await using home = await openHome();
 * console.log(await home.backend.listPipelineRuns());
 * ```
 */
export async function openHome(options: HomeOptions = {}): Promise<Home> {
  const path = homePath(options.path);
  try {
    makeFolder(path);
    closeToOthers(path);
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (typeof code === "string" && cannotBeMade.has(code)) throw readOnly(path, { cause: error });
    throw error;
  }
  return new LocalHome(path, options, () => SqliteBackend.open(join(path, databaseName), options));
}

/**
 * Opens a home to look at it. Nothing is created, upgraded or repaired; a home that does not exist looks empty.
 */
export async function openHomeForReading(options: HomeOptions = {}): Promise<Home> {
  const path = homePath(options.path);
  const database = join(path, databaseName);
  return new LocalHome(path, { ...options, readOnly: true }, () =>
    existsSync(database) ? SqliteBackend.open(database, { ...options, readOnly: true }) : SqliteBackend.empty(database),
  );
}

const databaseName = "reprise.db";
/** Apart from the records, so that a full, damaged or read-only cache never harms a run. */
const cacheName = "cache.db";

class LocalHome extends HomeFiles implements Home {
  readonly settings: Settings;
  readonly cache: CacheStore;
  readonly #openBackend: () => Backend;
  #backend: Backend | undefined;
  #artifacts: ArtifactStore | undefined;

  constructor(path: string, options: CacheStoreOptions, openBackend: () => Backend) {
    super(path);
    this.settings = new Settings(join(path, "settings.json"));
    this.cache = new SqliteCacheStore(join(path, cacheName), options);
    this.#openBackend = openBackend;
  }

  get backend(): Backend {
    this.#backend ??= this.#openBackend();
    return this.#backend;
  }

  get artifacts(): ArtifactStore {
    this.#artifacts ??= new ArtifactStore(this.backend, this.blobs);
    return this.#artifacts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.blobs[Symbol.asyncDispose]();
    await this.cache[Symbol.asyncDispose]();
    await this.#backend?.[Symbol.asyncDispose]();
  }
}

/** ENOENT: the folder above is there, but takes none, as those of `/proc`. ENOTDIR: what is above is a file. */
const cannotBeMade = new Set(["EACCES", "EPERM", "EROFS", "ENOENT", "ENOTDIR"]);

/** Step by step, because Node's own recursion never ends where the system says that a folder that exists does not. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  const above = dirname(path);
  if (!existsSync(above)) makeFolder(above);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process has just made it.
    if ((error as { code?: unknown }).code !== "EEXIST") throw error;
  }
}

/** Values and settings may be secret. A folder that somebody else made and shares is left as it is. */
function closeToOthers(path: string): void {
  if (process.platform === "win32") return;
  const { mode, uid } = statSync(path);
  if ((mode & 0o077) !== 0 && uid === process.getuid?.()) chmodSync(path, 0o700);
}
