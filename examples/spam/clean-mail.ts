import PostalMime from "postal-mime";
import { htmlToText } from "./html-text.ts";
import type { CleanMail, RawMail } from "./mail.ts";
import { senderMarks } from "./sender-marks.ts";

/**
 * Turns a mail into what its reader sees: subject and body, decoded, and a few marks of how its sender wrote it.
 *
 * Headers that servers wrote are left out on purpose. In this corpus spam and good mail were collected through different
 * servers and in different months, so a model that sees `Received` or `Date` scores brilliantly here and fails in every
 * other mailbox. For the same reason the marks of mailing lists are removed.
 */
export async function cleanMail(mail: RawMail): Promise<CleanMail> {
  const email = await PostalMime.parse(withoutEnvelope(mail.source));
  const { subject = "", text = "", html } = email;
  // Some senders declare HTML as plain text.
  const markup = html ?? (looksLikeHtml(text) ? text : undefined);
  const page = markup === undefined ? undefined : htmlToText(markup);
  return {
    id: mail.id,
    spam: mail.spam,
    subject: tidy(subject.replace(listMark, " ")),
    // When a mail has both forms, readers see the HTML one.
    text: tidy(withoutListFooter(page?.text ?? text)),
    marks: [...senderMarks(email), ...(page === undefined ? ["plain"] : ["html", ...page.markup])],
  };
}

/** The line in which a mailbox file keeps the sender of a mail; it is not part of the mail. */
function withoutEnvelope(source: string): string {
  return source.startsWith("From ") ? source.slice(source.indexOf("\n") + 1) : source;
}

function looksLikeHtml(text: string): boolean {
  return /<html\b|<body\b|<table\b|<font\b/i.test(text);
}

/** Subjects of a mailing list start with its name in brackets. */
const listMark = /\[[\w .:-]{2,30}\]/g;

const listFooter = /(?:_{30,}|-{40,})\s*\n[^\n]*(?:mailing list|list maintainer|users' group|yahoo! groups)/gi;

/** Mailing lists sign below what the sender wrote, so the footer is only looked for in the last part. */
function withoutListFooter(text: string): string {
  let end = text.length;
  for (const { index } of text.matchAll(listFooter)) {
    if (text.length - index < 600) end = Math.min(end, index);
  }
  return text.slice(0, end);
}

function tidy(text: string): string {
  return text
    .replace(/[^\S\n]+/g, " ")
    .replace(/ ?\n\s*/g, "\n")
    .trim();
}
