// Prints the digests of the samples, for a test that compares processes with each other.
import { encode } from "../encode.ts";
import { samples } from "./samples.ts";

const entries = Object.entries(samples(process.argv.includes("--reversed")));
process.stdout.write(JSON.stringify(Object.fromEntries(entries.map(([name, value]) => [name, encode(value).digest]))));
