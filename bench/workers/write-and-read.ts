// The limit of large values: a process makes an array, writes it to a file, reads it again and sums it. Given the file and the
// length; a process of its own, so that what the driver of a pipeline needs of memory can be told apart.
import { open, readFile } from "node:fs/promises";
import { startClock } from "../measure/stopwatch.ts";
import { numbersFrom, sumOf } from "./numbers.ts";

const [path = "", length = ""] = process.argv.slice(2);
const clock = startClock();
const file = await open(path, "w");
await file.write(new Uint8Array(numbersFrom(Number(length)).buffer));
await file.sync();
await file.close();
sumOf(new Float64Array((await readFile(path)).buffer));
process.stdout.write(JSON.stringify(clock()));
