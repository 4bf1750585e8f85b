// A script that ends with values in caches: nothing but its end says that they are not needed any more.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ActorEnvironment, FileArtifact } from "../index.ts";

const actor = new ActorEnvironment({ name: "to the end" });
const open = actor.cache(
  async (file: FileArtifact) => {
    const path = await file.download();
    writeFileSync(join(path, "..", "beside"), "");
    return path;
  },
  {
    dispose: async (path) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      console.log(`disposed, ${existsSync(path) ? "the file is there" : "the file is gone"}`);
    },
  },
);
const other = actor.cache(async (file: FileArtifact) => file.download());

const file = await FileArtifact.of("content");
console.log(await open(file));
console.log(await other(file));
