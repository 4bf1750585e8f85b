import { RepriseError } from "../errors.ts";
import type { Decoder } from "./decoder.ts";

export function readRegistered(decoder: Decoder): unknown {
  const name = decoder.string();
  const data = decoder.value();
  const type = decoder.registry.named(name);
  if (type?.decode === undefined) {
    throw new RepriseError(
      "TYPE_UNKNOWN",
      `The stored value is of the type "${name}", which this program ${
        type === undefined ? "has not registered" : "has registered without decode"
      }. Import the module that calls registerType or registerClass with this name, or register the type.`,
    );
  }
  try {
    return type.decode(data);
  } catch (error) {
    throw new RepriseError(
      "TYPE_FAILED",
      `decode of type "${name}" threw: ${error instanceof Error ? error.message : String(error)}. Make it accept everything that its encode has ever stored.`,
      { cause: error },
    );
  }
}
