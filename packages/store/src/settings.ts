import { randomUUID } from "node:crypto";
import { chmod, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RepriseError } from "@reprise/core";
import { blobFailure } from "./blobs/blob-failure.ts";
import { settingKey, settingKeys } from "./setting-keys.ts";

/** A setting as it is listed. */
export interface SettingEntry {
  readonly key: string;
  /** Null if it is not set. A secret is masked. */
  readonly value: string | null;
  readonly description: string;
  readonly secret: boolean;
}

const mask = "********";
// A lock that is older belongs to a process that was killed: writing takes milliseconds.
const staleLock = 10_000;

/**
 * The user's settings: a JSON file that its owner alone can read. Sematic keeps the same in `~/.sematic/settings.yaml`.
 *
 * Every method rejects with `SETTING_UNKNOWN` for a key that is not known.
 *
 * @example
 * ```ts
 * await home.settings.set("SNOWFLAKE_USER", "ada");
 * ```
 */
export class Settings {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** The value as it was set, secrets too; undefined if it is not set. */
  async get(key: string): Promise<string | undefined> {
    settingKey(key);
    return (await this.#load())[key];
  }

  /** Sets a value; rejects with `INVALID_OPTION` for one that the setting does not take. */
  async set(key: string, value: string): Promise<void> {
    const reason = settingKey(key).check?.(value);
    if (reason !== undefined)
      throw new RepriseError("INVALID_OPTION", `Setting ${key} cannot be "${value}": ${reason}.`);
    await this.#change((values) => {
      values[key] = value;
    });
  }

  /** Removes a value; false if it was not set. */
  async delete(key: string): Promise<boolean> {
    settingKey(key);
    let wasSet = false;
    await this.#change((values) => {
      wasSet = Object.hasOwn(values, key);
      delete values[key];
    });
    return wasSet;
  }

  /** Every known setting, by name; secrets are masked. */
  async list(): Promise<readonly SettingEntry[]> {
    const values = await this.#load();
    return Object.entries(settingKeys).map(([key, { description, secret }]) => {
      const value = values[key];
      return { key, value: value === undefined ? null : secret ? mask : value, description, secret };
    });
  }

  async #load(): Promise<Record<string, string>> {
    try {
      await this.#closeToOthers();
      return this.#parse(await readFile(this.#file, "utf8"));
    } catch (error) {
      if ((error as { code?: unknown }).code === "ENOENT") return {};
      throw blobFailure(error, this.#file);
    }
  }

  #parse(text: string): Record<string, string> {
    try {
      const values: unknown = JSON.parse(text);
      if (typeof values !== "object" || values === null || Array.isArray(values)) throw new Error("it is no object");
      // A key of a newer release is kept, and not shown.
      return Object.fromEntries(Object.entries(values).filter(([, value]) => typeof value === "string"));
    } catch (error) {
      throw new RepriseError(
        "STORE_FAILED",
        `The settings in ${this.#file} cannot be read (${(error as Error).message}). ` +
          `Mend the file, or remove it and set what you need again.`,
        { cause: error },
      );
    }
  }

  /** A file that others can read (restored from a backup, edited with another umask) is closed before it is used. */
  async #closeToOthers(): Promise<void> {
    if (process.platform === "win32" || ((await stat(this.#file)).mode & 0o077) === 0) return;
    try {
      await chmod(this.#file, 0o600);
    } catch (error) {
      throw new RepriseError(
        "STORE_FAILED",
        `${this.#file} may hold passwords and can be read by other users. Close it: chmod 600 ${this.#file}`,
        { cause: error },
      );
    }
  }

  /** Reads, changes and replaces the file while no other process does. */
  async #change(change: (values: Record<string, string>) => void): Promise<void> {
    const lock = `${this.#file}.lock`;
    const fresh = `${this.#file}.${randomUUID()}`;
    try {
      await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 });
      await takeLock(lock);
      try {
        const values = await this.#load();
        change(values);
        {
          await using file = await open(fresh, "wx", 0o600);
          await file.writeFile(`${JSON.stringify(values, null, 2)}\n`);
          await file.sync();
        }
        await rename(fresh, this.#file);
      } finally {
        await rm(fresh, { force: true });
        await rm(lock, { force: true });
      }
    } catch (error) {
      throw blobFailure(error, this.#file);
    }
  }
}

async function takeLock(lock: string): Promise<void> {
  for (;;) {
    try {
      await (await open(lock, "wx", 0o600)).close();
      return;
    } catch (error) {
      if ((error as { code?: unknown }).code !== "EEXIST") throw error;
    }
    const taken = await stat(lock).catch(() => undefined);
    if (taken !== undefined && Date.now() - taken.mtimeMs > staleLock) await rm(lock, { force: true });
    else await sleep(10);
  }
}
