import { stripVTControlCharacters } from "node:util";

// Wide: East Asian full-width and emoji. Zero: marks that combine, joiners, variation selectors.
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3fffd}]/u;
const zero = /^(?:\p{Mark}|[\u200b-\u200f]|\p{Variation_Selector})$/u;
const plain = /^[\x20-\x7e]*$/;

/** Columns that a text takes in a terminal; escape sequences take none. */
export function textWidth(text: string): number {
  const visible = stripVTControlCharacters(text);
  if (plain.test(visible)) return visible.length;
  let width = 0;
  for (const character of visible) width += characterWidth(character);
  return width;
}

/** Cuts a text to so many columns, with `…` at the end where it was cut; styles stay intact and closed. */
export function fitText(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  let width = 0;
  let result = "";
  let styled = false;
  for (const part of text.split(/(\x1b\[[0-9;]*m)/)) {
    if (part.startsWith("\x1b[")) {
      result += part;
      styled = true;
      continue;
    }
    for (const character of part) {
      const next = characterWidth(character);
      if (width + next > columns - 1) return `${result}…${styled ? "\x1b[0m" : ""}`;
      width += next;
      result += character;
    }
  }
  return result;
}

/** Fills a text with spaces on the right (or left) up to so many columns. */
export function padText(text: string, columns: number, side: "left" | "right" = "right"): string {
  const space = " ".repeat(Math.max(0, columns - textWidth(text)));
  return side === "right" ? text + space : space + text;
}

/** A user's line made safe for a terminal: tabs become spaces; what moves the cursor or erases is removed, colors stay. */
export function tameLine(line: string, colored: boolean): string {
  const text = line.replaceAll("\t", "    ");
  if (!colored) return stripVTControlCharacters(text).replace(/[\x00-\x08\x0b-\x1f\x7f]/g, "");
  return text
    .replace(/\x1b\[[0-9;?]*[A-HJKSTfhilnsu]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[=>78cDEHM]/g, "")
    .replace(/[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]/g, "");
}

function characterWidth(character: string): number {
  if (zero.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}
