import { RepriseError } from "@reprise/core";

/** What is known of a setting. */
export interface SettingKey {
  readonly description: string;
  /** Shown masked. */
  readonly secret: boolean;
  /** Why a value is refused; undefined if it is accepted. */
  readonly check?: (value: string) => string | undefined;
}

const text = (description: string): SettingKey => ({ description, secret: false });

/** Every setting. Those for Snowflake have the names that they have in Sematic. */
export const settingKeys: Readonly<Record<string, SettingKey>> = {
  CACHE_NAMESPACE: {
    description: "Namespace of cache entries where a runner names none; `default` unless it is set.",
    secret: false,
    check: (value) => (value.trim() === "" ? "it has to be a text that is not empty" : undefined),
  },
  CONCURRENCY: {
    description: "How many bodies run at once in a driver unless a runner says otherwise, e.g. 64.",
    secret: false,
    check: (value) => (/^[1-9]\d{0,5}$/.test(value) ? undefined : "it has to be a whole number from 1 to 999999"),
  },
  DURABILITY: {
    description: "`ordered` (the default): dependents start at once. `step`: a result is on disk before they start.",
    secret: false,
    check: (value) => (value === "ordered" || value === "step" ? undefined : "it has to be `ordered` or `step`"),
  },
  KEEP_CODE: {
    description:
      "Whether programs are kept, to be run again when their files have changed: `on` (the default) or `off`.",
    secret: false,
    check: (value) => (value === "on" || value === "off" ? undefined : "it has to be `on` or `off`"),
  },
  MAX_PARALLELISM: {
    description:
      "How many standalone bodies run at once unless a runner says otherwise; else as many as there are CPUs.",
    secret: false,
    check: (value) => (/^[1-9]\d{0,5}$/.test(value) ? undefined : "it has to be a whole number from 1 to 999999"),
  },
  SNOWFLAKE_ACCOUNT: text("Account identifier of Snowflake."),
  SNOWFLAKE_DATABASE: text("Database of Snowflake that is used where none is named."),
  SNOWFLAKE_PASSWORD: { description: "Password for Snowflake.", secret: true },
  SNOWFLAKE_ROLE: text("Role to take in Snowflake."),
  SNOWFLAKE_USER: text("User name for Snowflake."),
  SNOWFLAKE_WAREHOUSE: text("Warehouse that runs queries in Snowflake."),
};

/** What is known of the setting `key`; throws `SETTING_UNKNOWN`, which lists the known ones, the likeliest first. */
export function settingKey(key: string): SettingKey {
  const found = Object.hasOwn(settingKeys, key) ? settingKeys[key] : undefined;
  if (found !== undefined) return found;
  const known = Object.keys(settingKeys)
    .map((name) => ({ name, distance: distance(key.toUpperCase(), name) }))
    .sort((a, b) => a.distance - b.distance)
    .map(({ name }) => name);
  throw new RepriseError("SETTING_UNKNOWN", `There is no setting "${key}". The settings are: ${known.join(", ")}.`);
}

/** How many letters have to be changed, added or removed to make one word of the other. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [index, letter] of Array.from(a).entries()) {
    const next = [index + 1];
    for (let at = 1; at <= b.length; at++) {
      const replaced = (row[at - 1] ?? 0) + (letter === b[at - 1] ? 0 : 1);
      next.push(Math.min((row[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1, replaced));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
