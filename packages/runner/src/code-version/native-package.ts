import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface Manifest {
  readonly main?: unknown;
  readonly binary?: unknown;
  readonly napi?: unknown;
  readonly gypfile?: unknown;
  readonly cpu?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Packages that find or build the native part of those that depend on them. */
const finders = new Set([
  "@mapbox/node-pre-gyp",
  "bindings",
  "cmake-js",
  "nan",
  "node-addon-api",
  "node-gyp-build",
  "node-gyp-build-optional-packages",
  "node-pre-gyp",
  "pkg-prebuilds",
  "prebuild-install",
]);

/** Names of packages of one platform, as `@img/sharp-linux-x64`. */
const ofPlatform =
  /(?:^|[-/@])(?:aix|android|darwin|freebsd|linux|linuxmusl|openbsd|sunos|win32)[-_](?:arm|ia32|x64|x86|ppc|s390|riscv|loong)/;

/** Whether the package in a folder has parts that are no JavaScript, which a bundle cannot hold. */
export function isNativePackage(folder: string): boolean {
  if (["binding.gyp", "prebuilds", "build/Release"].some((name) => existsSync(join(folder, name)))) return true;
  const { main, binary, napi, gypfile, cpu, dependencies, optionalDependencies } = manifestOf(folder);
  if (binary !== undefined || napi !== undefined || gypfile === true || cpu !== undefined) return true;
  if (typeof main === "string" && main.endsWith(".node")) return true;
  return (
    Object.keys(dependencies ?? {}).some((name) => finders.has(name)) ||
    Object.keys(optionalDependencies ?? {}).some((name) => ofPlatform.test(name))
  );
}

function manifestOf(folder: string): Manifest {
  try {
    return (JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest | null) ?? {};
  } catch {
    return {};
  }
}
