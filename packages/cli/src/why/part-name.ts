/** How a part of the code is called: `tokenize()` for a function, `func "train"` for a func. */
export function partName(func: string, name: string, source: string): string {
  if (name === func) return `func "${func}" itself`;
  if (/^[\w$]+\s*=\s*func\s*[(<]/.test(source)) return `func ${name}`;
  if (/^(?:export\s+)?(?:default\s+)?(?:abstract\s+)?class\b/.test(source)) return `class ${name}`;
  return isFunction(source) ? `${name}()` : name;
}

function isFunction(source: string): boolean {
  return (
    /^(?:export\s+)?(?:default\s+)?(?:async\s+)?function\b/.test(source) ||
    /^[\w$]+[^=]*=\s*(?:async\s+)?(?:function\b|[\w$]+\s*=>|(?:<[^(]*>)?\([^)]*\)[^;]{0,200}?=>)/.test(source)
  );
}
