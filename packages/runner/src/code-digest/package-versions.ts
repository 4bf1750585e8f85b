import { readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { digestBytes } from "@reprise/core";
import { isFile } from "./resolve-module.ts";

interface Locked {
  readonly version?: string;
  readonly link?: boolean;
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
}

/**
 * Versions of installed packages, with a digest of the versions of all that they depend on.
 *
 * They are those of package-lock.json where the installed package agrees with it, else the installed package's own.
 */
export class PackageVersions {
  /** Files that were read. */
  readonly files = new Set<string>();
  readonly #locks = new Map<string, Readonly<Record<string, Locked>> | undefined>();
  readonly #versions = new Map<string, string>();

  /**
   * The version of the package in `folder`, as `4.6.6` or, if it depends on others, `4.6.6+3f2a…`: the part behind `+`
   * changes with any of their locked versions.
   *
   * @throws if the package has no package.json that can be read.
   */
  versionOf(folder: string): string {
    let version = this.#versions.get(folder);
    if (version === undefined) {
      version = this.#read(folder);
      this.#versions.set(folder, version);
    }
    return version;
  }

  #read(folder: string): string {
    const manifest = join(folder, "package.json");
    this.files.add(manifest);
    const installed = (JSON.parse(readFileSync(manifest, "utf8")) as { version?: string }).version ?? "0.0.0";
    const root = folder.slice(0, folder.indexOf(`${sep}node_modules${sep}`));
    const packages = this.#lock(root);
    if (packages === undefined) return installed;
    const key = relative(root, folder).split(sep).join("/");
    if (packages[key]?.version !== installed) return installed;
    const below = closureOf(key, packages);
    if (below.length === 0) return installed;
    const digest = digestBytes(Buffer.from(below.map((name) => `${name}@${packages[name]?.version ?? ""}`).join("\n")));
    return `${installed}+${digest.slice(0, 12)}`;
  }

  #lock(root: string): Readonly<Record<string, Locked>> | undefined {
    if (this.#locks.has(root)) return this.#locks.get(root);
    const file = join(root, "package-lock.json");
    let packages: Readonly<Record<string, Locked>> | undefined;
    if (isFile(file)) {
      this.files.add(file);
      ({ packages } = JSON.parse(readFileSync(file, "utf8")) as { packages?: Record<string, Locked> });
    }
    this.#locks.set(root, packages);
    return packages;
  }
}

/** Keys of all that a locked package depends on, sorted. */
function closureOf(start: string, packages: Readonly<Record<string, Locked>>): readonly string[] {
  const found = new Set<string>();
  const waiting = [start];
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    const { dependencies, optionalDependencies, peerDependencies } = packages[key] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
      const target = lockedKey(key, name, packages);
      if (target === undefined || target === start || found.has(target)) continue;
      found.add(target);
      waiting.push(target);
    }
  }
  return [...found].sort();
}

/** Where a package finds one that it depends on: in its own node_modules, or further out. */
function lockedKey(from: string, name: string, packages: Readonly<Record<string, Locked>>): string | undefined {
  for (let base = from; ; base = dirname(base)) {
    const prefix = base === "." || base === "" ? "" : `${base}/`;
    const key = `${prefix}node_modules/${name}`;
    if (!base.endsWith("node_modules") && packages[key]?.version !== undefined) return key;
    if (prefix === "") return undefined;
  }
}
