// Says which pool a driver uses that executes a file: `spec-child.ts HOME FILE`.
import { pathToFileURL } from "node:url";
import { openHome } from "@reprise/store";
import { poolId, poolSpec } from "../pool-spec.ts";
import { tested } from "./tested-actor.ts";

const [path = "", file = ""] = process.argv.slice(2);
await import(pathToFileURL(file).href);
await using home = await openHome({ path });
const spec = await poolSpec({ home, program: { kind: "files", files: [file] }, environment: tested });
process.stdout.write(JSON.stringify({ id: poolId(spec), program: spec.program, codeVersion: spec.codeVersion }));
