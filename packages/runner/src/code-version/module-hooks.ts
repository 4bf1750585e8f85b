import * as nodeModule from "node:module";

/** Where modules lie that a program imports. */
export interface ModulePlaces {
  /** URL of the library that executes. */
  readonly library: string;
  /** URL of a module that finds the packages that the library is made of. */
  readonly inside: string;
  /** Beginning of the URLs of the library's modules. */
  readonly own: string;
  /** URL of a program that was kept, if it is one. */
  readonly program?: string | undefined;
  /** URL of the file that it was made of: from there its imports are looked for. */
  readonly entry?: string | undefined;
}

interface Context {
  readonly parentURL?: string | undefined;
}

interface Resolved {
  readonly url: string;
}

type Next = (specifier: string, context?: Context) => Resolved | Promise<Resolved>;

/** The places of this very library. */
export function libraryPlaces(): Pick<ModulePlaces, "library" | "inside" | "own"> {
  const inside = import.meta.url;
  const url = import.meta.resolve("reprise");
  if (!inside.endsWith(".ts")) return { library: url, inside, own: new URL("./", inside).href };
  // Sources that execute as they are do not use what was built of them.
  const library = url.replace(/dist\/index\.js$/, "src/index.ts");
  return { library, inside, own: new URL("../../../", inside).href };
}

/**
 * Lets a program find the library that executes, so that its funcs are known to it; and a program that was kept the
 * packages where its source would have found them. For as long as the process lives: it may import something later.
 */
export function placeModules(places: ModulePlaces): void {
  // Node before 22.15 has only hooks in a thread of their own, and none for `require`.
  if (typeof nodeModule.registerHooks === "function") {
    nodeModule.registerHooks(makeHooks(places) as unknown as nodeModule.RegisterHooksOptions);
    return;
  }
  const text = `export const { resolve } = (${makeHooks.toString()})(${JSON.stringify(places)});`;
  // oxlint-disable-next-line typescript/no-deprecated
  nodeModule.register(`data:text/javascript,${encodeURIComponent(text)}`);
}

/**
 * The URL by which a module of the user's is loaded anew, and with it all that it imports but packages, if its modules are
 * placed. The first loading has no number.
 */
export function loadedAnew(url: string, generation: number): string {
  return generation === 0 ? url : `${url}?reprise-load=${generation}`;
}

/**
 * Its text executes in the thread of hooks too, so it uses nothing but its parameter, and nothing inside has a name of its
 * own that a bundler would keep by calling a helper.
 */
function makeHooks(places: ModulePlaces) {
  return {
    resolve(specifier: string, context: Context, next: Next): unknown {
      if (specifier === "reprise") return { url: places.library, shortCircuit: true };
      if (specifier.startsWith("reprise/") || specifier.startsWith("@reprise/")) {
        return next(specifier, { ...context, parentURL: places.inside });
      }
      const [parent, generation] = (context.parentURL ?? "").split("?reprise-load=");
      const isKept = parent === places.program;
      const found = next(specifier, isKept ? { ...context, parentURL: places.entry } : context);
      if (generation === undefined) return found;
      // What a module that was loaded anew imports is loaded anew with it.
      const then = {
        anew(one: Resolved): Resolved {
          const { url } = one;
          const stays = !url.startsWith("file:") || url.includes("/node_modules/") || url.startsWith(places.own);
          return stays ? one : { ...one, url: `${url}?reprise-load=${generation}` };
        },
      };
      return found instanceof Promise ? found.then((one) => then.anew(one)) : then.anew(found);
    },
  };
}
