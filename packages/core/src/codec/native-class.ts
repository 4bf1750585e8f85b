/**
 * Name of the built-in class of an instance, also if the class is another realm's (a `vm` context, as some test runners
 * use): its prototype's constructor is native code and has that prototype. Undefined for instances of written classes.
 */
export function nativeClassName(prototype: object): string | undefined {
  const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, "constructor")?.value;
  if (typeof constructor !== "function" || constructor.prototype !== prototype) return undefined;
  return /^function (\w+)\(\) \{ \[native code\] \}$/.exec(Function.prototype.toString.call(constructor))?.[1];
}

/** Name of the class of an instance for messages; never used for identity, since minifiers change it. */
export function classNameOf(value: object): string {
  const prototype = Object.getPrototypeOf(value) as { constructor?: unknown } | null;
  const constructor = prototype?.constructor;
  return typeof constructor === "function" && constructor.name !== "" ? constructor.name : "an anonymous class";
}
