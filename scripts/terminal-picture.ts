// Draws what `reprise run` shows in a terminal, as an SVG: `node scripts/terminal-picture.ts FILE PICTURE.svg [MOMENT]`.
//
// It runs the pipeline with --json, lets the command's own renderer draw the tree as it was at MOMENT (0 to 1 of the time
// that the run took; default 0.6), and turns the colors into SVG. Build first.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { painter } from "../packages/cli/src/terminal/paint.ts";
import { renderTree } from "../packages/cli/src/tree/render-tree.ts";
import { textWidth } from "../packages/cli/src/terminal/text-width.ts";
import { RunTree } from "../packages/cli/src/tree/run-tree.ts";
import { root } from "./root.ts";
import { mustRun } from "./run.ts";

const width = 92;
const lineHeight = 19;
const cell = 8.43;
const margin = 18;

/** Colors of a dark terminal, by the numbers of the escape sequences. */
const colors: Readonly<Record<string, string>> = {
  "31": "#ff7b72",
  "32": "#56d364",
  "33": "#e3b341",
  "34": "#79c0ff",
  "36": "#56d4dd",
  "90": "#8b949e",
};

type Event = Parameters<RunTree["apply"]>[0];

/** The tree as it was when `moment` of the time had passed. */
async function treeLines(file: string, moment: number): Promise<string[]> {
  const home = await mkdtemp(join(tmpdir(), "reprise-picture-"));
  try {
    const program = join(root, "packages/reprise/dist/bin.js");
    const output = await mustRun(process.execPath, [program, "run", file, "--json", "--home", home], { cwd: root });
    const lines = output.split("\n").filter((line) => line.startsWith("{"));
    const events = lines.map((line) => JSON.parse(line) as Event & { readonly time?: number });
    const times = events.map(({ time }) => time).filter((time) => time !== undefined);
    const start = Math.min(...times);
    const now = start + (Math.max(...times) - start) * moment;
    const tree = new RunTree();
    for (const event of events) if (event.time !== undefined && event.time <= now) tree.apply(event);
    return renderTree(tree, { width, height: 40, now, paint: painter(true) });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Text with escape sequences as pieces of SVG, each in its color; each starts at its own column, whatever the font. */
function spans(line: string): string {
  let column = 0;
  let color = "";
  let dim = false;
  let result = "";
  for (const part of line.split(/(\u001B\[[0-9;]*m)/)) {
    const code = /^\u001B\[(\d+)m$/.exec(part)?.[1];
    if (code === undefined) {
      if (part === "") continue;
      const style = `${color === "" ? "" : ` fill="${color}"`}${dim ? ' opacity="0.6"' : ""}`;
      const x = (margin + column * cell).toFixed(1);
      const length = (textWidth(part) * cell).toFixed(1);
      result += `<tspan x="${x}" textLength="${length}" lengthAdjust="spacingAndGlyphs"${style}>${escapeXml(part)}</tspan>`;
      column += textWidth(part);
    } else if (code === "2") dim = true;
    else if (code === "22") dim = false;
    else color = colors[code] ?? "";
  }
  return result;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function picture(lines: readonly string[]): string {
  const wide = Math.round(width * cell + 2 * margin);
  const high = lines.length * lineHeight + 2 * margin;
  const rows = lines.map(
    (line, index) => `<text y="${margin + 14 + index * lineHeight}" xml:space="preserve">${spans(line)}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${wide} ${high}" width="${wide}" height="${high}" role="img" aria-label="reprise run in a terminal">
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<g font-family="ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14" fill="#e6edf3">
${rows.join("\n")}
</g>
</svg>
`;
}

const [file, target, moment = "0.6"] = process.argv.slice(2);
if (file === undefined || target === undefined) {
  console.error("Usage: node scripts/terminal-picture.ts FILE PICTURE.svg [MOMENT]");
  process.exitCode = 2;
} else {
  const lines = await treeLines(file, Number(moment));
  const prompt = `\u001B[32m$\u001B[39m npx reprise run ${relative(root, join(root, file))}`;
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, picture([prompt, ...lines]));
  console.log(lines.join("\n"));
}
