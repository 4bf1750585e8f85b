import { expect, test } from "vitest";
import { tokenise, tokensOf } from "./tokenise.ts";

test("makes words small and stems them", () => {
  expect(tokensOf("Connections, connected; don't")).toEqual(["connect", "connect", "don't"]);
});

test("puts kinds of things in place of things that are hardly ever the same", () => {
  expect(tokensOf("$1,000 or 20% of 31.12.2002 to a.b@c.org!!")).toEqual([
    "#money",
    "or",
    "#percent",
    "of",
    "#number",
    "to",
    "#address",
    "#shout",
  ]);
});

test("tells what is odd about a link", () => {
  expect(tokensOf("http://10.1.2.3:8080/a?id=1")).toEqual(["#link", "#link-to-number", "#link-with-query"]);
  expect(tokensOf("www.example.com/logo.gif")).toEqual(["#link", "#link-to-image"]);
});

test("marks words in capitals and words too long to be words", () => {
  expect(tokensOf("FREE OK")).toEqual(["#capitals", "free", "ok"]);
  expect(tokensOf("x".repeat(25))).toEqual(["#long"]);
});

test("takes texts without spaces between words sign by sign", () => {
  expect(tokensOf("免費 abc")).toEqual(["免", "費", "abc"]);
});

test("keeps the words of the subject apart and all digits alike", () => {
  const mail = tokenise({
    id: "a/1",
    spam: true,
    subject: "Win 500",
    text: "Win\n 2  times",
    marks: ["html", "reply"],
  });
  expect(mail.tokens).toBe("subject:win subject:#number win #number time");
  expect(mail.letters).toBe("win 000 win 0 times");
  expect(mail.marks).toBe("html reply");
});
