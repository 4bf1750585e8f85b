import { expect, test } from "vitest";
import { cleanMail } from "./clean-mail.ts";

const clean = (source: string) => cleanMail({ id: "a/1", spam: false, source });

test("decodes encoded words and quoted-printable text", async () => {
  const mail = await clean(
    "Subject: =?iso-8859-1?Q?Gr=FC=DFe?=\nContent-Type: text/plain; charset=iso-8859-1\n" +
      "Content-Transfer-Encoding: quoted-printable\n\nCaf=E9 at=\n eight\n",
  );
  expect(mail.subject).toBe("Grüße");
  expect(mail.text).toBe("Café at eight");
});

test("shows HTML as its reader sees it, and follows links", async () => {
  const mail = await clean(
    "Subject: x\nContent-Type: text/html\n\n<html><style>p {}</style><p>V<b>ia</b>gra<!-- a --> &amp; more</p>" +
      '<a href="http://example.com/buy">here</a><img src=x></html>',
  );
  expect(mail.text).toBe("Viagra & more\nhttp://example.com/buy here");
  expect(mail.marks).toEqual(expect.arrayContaining(["html", "image", "comment", "type:text/html"]));
});

test("reads HTML that claims to be plain text", async () => {
  const mail = await clean("Subject: x\nContent-Type: text/plain\n\n<html><body>Buy <b>now</b></body></html>");
  expect(mail.text).toBe("Buy now");
});

test("removes what mailing lists add, at the end only", async () => {
  const line = "_".repeat(47);
  const body = `Hello\n${line}\nILUG mailing list\nhttp://linux.ie/\n`;
  const mail = await clean(`Subject: [ILUG] Re: disks\n\n${body}`);
  expect(mail.subject).toBe("Re: disks");
  expect(mail.text).toBe("Hello");
  const quoted = await clean(`Subject: x\n\n${body}${"more text ".repeat(100)}`);
  expect(quoted.text).toContain("ILUG mailing list");
});

test("ignores the headers that servers wrote", async () => {
  const own = "From: Ann <ann@example.com>\nSubject: Hi\nX-Mailer: KMail 1.4\n\nText\n";
  const servers = "Received: from spam.example by mx.example; Mon, 2 Sep 2002\nDate: Mon, 2 Sep 2002\nX-Spam: yes\n";
  expect(await clean(`From ann@example.com Mon Sep 2\n${servers}${own}`)).toEqual(await clean(own));
});

test("marks what the sender's headers tell", async () => {
  const { marks } = await clean(
    "From: Ann Lee <ann7@Example.com>\nTo: b@x.org\nIn-Reply-To: <1@x.org>\nX-Mailer: Microsoft Outlook Express 6.0\n" +
      'X-Priority: 1\nContent-Type: text/plain; charset="Big5"\n\nText\n',
  );
  expect(marks).toEqual(
    expect.arrayContaining([
      "sender:example.com",
      "sender-name:lee",
      "sender-with-number",
      "to-few",
      "reply",
      "program:microsoft-outlook",
      "charset:big5",
      "priority",
      "plain",
    ]),
  );
  expect(marks.filter((mark) => /\s/.test(mark))).toEqual([]);
});
