// Runs a small pipeline and tells how it went. Arguments: home.
import { RepriseError } from "@reprise/core";
import { func, LocalRunner } from "../index.ts";

const [home = ""] = process.argv.slice(2);
const large = func("large", () => "a".repeat(100_000));

try {
  console.log((await new LocalRunner({ home }).run(large())).length);
} catch (error) {
  console.log(RepriseError.is(error) ? `${error.code} ${error.message}` : String(error));
}
