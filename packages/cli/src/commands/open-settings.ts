import { openHome, type Settings } from "@reprise/store";

/** The settings of the store. */
export async function openSettings(path: string | undefined): Promise<Settings> {
  const home = await openHome(path === undefined ? {} : { path });
  return home.settings;
}
