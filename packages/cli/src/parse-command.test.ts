import { RepriseError } from "@reprise/core";
import { describe, expect, it } from "vitest";
import { commandTable } from "./command-table.ts";
import { parseCommand } from "./parse-command.ts";

function spec(name: string) {
  const found = commandTable.find((command) => command.name === name);
  if (found === undefined) throw new Error(`no command ${name}`);
  return found;
}

function problem(name: string, ...args: string[]): string {
  try {
    parseCommand(spec(name), args);
  } catch (error) {
    if (RepriseError.is(error, "USAGE")) return error.message;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("parseCommand", () => {
  it("reads flags, values in both forms and short names", () => {
    const { positionals, values } = parseCommand(spec("ls"), ["--json", "-n", "5", "--func=train", "--home", "/x"]);
    expect(positionals).toEqual([]);
    expect(values).toEqual({ json: true, limit: "5", func: "train", home: "/x" });
  });

  it("collects what `run` does not know as input, in order, and keeps a missing value apart from an empty one", () => {
    const { positionals, rest, values } = parseCommand(spec("run"), [
      "a.ts",
      "--size=3",
      "--fast",
      "--note=",
      "--size=4",
      "--quiet",
      "--import=tsx",
      "--import",
      "./x.ts",
    ]);
    expect(positionals).toEqual(["a.ts"]);
    expect(rest).toEqual([
      ["size", "3"],
      ["fast", null],
      ["note", ""],
      ["size", "4"],
    ]);
    expect(values).toEqual({ quiet: true, import: ["tsx", "./x.ts"] });
  });

  it("takes fields that are named as an option behind --", () => {
    expect(parseCommand(spec("run"), ["a.ts", "--", "--home=x", "--json"]).rest).toEqual([
      ["home", "x"],
      ["json", null],
    ]);
  });

  it("refuses unknown options with the nearest known one", () => {
    expect(problem("ls", "--limt=3")).toContain('unknown option --limt. Did you mean "--limit"?');
  });

  it("refuses missing and superfluous values and arguments and says how to call it", () => {
    expect(problem("ls", "--limit")).toContain("--limit needs a value: --limit N");
    expect(problem("gc", "--dry-run=yes")).toContain("--dry-run takes no value");
    expect(problem("show")).toContain("RUN is missing.\nUsage: reprise show RUN");
    expect(problem("show", "a", "b")).toContain('unexpected argument "b"');
    expect(problem("ls", "--limit=1", "--limit=2")).toContain("given twice");
    expect(problem("run", "a.ts", "--size", "3")).toContain("--name=value");
    expect(problem("run", "a.ts", "--", "size")).toContain("is no input field");
  });

  it("asks for no argument when help is wanted", () => {
    expect(parseCommand(spec("show"), ["--help"]).values).toEqual({ help: true });
  });
});
