/** What the names of a module stand for. */
export interface Names {
  /** Whether the module declares or imports a name. */
  has(name: string): boolean;
  /** Whether a name is a namespace import. */
  isSpace(name: string): boolean;
  /** Whether a name, or `space.member`, is the function that declares funcs. */
  isFunc(name: string): boolean;
  /** Whether a name, or `space.member`, is an actor environment. */
  isActor(name: string): boolean;
  /** The specifier of the module that a name is imported from. */
  moduleOf(name: string): string | undefined;
}

/** A text in a normal form: with its kind and length, so that nothing inside can be taken for what comes next. */
export function emitted(text: string, kind: string): string {
  return `${kind}:${text.length}:${text}`;
}
