import { join } from "node:path";
import type { Home } from "@reprise/store";
import { KeyMaker } from "./key-maker.ts";
import { FuncVersions } from "./versions.ts";

/** What makes keys for a home. */
export interface KeyMaking {
  readonly keys: KeyMaker;
  readonly versions: FuncVersions;
}

const makers = new WeakMap<Home, KeyMaking>();

/** What makes keys for a home: what it finds out about the code is kept there, and remembered in this process. */
export function keyMakingOf(home: Home): KeyMaking {
  let making = makers.get(home);
  if (making === undefined) {
    const versions = new FuncVersions({ folder: join(home.path, "code-digests") });
    making = { versions, keys: new KeyMaker({ versions }) };
    makers.set(home, making);
  }
  return making;
}
