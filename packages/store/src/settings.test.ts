import { chmod, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RepriseError } from "@reprise/core";
import { describe, expect, test } from "vitest";
import { Settings } from "./settings.ts";
import { runNode, storeIndex, temporaryFolder } from "./testing/processes.ts";

async function newSettings() {
  const folder = await temporaryFolder();
  const file = join(folder, "home", "settings.json");
  return { folder, file, settings: new Settings(file) };
}

describe("settings", () => {
  test("a value is set, listed and deleted; looking creates nothing", async () => {
    const { folder, settings } = await newSettings();
    expect(await settings.get("SNOWFLAKE_USER")).toBeUndefined();
    expect((await settings.list()).every(({ value }) => value === null)).toBe(true);
    expect(await readdir(folder)).toEqual([]);
    await settings.set("SNOWFLAKE_USER", "ada");
    await settings.set("CONCURRENCY", "8");
    expect(await settings.get("SNOWFLAKE_USER")).toBe("ada");
    expect(await settings.list()).toContainEqual({
      key: "SNOWFLAKE_USER",
      value: "ada",
      description: "User name for Snowflake.",
      secret: false,
    });
    expect(await settings.delete("SNOWFLAKE_USER")).toBe(true);
    expect(await settings.delete("SNOWFLAKE_USER")).toBe(false);
    expect(await settings.get("SNOWFLAKE_USER")).toBeUndefined();
    expect(await settings.get("CONCURRENCY")).toBe("8");
  });

  test("a secret is masked in the list, and the file is closed to other users, also when it was not", async () => {
    const { file, settings } = await newSettings();
    await settings.set("SNOWFLAKE_PASSWORD", "hunter2");
    expect(JSON.stringify(await settings.list())).not.toContain("hunter2");
    expect((await settings.list()).find(({ key }) => key === "SNOWFLAKE_PASSWORD")?.value).toBe("********");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await chmod(file, 0o644);
    expect(await settings.get("SNOWFLAKE_PASSWORD")).toBe("hunter2");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test("an unknown key lists the known ones, the nearest first", async () => {
    const { settings } = await newSettings();
    const unknown = (message: RegExp) => (error: unknown) =>
      RepriseError.is(error, "SETTING_UNKNOWN") && message.test(error.message);
    await expect(settings.set("SNOWFLAKE_PASWORD", "x")).rejects.toSatisfy(unknown(/are: SNOWFLAKE_PASSWORD, /));
    await expect(settings.get("concurency")).rejects.toSatisfy(
      unknown(/"concurency".*are: CONCURRENCY, .*SNOWFLAKE_USER/),
    );
    await expect(settings.delete("__proto__")).rejects.toSatisfy(unknown(/__proto__/));
  });

  test("a value that a setting does not take is refused with the reason", async () => {
    const { settings } = await newSettings();
    await expect(settings.set("CONCURRENCY", "many")).rejects.toThrow(/CONCURRENCY cannot be "many": .*whole number/);
    await expect(settings.set("CONCURRENCY", "0")).rejects.toThrow(/whole number/);
    await expect(settings.set("DURABILITY", "never")).rejects.toThrow(/`ordered` or `step`/);
    await settings.set("DURABILITY", "step");
  });

  test("a file that is no JSON is an error that names it, and is not overwritten", async () => {
    const { file, settings } = await newSettings();
    await settings.set("CONCURRENCY", "1");
    await writeFile(file, "{ oops");
    await expect(settings.set("CONCURRENCY", "2")).rejects.toThrow(/settings\.json cannot be read.*Mend the file/);
    expect(await readFile(file, "utf8")).toBe("{ oops");
  });

  test("a key of a newer release is kept", async () => {
    const { file, settings } = await newSettings();
    await settings.set("CONCURRENCY", "1");
    await writeFile(file, JSON.stringify({ FROM_THE_FUTURE: "x", CONCURRENCY: "1" }));
    await settings.set("CONCURRENCY", "2");
    expect(JSON.parse(await readFile(file, "utf8"))).toEqual({ FROM_THE_FUTURE: "x", CONCURRENCY: "2" });
    expect((await settings.list()).map(({ key }) => key)).not.toContain("FROM_THE_FUTURE");
  });

  test("processes that set different keys at once lose nothing, and leave nothing behind", async () => {
    const { file, settings } = await newSettings();
    const keys = ["SNOWFLAKE_USER", "SNOWFLAKE_ROLE", "SNOWFLAKE_ACCOUNT", "SNOWFLAKE_DATABASE", "SNOWFLAKE_WAREHOUSE"];
    const script = `
      import { Settings } from ${JSON.stringify(storeIndex)};
      const settings = new Settings(${JSON.stringify(file)});
      for (let index = 0; index < 20; index++) await settings.set(process.env.KEY, String(index));`;
    const ended = await Promise.all(keys.map((key) => runNode(script, { env: { KEY: key } })));
    expect(ended.map(({ stderr }) => stderr).join("")).toBe("");
    for (const key of keys) expect(await settings.get(key)).toBe("19");
    expect(await readdir(join(file, ".."))).toEqual(["settings.json"]);
  });

  test("the lock of a process that was killed does not last", async () => {
    const { file, settings } = await newSettings();
    await settings.set("CONCURRENCY", "1");
    await writeFile(`${file}.lock`, "");
    await utimes(`${file}.lock`, 1, 1);
    await settings.set("CONCURRENCY", "2");
    expect(await settings.get("CONCURRENCY")).toBe("2");
  });
});
