/** A mail as it arrived, and whether people called it spam. */
export interface RawMail {
  /** Name that is unique in the corpus, such as `easy-ham-1/00042`. */
  readonly id: string;
  readonly spam: boolean;
  /** Headers and body, as received. */
  readonly source: string;
}

/** What a reader sees of a mail. */
export interface CleanMail {
  readonly id: string;
  readonly spam: boolean;
  readonly subject: string;
  /** The body as plain text, without markup, encodings and the footer of a mailing list. */
  readonly text: string;
  /** What the mail shows besides its words: `html`, `image`, `reply`, `sender:example.com`, … Without spaces, each once. */
  readonly marks: readonly string[];
}

/** A mail as the models see it. */
export interface PreparedMail {
  readonly id: string;
  readonly spam: boolean;
  readonly subject: string;
  /** The tokens in order, with one space between two. One text is stored and read much faster than a list of words. */
  readonly tokens: string;
  /** What the mail shows besides its words, with one space between two. */
  readonly marks: string;
  /** The beginning of subject and text, letter by letter, with all digits alike: where disguised words show. */
  readonly letters: string;
}
