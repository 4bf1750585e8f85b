/** What a program is to be made of. */
export interface ProgramOrder {
  /** Absolute path of the source file to begin with. */
  readonly entry: string;
  /** When the program that executes was loaded, in ms since 1970: a file that was written later is not what executes. */
  readonly loadedAt: number;
  /** Whether Node itself takes the types out of the program's files, so that nothing but types is left out. */
  readonly strips: boolean;
  /** Conditions under which Node chooses among the files of a package, besides its own. */
  readonly conditions: readonly string[];
  /** Ids of funcs that bring the digests of their code with them, because the program is a bundle already. */
  readonly embedded: readonly string[];
}

/** A program that was made. */
export interface MadeProgram {
  readonly program: Uint8Array<ArrayBuffer>;
  readonly map: Uint8Array<ArrayBuffer>;
  readonly notes: readonly string[];
  /** Absolute paths of the project's own files in it. */
  readonly sources: readonly string[];
  /** What it was made of, as {@link ProgramInputs} in JSON. */
  readonly inputs: string;
}

/** Why a bundle that holds the library is not kept: the copy that loads it cannot execute what another copy has made. */
export const holdsLibrary = `it is a bundle that holds a copy of reprise itself; leave the library outside, as with esbuild's external: ["reprise"]`;
