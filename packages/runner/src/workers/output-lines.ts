import { StringDecoder } from "node:string_decoder";

/** A longer line is cut into pieces, as those of bodies are. */
const maxLine = 64 * 1024;

/** Makes lines of the bytes of a stream. */
export class OutputLines {
  readonly #heard: (line: string) => void;
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";

  constructor(heard: (line: string) => void) {
    this.#heard = heard;
  }

  add(bytes: Uint8Array): void {
    this.#take(this.#rest + this.#decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)));
  }

  /** The stream is over: gives its last line, if that has no end. */
  end(): void {
    const rest = this.#rest + this.#decoder.end();
    this.#rest = "";
    if (rest !== "") this.#heard(rest);
  }

  #take(text: string): void {
    const lines = text.split("\n");
    let rest = lines.pop() ?? "";
    for (const line of lines)
      for (const piece of pieces(line.endsWith("\r") ? line.slice(0, -1) : line)) this.#heard(piece);
    if (rest.length > maxLine) {
      const cut = pieces(rest);
      rest = cut.pop() ?? "";
      for (const piece of cut) this.#heard(piece);
    }
    this.#rest = rest;
  }
}

/** A line in pieces, none of which ends between the two halves of a character. */
function pieces(line: string): string[] {
  const found: string[] = [];
  let from = 0;
  while (line.length - from > maxLine) {
    const last = line.charCodeAt(from + maxLine - 1);
    const end = from + maxLine - (last >= 0xd8_00 && last <= 0xdb_ff ? 1 : 0);
    found.push(line.slice(from, end));
    from = end;
  }
  found.push(line.slice(from));
  return found;
}
