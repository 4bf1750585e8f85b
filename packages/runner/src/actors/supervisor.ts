/**
 * The program of the supervisor process: it owns the replicas of the actors of a home, for all drivers, and ends when there
 * are none any more. The home is named by `REPRISE_HOME`; what it tells goes to `supervisor.log` there.
 */
import { closeSync, ftruncateSync, writeSync } from "node:fs";
import { homePath } from "@reprise/store";
import { messageOf } from "../message-of.ts";
import { readyPipe } from "./supervisor-start.ts";
import { Supervisor } from "./supervisor-server.ts";

/** Above so many bytes the log begins anew: what replicas write past their bodies may be any amount. */
const longestLog = 8 * 1024 * 1024;
let logged = 0;

function log(text: string): void {
  const line = `${new Date().toISOString()} ${process.pid} ${text}\n`;
  logged += Buffer.byteLength(line);
  try {
    if (logged > longestLog) {
      ftruncateSync(process.stderr.fd, 0);
      logged = 0;
    }
    writeSync(process.stderr.fd, line);
  } catch {
    // A disk that is full ends no task.
  }
}

/** Tells whoever has started this process that trying to connect is worth it now. */
function sayReady(): void {
  try {
    writeSync(readyPipe, "\n");
    closeSync(readyPipe);
  } catch {
    // Nobody waits for it any more.
  }
}

async function supervise(): Promise<void> {
  const supervisor = new Supervisor({ home: homePath(), log });
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.on(signal, () => void supervisor.end(`it received ${signal}`));
  }
  process.on("uncaughtException", (error) => {
    log(`failed: ${error.stack ?? messageOf(error)}`);
    // Replicas end when this process does.
    process.exit(1);
  });
  if (!(await supervisor.listen())) {
    sayReady();
    return;
  }
  log("listens");
  sayReady();
  await supervisor.ended;
  log("has ended");
  process.exit(0);
}

// Not awaited: this file may become part of a bundle in CommonJS.
void supervise();
