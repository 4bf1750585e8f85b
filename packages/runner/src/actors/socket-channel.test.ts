import { createServer, connect, type Socket } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../testing/temporary-home.ts";
import { SocketChannel } from "./socket-channel.ts";

/** Both ends of a connection: a channel of texts, and the bare socket. */
async function connection() {
  const path = join(temporaryFolder(), "s");
  const server = createServer();
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const other = new Promise<Socket>((resolve) => server.once("connection", resolve));
  const bare = connect(path);
  onTestFinished(() => void bare.destroy());
  const channel = new SocketChannel<unknown, string>(await other, (value) => {
    if (typeof value !== "string") throw new TypeError("it is no text");
    return value;
  });
  const heard: string[] = [];
  const closed = new Promise<Error | undefined>((resolve) => channel.onClose(resolve));
  const arrived = (count: number) =>
    new Promise<string[]>((resolve) => {
      channel.onMessage((message) => {
        if (heard.push(message) === count) resolve(heard);
      });
    });
  return { bare, channel, closed, arrived, heard };
}

test("messages arrive whole and in order, however they are cut into pieces", async () => {
  const { bare, arrived } = await connection();
  const messages = ["a", "ü€😀".repeat(3), "x".repeat(300_000), 'line\n"break"'];
  const bytes = Buffer.from(messages.map((message) => `${JSON.stringify(message)}\n`).join(""));
  const all = arrived(messages.length);
  // Small pieces first, also within a character; then the rest.
  for (let at = 0; at < 64; at += 1) bare.write(bytes.subarray(at, at + 1));
  bare.write(bytes.subarray(64));
  expect(await all).toEqual(messages);
});

test("what was sent before it is closed still arrives, and the other end hears that it is closed", async () => {
  const { bare, channel } = await connection();
  let text = "";
  bare.setEncoding("utf8").on("data", (piece: string) => (text += piece));
  const ended = new Promise((resolve) => bare.once("close", resolve));
  const long = "y".repeat(1_000_000);
  channel.send(long);
  channel.close();
  channel.send("too late");
  await ended;
  expect(text).toBe(`${JSON.stringify(long)}\n`);
});

test.each([
  ["what is no JSON", "{]\n", /JSON/],
  ["what is not valid", "7\n", /it is no text/],
])("%s closes it, with the reason, and nothing after it is heard", async (_, text, reason) => {
  const { bare, closed, arrived, heard } = await connection();
  void arrived(99);
  bare.write(`"before"\n${text}"after"\n`);
  expect(await closed).toMatchObject({ code: "ACTOR_FAILED", message: expect.stringMatching(reason) as string });
  expect(heard).toEqual(["before"]);
});

test("the end of the other side closes it without an error", async () => {
  const { bare, closed, arrived } = await connection();
  void arrived(99);
  bare.end();
  expect(await closed).toBeUndefined();
});
