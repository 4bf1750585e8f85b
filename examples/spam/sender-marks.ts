import type { Email } from "postal-mime";

/**
 * What the sender's own headers tell: who claims to write, with which program, in which alphabet, and whether it is an
 * answer. Each mark is a text without spaces, such as `sender:example.com` or `charset:big5`.
 */
export function senderMarks(email: Email): string[] {
  const header = (name: string) => email.headers.find(({ key }) => key === name)?.value.toLowerCase();
  const from = email.from?.address?.toLowerCase() ?? "";
  const names = email.from?.name.toLowerCase().match(/\p{L}+/gu) ?? [];
  const type = header("content-type") ?? "";
  const charset = /charset="?([\w-]+)/.exec(type)?.[1];
  const marks = [
    `sender:${/@([\w.-]+)/.exec(from)?.[1] ?? "none"}`,
    ...names.map((name) => `sender-name:${name}`),
    names.length === 0 ? "sender-without-name" : "sender-with-name",
    /\d.*@/.test(from) ? "sender-with-number" : "sender-without-number",
    isReply(email) ? "reply" : "no-reply",
    receivers(email),
    `program:${program(header("x-mailer") ?? header("user-agent"))}`,
    `type:${/^[\w/-]+/.exec(type)?.[0] ?? "none"}`,
    `charset:${charset ?? "none"}`,
    header("x-priority") === undefined ? "no-priority" : "priority",
  ];
  return [...new Set(marks)];
}

function isReply(email: Email): boolean {
  return email.inReplyTo !== undefined || email.references !== undefined;
}

function receivers({ to = [], cc = [] }: Email): string {
  const count = to.length + cc.length;
  return count === 0 ? "to-nobody" : count > 3 ? "to-many" : "to-few";
}

/** The first two words of a mail program's name: `outlook-express`. Versions change too often. */
function program(name = ""): string {
  const words = name.match(/[a-z]{3,}/g) ?? ["none"];
  return words.slice(0, 2).join("-");
}
