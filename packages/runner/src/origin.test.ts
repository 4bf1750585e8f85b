import { describe, expect, test } from "vitest";
import { redactCommand } from "./origin.ts";

describe("a command line as it is recorded", () => {
  test.for([
    [["--token", "abc"], "--token …"],
    [["--api-key=abc"], "--api-key=…"],
    [["--apiKey=abc", "--dbPassword", "abc"], "--apiKey=… --dbPassword …"],
    [["GITHUB_TOKEN=abc", "aws_secret_access_key=abc"], "GITHUB_TOKEN=… aws_secret_access_key=…"],
    [["https://user:pass@host/path"], "https://…@host/path"],
    [['{"password": "a\\"b", "n": 1}'], '"{\\"password\\": \\"…\\", \\"n\\": 1}"'],
    [['{"nested":{"apiKey":"abc"},"token":12}'], '"{\\"nested\\":{\\"apiKey\\":\\"…\\"},\\"token\\":\\"…\\"}"'],
    [["--auth", "--verbose"], "--auth --verbose"],
    [["https://host/a?access_token=abc&page=2#x"], '"https://host/a?access_token=…&page=2#x"'],
    [["https://bucket/key?X-Amz-Date=1&X-Amz-Signature=abc"], '"https://bucket/key?X-Amz-Date=1&X-Amz-Signature=…"'],
    [["-H", "Authorization: Bearer abc"], '-H "Authorization: …"'],
    [["-H", "x-api-key: abc"], '-H "x-api-key: …"'],
    [["--header=Bearer abcdefgh.ijk"], '"--header=Bearer …"'],
  ] as const)("hides secrets: %j", ([words, expected]) => {
    expect(redactCommand(words)).toBe(expected);
  });

  test.for([
    [["--max-tokens=100", "--author=me", "--monkey", "x"], "--max-tokens=100 --author=me --monkey x"],
    [["train.ts", "--input", '{"path":"a b"}'], 'train.ts --input "{\\"path\\":\\"a b\\"}"'],
    [["https://host/path@2", "me@example.com"], "https://host/path@2 me@example.com"],
    [["file.ts:pipeline", "note: basic training"], 'file.ts:pipeline "note: basic training"'],
    [["https://host/?page=2&sort=name"], '"https://host/?page=2&sort=name"'],
  ] as const)("shows the rest as it can be typed: %j", ([words, expected]) => {
    expect(redactCommand(words)).toBe(expected);
  });
});
