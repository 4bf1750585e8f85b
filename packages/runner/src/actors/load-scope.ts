import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Body } from "../context.ts";

/** Something that must not be disposed of while somebody uses it. */
export interface Holdable {
  /** How many bodies and loads use it. */
  holders: number;
  /** Called when nobody uses it any more. */
  released(): void;
}

/** Code that uses what caches give it: a body, or the load of a cached function. */
export interface Holder {
  /** What it uses; undefined: nothing yet, null: it is over, and nobody would say again that it is. */
  held: Set<Holdable> | null | undefined;
}

/** Lets a holder keep what it uses. Where nobody executes that could tell when it is over, nothing is kept. */
export function hold(holder: Holder | undefined, entry: Holdable): void {
  if (holder === undefined || holder.held === null) return;
  if (holder.held === undefined) holder.held = new Set([entry]);
  else if (holder.held.has(entry)) return;
  else holder.held.add(entry);
  entry.holders += 1;
}

/** A holder is over. */
export function letGo(holder: Holder): void {
  const { held } = holder;
  holder.held = null;
  if (held === undefined || held === null) return;
  for (const entry of held) {
    entry.holders -= 1;
    if (entry.holders === 0) entry.released();
  }
}

/**
 * One load of a cached function. What it has used of other caches, and the files that it has fetched, stay as long as the
 * value that it made: the body that happened to ask first may be over long before.
 */
export class LoadScope implements Holder {
  /** The body that asked first, to whose log belongs what the load prints. */
  readonly body: Body | undefined;
  held: Set<Holdable> | null | undefined = undefined;
  #workdir: string | undefined = undefined;

  constructor(body: Body | undefined) {
    this.body = body;
  }

  /** A folder for files that the value needs; made when first asked for. */
  get workdir(): string {
    if (this.#workdir === undefined) {
      this.#workdir = mkdtempSync(join(tmpdir(), "reprise-cached-"));
      if (folders.size === 0) process.once("exit", removeAll);
      folders.add(this.#workdir);
    }
    return this.#workdir;
  }

  /** The value is gone. */
  end(): void {
    letGo(this);
    if (this.#workdir === undefined) return;
    remove(this.#workdir);
    folders.delete(this.#workdir);
    this.#workdir = undefined;
  }
}

/** Folders of values that are there, for when the process ends before they are disposed of. */
const folders = new Set<string>();

function removeAll(): void {
  for (const folder of folders) remove(folder);
}

function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // It is in the folder for temporary files, where others tidy up as well.
  }
}
