// A process that executes bodies for a driver.
import { enableCompileCache } from "node:module";

// Without it, Node would strip the types of the user's files anew each time, which costs more than all the rest.
enableCompileCache();
const { workerMain } = await import("./worker-main.ts");
workerMain();
