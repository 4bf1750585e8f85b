import { registerClass, RepriseError } from "@reprise/core";

/** What {@link Link} takes. */
export interface LinkOptions {
  /** An absolute URL with scheme and host. */
  readonly url: string;
  /** What the dashboard shows. Default: the URL. */
  readonly label?: string;
}

// A label or a button of the dashboard must never run code.
const codeSchemes = new Set(["javascript:", "vbscript:", "data:"]);

/**
 * A link to a page elsewhere (an experiment tracker, a report), which the dashboard shows as such. From Sematic's `Link`.
 * The address is part of the value; what is behind it is not: it is never fetched.
 *
 * @throws RepriseError `INVALID_OPTION` for a URL without scheme and host, or one that runs code.
 * @example
 * ```ts
 * const report = func("report", () => new Link({ url: "https://example.com/runs/7", label: "Run 7" }));
 * ```
 */
export class Link {
  readonly url: string;
  readonly label: string | undefined;

  constructor(options: LinkOptions) {
    const { url, label } = options;
    if (label !== undefined && typeof label !== "string") {
      throw new RepriseError("INVALID_OPTION", `Link: label must be a text, not ${typeof label}.`);
    }
    checkUrl(url);
    this.url = url;
    this.label = label;
    Object.freeze(this);
  }
}

function checkUrl(url: unknown): asserts url is string {
  const parsed = typeof url === "string" ? URL.parse(url) : null;
  // URL.parse forgives much (spaces around, `https:example.com`); the text itself must say scheme and host.
  const complete = typeof url === "string" && /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#][^\s]*$/i.test(url);
  if (parsed === null || parsed.host === "" || !complete) {
    throw new RepriseError(
      "INVALID_OPTION",
      `Link: ${typeof url === "string" ? JSON.stringify(url) : typeof url} is not a URL with scheme and host. Write it in full, as in "https://example.com/page".`,
    );
  }
  if (codeSchemes.has(parsed.protocol)) {
    throw new RepriseError("INVALID_OPTION", `Link: ${JSON.stringify(url)} runs code instead of naming a page.`);
  }
}

registerClass(Link, {
  name: "reprise/Link",
  encode: ({ url, label }: Link): LinkOptions => (label === undefined ? { url } : { url, label }),
  decode: (stored: LinkOptions) => new Link(stored),
  summary: ({ url, label }: Link) => ({ url, label: label ?? url }),
  render: "link",
});
