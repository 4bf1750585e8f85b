// The other end of a channel: says what it hears, and what it is told to do it does.
import { checkToWorker } from "../check-message.ts";
import { ipcChannel } from "../ipc-channel.ts";
import type { FromWorker, ToWorker } from "../protocol.ts";

const channel = ipcChannel<FromWorker, ToWorker>(process, checkToWorker);
channel.onMessage((message) => {
  if (message.type === "cancel") {
    const { task, reason } = message;
    if (reason === "raw") process.send?.({ type: "nonsense" });
    else if (reason === "exit") {
      channel.send({ type: "noCache", task });
      channel.send({ type: "await", task, wait: 1, run: "last" });
      process.on("exit", () => channel.flush());
      process.exit(3);
    } else {
      channel.send({ type: "await", task, wait: 1, run: reason });
      channel.send({ type: "await", task, wait: 2, run: reason });
      channel.send({ type: "warning", task, text: reason });
      channel.send({ type: "stopAwait", task, wait: 3 });
    }
  } else if (message.type === "end") {
    channel.send({ type: "warning", task: "t", text: "x".repeat(4_000_000) });
    void channel.sent().then(() => channel.close());
  }
});
