/** A piece of text that is found as a whole. */
export interface Passage {
  /** Page and heading, such as `files.md › Directories`. */
  readonly place: string;
  readonly text: string;
}

/** Shorter paragraphs say too little to be found by. */
const shortest = 60;

/** Cuts a page of Markdown into its paragraphs, items and rows, each with the heading above it. Code is left out. */
export function cutPage(page: string, markdown: string): Passage[] {
  const passages: Passage[] = [];
  let heading = "";
  for (const block of markdown.replaceAll(/^(`{3,})[\s\S]*?^\1\s*$/gm, "").split(/\n\s*\n|\n(?=[-|] )/)) {
    const title = /^#+ (.*)$/m.exec(block)?.[1];
    if (title !== undefined) heading = title;
    const text = block
      .replaceAll(/^#+ .*$|^- /gm, "")
      .replaceAll(/[\s|]+|-{3,}/g, " ")
      .trim();
    if (text.length >= shortest) passages.push({ place: heading === "" ? page : `${page} › ${heading}`, text });
  }
  return passages;
}
