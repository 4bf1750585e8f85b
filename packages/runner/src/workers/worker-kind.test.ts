import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Child } from "../testing/child.ts";
import { temporaryFolder } from "../testing/temporary-home.ts";

test("what modules make of the arguments of the program is the same in workers", async () => {
  const script = join(temporaryFolder(), "scales.mjs");
  const library = fileURLToPath(new URL("../index.ts", import.meta.url));
  writeFileSync(
    script,
    `import { parseArgs } from "node:util";
     import { func, LocalRunner } from ${JSON.stringify(library)};
     const { values } = parseArgs({ options: { home: { type: "string" }, factor: { type: "string" } } });
     if (values.factor === undefined) process.exit(2);
     const scaled = func({
       id: "scaled",
       standalone: true,
       run: (number) => ({ product: number * Number(values.factor), pid: process.pid }),
     });
     const { product, pid } = await new LocalRunner({ home: values.home }).run(scaled(6));
     console.log(product, pid === process.pid);`,
  );
  const { stdout, stderr } = await new Child(script, ["--factor", "7", "--home", temporaryFolder()]).ended;
  expect({ stdout, stderr }).toEqual({ stdout: "42 false\n", stderr: "" });
});
