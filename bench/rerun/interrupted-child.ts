// A driver that is killed when all runs but the last have ended. Given: the folder of the home, the shape, how many runs.
import { LocalRunner } from "reprise";
import { type ResumeName, resumeShapes } from "./pipelines.ts";

const [, , home, shape, count] = process.argv;
setInterval(() => undefined, 60_000);
await new LocalRunner({ home }).run(resumeShapes[shape as ResumeName].start(Number(count)));
