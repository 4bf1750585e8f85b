// Passes a large array between worker processes. Arguments: home, length. Tells the result and the most memory that the
// driver has used, in MB.
import { LocalRunner } from "../index.ts";
import { bigPipeline } from "./standalone-funcs.ts";

const [home = "", length = ""] = process.argv.slice(2);
const before = process.resourceUsage().maxRSS / 1024;
const result = await new LocalRunner({ home }).run(bigPipeline(Number(length)));
const used = process.resourceUsage().maxRSS / 1024 - before;
console.log(JSON.stringify({ ...result, used: Math.round(used) }));
