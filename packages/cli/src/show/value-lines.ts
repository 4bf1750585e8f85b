import { RepriseError } from "@reprise/core";
import type { Home } from "@reprise/store";
import type { Output } from "../output.ts";
import { renderValue } from "../values/render-value.ts";
import { formatBytes } from "../when.ts";

const readUpTo = 4_000_000;

/** Lines that show a stored value, or say why it is not shown: too large, damaged, of a type that is known only to its program. */
export async function valueLines(home: Home, artifactId: string, output: Output, maxLines: number): Promise<string[]> {
  try {
    const stored = await home.backend.getArtifact(artifactId);
    if (stored === undefined) return [output.paint("red", "the artifact is not in the store")];
    const { size, summary, typeName } = stored.artifact;
    const options = { colored: output.colored, paint: output.paint, width: output.width - 4, maxLines };
    if (size > readUpTo) {
      const told = summary === null ? [] : renderValue(summary, options);
      return [output.paint("dim", `${typeName}, ${formatBytes(size)}; reprise artifact get reads it`), ...told];
    }
    return renderValue(await home.artifacts.read(artifactId), options);
  } catch (error) {
    if (!RepriseError.is(error)) throw error;
    return [output.paint("dim", error.message)];
  }
}
