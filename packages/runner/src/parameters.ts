/**
 * Names of a function's parameters, read from its text. A parameter that is taken apart (`{ a, b }`) is called `input`
 * if it is the only one, else by its position.
 */
export function parameterNames(run: (...args: never[]) => unknown): string[] {
  const list = splitParameters(parameterText(Function.prototype.toString.call(run)));
  return list.map((parameter, at) => {
    const name = /^\s*((?:\.\.\.)?\s*[\p{ID_Start}_$][\p{ID_Continue}$]*)/u.exec(parameter)?.[1];
    if (name !== undefined) return name.replaceAll(/\s/g, "");
    const dots = parameter.startsWith("...") ? "..." : "";
    return at === 0 ? `${dots}input` : `${dots}argument ${at + 1}`;
  });
}

/**
 * Values that a function's parameters have when they are left out, read from its text: by position, those that are
 * written as a literal. What has to be computed cannot be known.
 */
export function parameterDefaults(run: (...args: never[]) => unknown): ReadonlyMap<number, unknown> {
  const defaults = new Map<number, unknown>();
  const list = splitParameters(parameterText(Function.prototype.toString.call(run)));
  for (const [at, parameter] of list.entries()) {
    const text = /^[\p{ID_Start}_$][\p{ID_Continue}$]*\s*=(?!=|>)\s*(?<value>.*)$/su.exec(parameter)?.groups?.["value"];
    const literal = text === undefined ? undefined : literalOf(text.trim());
    if (literal !== undefined) defaults.set(at, literal.value);
  }
  return defaults;
}

/** The value of a literal, in the forms of minifiers too; undefined for anything else. */
function literalOf(text: string): { readonly value: unknown } | undefined {
  if (text === "true" || text === "!0") return { value: true };
  if (text === "false" || text === "!1") return { value: false };
  if (text === "null") return { value: null };
  if (/^-?(?:\d[\d_]*n|0n)$/.test(text)) return { value: BigInt(text.slice(0, -1).replaceAll("_", "")) };
  if (/^-?(?:0|[1-9][\d_]*|\d*\.\d+|\d+\.)(?:e[+-]?\d+)?$/i.test(text))
    return { value: Number(text.replaceAll("_", "")) };
  if (/^"(?:[^"\\\n]|\\["\\/bfnrt]|\\u[\da-f]{4})*"$/i.test(text)) return { value: JSON.parse(text) as unknown };
  const quoted = /^(?:'(?<single>[^'\\\n]*)'|`(?<template>[^`\\$]*)`)$/.exec(text)?.groups;
  const content = quoted?.["single"] ?? quoted?.["template"];
  return content === undefined ? undefined : { value: content };
}

/** Properties that an object is taken apart into. */
export interface PatternFields {
  /** Undefined if they cannot be told, because it takes what remains (`...others`) or a computed name. */
  readonly names: readonly string[] | undefined;
}

/** Into which properties a function takes its first parameter apart, read from its text; undefined if it does not. */
export function patternFields(run: (...args: never[]) => unknown): PatternFields | undefined {
  const [first = ""] = splitParameters(parameterText(Function.prototype.toString.call(run)));
  if (!first.startsWith("{")) return undefined;
  const names = splitParameters(first.slice(1, closing(first, 0))).map(propertyName);
  const known = names.filter((name) => name !== undefined);
  return { names: known.length === names.length ? known : undefined };
}

/** The property that an element of a pattern takes: `a`, `a: b`, `a = 1`, `"a b": c`, `1: d`. */
function propertyName(element: string): string | undefined {
  const name = /^(?:[\p{ID_Start}_$][\p{ID_Continue}$]*|\d+)(?=\s*(?:[:=]|$))/u.exec(element)?.[0];
  return name ?? /^(["'])([^\\]*?)\1(?=\s*:)/u.exec(element)?.[2];
}

/** Whether a parameter's name says that it receives the context. */
export function isContextName(name: string | undefined): boolean {
  return name !== undefined && /^_?(?:context|ctx)\d*$/.test(name);
}

/** The text between the parentheses of a function's head. */
function parameterText(text: string): string {
  const head = text.replace(/^\s*(?:async\b\s*)?(?:function\b\s*\*?\s*)?/, "");
  const bare = /^([\p{ID_Start}_$][\p{ID_Continue}$]*)\s*=>/u.exec(head);
  if (bare !== null) return bare[1] ?? "";
  const open = head.indexOf("(");
  if (open < 0) return "";
  const end = closing(head, open);
  return head.slice(open + 1, end);
}

function splitParameters(text: string): string[] {
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at = next(text, at)) {
    if (text[at] === ",") {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(text.slice(from));
  return parts.map(withoutComments).filter((part) => part.trim() !== "");
}

function withoutComments(text: string): string {
  let result = "";
  for (let at = 0; at < text.length;) {
    const isComment = text[at] === "/" && (text[at + 1] === "*" || text[at + 1] === "/");
    const isQuote = `"'\``.includes(text[at] as string);
    const end = isComment || isQuote ? next(text, at) : at + 1;
    result += isComment ? " " : text.slice(at, end);
    at = end;
  }
  return result.trim();
}

/** The position behind the token at `at`: strings, comments and brackets are one token each. */
function next(text: string, at: number): number {
  const char = text[at] as string;
  if ("([{".includes(char)) return closing(text, at) + 1;
  if (`"'\``.includes(char)) return closingQuote(text, at) + 1;
  if (char === "/" && text[at + 1] === "*") return endOr(text, text.indexOf("*/", at + 2), 2);
  if (char === "/" && text[at + 1] === "/") return endOr(text, text.indexOf("\n", at), 1);
  return at + 1;
}

function closing(text: string, open: number): number {
  let at = open + 1;
  while (at < text.length && !")]}".includes(text[at] as string)) at = next(text, at);
  return at;
}

function closingQuote(text: string, open: number): number {
  let at = open + 1;
  while (at < text.length && text[at] !== text[open]) at += text[at] === "\\" ? 2 : 1;
  return at;
}

function endOr(text: string, found: number, length: number): number {
  return found < 0 ? text.length : found + length;
}
