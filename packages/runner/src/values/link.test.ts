import { expect, test } from "vitest";
import { Link } from "./link.ts";
import { idOf, restored } from "./testing/temporary-home.ts";

test("a link keeps its address as it was written, and its label", () => {
  const link = restored(new Link({ url: "https://Example.com/runs/7?a=b#c", label: "Run 7" }));
  expect(link).toBeInstanceOf(Link);
  expect([link.url, link.label]).toEqual(["https://Example.com/runs/7?a=b#c", "Run 7"]);
  expect(restored(new Link({ url: "s3://bucket/key" })).label).toBeUndefined();
});

test("address and label are the value", () => {
  const link = new Link({ url: "https://a.example/x", label: "x" });
  expect(idOf(new Link({ url: "https://a.example/x", label: "x" }))).toBe(idOf(link));
  expect(idOf(new Link({ url: "https://a.example/x" }))).not.toBe(idOf(link));
  expect(idOf(new Link({ url: "https://a.example/y", label: "x" }))).not.toBe(idOf(link));
});

test.each([
  "example.com/page",
  "/page",
  "//example.com/page",
  "https://",
  "https:example.com",
  "https:///page",
  "mailto:someone@example.com",
  "file:///etc/hosts",
  " https://example.com",
  "https://example.com/a b",
  "",
  undefined,
  null,
  7,
  new URL("https://example.com"),
])("a link to %o is refused: it has no scheme and host", (url) => {
  expect(() => new Link({ url: url as string })).toThrow(
    expect.objectContaining({ code: "INVALID_OPTION", message: expect.stringContaining("scheme and host") as string }),
  );
});

test.each(["javascript://example.com/%0aalert(1)", "data://example.com/,x"])("%s is refused: it is code", (url) => {
  expect(() => new Link({ url })).toThrow("runs code");
});
