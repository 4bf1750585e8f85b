// The process that runs a pipeline file for the command line.
import { enableCompileCache } from "node:module";

// Without it, Node would strip the types of the user's files anew each time, which costs more than all the rest.
enableCompileCache();
const { driverMain } = await import("@reprise/cli");
await driverMain();
