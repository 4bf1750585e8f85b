import { join } from "node:path";
import type { Home } from "@reprise/store";
import { KeyMaker } from "./key-maker.ts";
import { FuncVersions } from "./versions.ts";

const makers = new WeakMap<Home, KeyMaker>();

/** What makes keys for a home: what it finds out about the code is kept there, and remembered in this process. */
export function keyMakerOf(home: Home): KeyMaker {
  let maker = makers.get(home);
  if (maker === undefined) {
    maker = new KeyMaker({ versions: new FuncVersions({ folder: join(home.path, "code-digests") }) });
    makers.set(home, maker);
  }
  return maker;
}
