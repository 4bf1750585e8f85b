// Tab, line ends, form feed and escape occur in texts (logs have colours); other control characters mean binary content.
const binary = /[\0-\x08\x0b\x0e-\x1a\x1c-\x1f]/;

/** The beginning of a file as text, if it is text in UTF-8; `head` may end inside a character. */
export function textPreview(head: Uint8Array): string | undefined {
  if (head.length === 0) return undefined;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
    return binary.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
