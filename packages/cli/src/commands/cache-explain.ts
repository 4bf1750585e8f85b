import { RepriseError } from "@reprise/core";
import type { Command } from "../host.ts";

export const cacheExplain: Command = () => Promise.reject(new RepriseError("USAGE", "not there yet"));
