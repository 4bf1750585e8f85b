import { existsSync, readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { KeyRecord } from "@reprise/core";
import { describe, expect, it } from "vitest";
import { type Files, jsonOf, writeProgram } from "../code-digest/testing/programs.ts";
import { temporaryFolder } from "../testing/temporary-home.ts";
import { DigestFiles } from "./digest-files.ts";

interface Made {
  readonly key?: string;
  readonly record?: KeyRecord;
  readonly problem?: string;
  readonly isSame: boolean;
  readonly isSync: boolean;
  readonly closure?: readonly string[];
  readonly warnings: readonly string[];
  readonly moreWarnings: number;
}

const child = fileURLToPath(new URL("testing/key-child.ts", import.meta.url));

/** A program of several funcs, and the folder of its digests. */
function program(files: Files) {
  const folder = realpathSync(temporaryFolder());
  writeProgram(folder, files);
  const digests = join(folder, "home", "code-digests");
  return {
    folder,
    digests,
    files: () => (existsSync(digests) ? readdirSync(digests).map((name) => join(digests, name)) : []),
    make: async (keeps = true) =>
      (await jsonOf(child, [join(folder, "pipeline.ts"), ...(keeps ? [digests] : [])])) as Record<string, Made>,
  };
}

const pipeline = `import { func } from "reprise";
import { helper } from "./helper.ts";
const prefix = "a";
export const auto = func({ id: "auto", cache: {}, run: (n: number) => prefix + helper(n) });
export const body = func({ id: "body", cache: { version: "body" }, run: (n: number) => helper(n) + 1 });
export const given = func({ id: "given", cache: { version: "v1" }, run: (n: number) => helper(n) + 2 });
export const unseen = func({ id: "unseen", cache: {}, run: async (name: string) => import(name) });
const made = [1, 2].map((n) => func({ id: "made " + n, cache: {}, run: () => n }));
export const captured = made[0];
export const calls = { auto: [1], body: [1], given: [1], unseen: ["x"] };
`;
const helper = "export const helper = (n: number) => n * 2;\n";
const files = { "pipeline.ts": pipeline, "helper.ts": helper };

describe("a version", () => {
  it("is a digest of the code, known at once after the first time, or what was given", async () => {
    const { make } = program(files);
    const { auto, body, given, "made 1": captured } = await make();
    for (const made of [auto, body, given]) expect(made).toMatchObject({ isSame: true, isSync: true });
    expect(auto?.record?.version).toEqual({ kind: "auto", value: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
    expect(body?.record?.version).toEqual({ kind: "body", value: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
    expect(given?.record?.version).toEqual({ kind: "given", value: "v1" });
    expect(auto?.closure).toEqual(["auto", "prefix", "helper"]);
    expect(body?.closure).toEqual(["body"]);
    expect(given?.closure).toBeUndefined();
    expect(captured).toMatchObject({ isSame: true, isSync: true });
    expect(captured?.problem).toMatch(
      /^the version of func "made 1" cannot be computed: func "made 1" has no code digest: .*"n".*or give a version or a key\.$/,
    );
  });

  it("tells once what it cannot see", async () => {
    const { unseen, auto } = await program(files).make();
    expect(unseen?.key).toMatch(/^[0-9a-f]{64}$/);
    expect(unseen?.warnings).toHaveLength(1);
    expect(unseen?.moreWarnings).toBe(0);
    expect(auto?.warnings).toEqual([]);
  });

  it("follows helpers if it is automatic, only the body if that is asked for, and nothing if it is given", async () => {
    const { folder, make } = program(files);
    const before = await make();
    writeProgram(folder, { "helper.ts": helper.replace("2", "3") });
    const after = await make();
    expect(after["auto"]?.key).not.toBe(before["auto"]?.key);
    expect(after["body"]?.key).toBe(before["body"]?.key);
    expect(after["given"]?.key).toBe(before["given"]?.key);
    writeProgram(folder, { "pipeline.ts": pipeline.replace("helper(n) + 1", "helper(n) + 9").replace("+ 2", "+ 8") });
    const rewritten = await make();
    expect(rewritten["auto"]?.key).toBe(after["auto"]?.key);
    expect(rewritten["body"]?.key).not.toBe(after["body"]?.key);
    expect(rewritten["given"]?.key).toBe(after["given"]?.key);
  });
});

describe("digests in files", () => {
  // Below the line with its digest; what else is there says which files were read, and when they were changed.
  const funcsIn = (text: string) => (JSON.parse(text.slice(text.indexOf("\n"))) as { funcs: unknown }).funcs;

  it("are kept for their owner alone, and found by the next process", async () => {
    const { make, files: kept, digests } = program(files);
    const first = await make();
    const [file = ""] = kept();
    expect(kept()).toHaveLength(1);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(digests).mode & 0o777).toBe(0o700);
    const { ino } = statSync(file);
    expect(await make()).toEqual(first);
    // Only what is computed is written, into a file that takes the place of the old one.
    expect(statSync(file).ino).toBe(ino);
    expect(await make(false)).toEqual(first);
  });

  it("are computed again if they are damaged in any way", async () => {
    const { make, files: kept } = program(files);
    const first = await make();
    const [file = ""] = kept();
    const whole = readFileSync(file, "utf8");
    const digest = first["auto"]?.record?.version.value as string;
    expect(whole).toContain(digest);
    const damages = [
      whole.slice(0, whole.length / 2),
      "",
      whole.replace(digest, digest.replace(/[0-9]/, "f")),
      whole.slice(whole.indexOf("\n") + 1),
    ];
    for (const damaged of damages) {
      writeFileSync(file, damaged);
      expect(await make()).toEqual(first);
      expect(funcsIn(readFileSync(file, "utf8"))).toEqual(funcsIn(whole));
    }
  });

  it("are not kept where that is not possible, and nothing else comes of it", async () => {
    const { folder, make, files: kept } = program(files);
    writeFileSync(join(folder, "home"), "a file, not a folder");
    expect((await make())["auto"]?.key).toMatch(/^[0-9a-f]{64}$/);
    expect(kept()).toEqual([]);
  });

  it("leave nothing half written behind", async () => {
    const folder = temporaryFolder();
    const cache = new DigestFiles(folder);
    // A folder stands where the file should be.
    writeProgram(join(folder, "key"), {});
    await cache.set("key", "text");
    expect(readdirSync(folder)).toEqual(["key"]);
    expect(cache.get("key")).toBeUndefined();
    await Promise.all(["one", "two", "three"].map((text) => cache.set("other", text)));
    expect(["one", "two", "three"]).toContain(cache.get("other"));
    expect(readdirSync(folder)).toHaveLength(2);
  });
});
