import * as nodeModule from "node:module";

/** Where the modules lie that a kept program imports. */
export interface ModulePlaces {
  /** URL of the kept program. */
  readonly program: string;
  /** URL of the file that it was made of. */
  readonly entry: string;
  /** URL of the library that executes. */
  readonly library: string;
  /** URL of a module that finds the packages that the library is made of. */
  readonly inside: string;
}

interface Context {
  readonly parentURL?: string | undefined;
}

type Next = (specifier: string, context?: Context) => unknown;

/**
 * Lets a kept program find the library that executes, so that its funcs are known to it, and packages where its source
 * would have found them. For as long as the process lives: it may import something later.
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
      if (context.parentURL !== places.program) return next(specifier, context);
      return next(specifier, { ...context, parentURL: places.entry });
    },
  };
}
