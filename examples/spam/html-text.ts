import { Parser } from "htmlparser2";

/** The text of an HTML document as a reader sees it, and which notable elements it uses. */
export interface HtmlText {
  readonly text: string;
  /** Notable elements and tricks, each once: `image`, `form`, `script`, `colour`, `comment`. */
  readonly markup: readonly string[];
}

const unseen = new Set(["style", "script", "title", "head"]);
// Only these end a word: spam breaks words up with inline elements, as in `Via<b></b>gra`.
const blocks = new Set(
  "address article blockquote br center dd div dl dt form h1 h2 h3 h4 h5 h6 hr li ol option p pre table td th tr ul".split(
    " ",
  ),
);
const notable: Readonly<Record<string, string>> = { img: "image", form: "form", script: "script", iframe: "frame" };

/** Reads an HTML document, however broken. Addresses of links stay in the text, because readers can follow them. */
export function htmlToText(html: string): HtmlText {
  const parts: string[] = [];
  const markup = new Set<string>();
  let hidden = 0;
  const parser = new Parser({
    onopentag(name, attributes) {
      if (unseen.has(name)) hidden++;
      if (blocks.has(name)) parts.push("\n");
      const feature = notable[name];
      if (feature !== undefined) markup.add(feature);
      if ("color" in attributes || "bgcolor" in attributes) markup.add("colour");
      if (attributes["href"]?.includes(":")) parts.push(` ${attributes["href"]} `);
    },
    ontext(text) {
      if (hidden === 0) parts.push(text);
    },
    oncomment() {
      markup.add("comment");
    },
    onclosetag(name) {
      if (unseen.has(name)) hidden--;
      if (blocks.has(name)) parts.push("\n");
    },
  });
  parser.end(html);
  return { text: parts.join(""), markup: [...markup].sort() };
}
