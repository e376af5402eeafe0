"""Tests of trualias.commands.maillog."""

import gzip
from datetime import date
from io import BytesIO

from twisted.trial.unittest import SynchronousTestCase
from zstandard import ZstdCompressor

from trualias.commands.maillog import Recipients, Seen, Unreadable, time_text, unpacked

TODAY = date(2026, 3, 1)
SENT = (
    b"Feb 28 20:18:01 mail postfix/virtual[123]: 4dF0XyZ: to=<foo@example.com>, orig_to=<foo-macys-m5@Example.com>, "
    b"relay=virtual, delay=0.1, delays=0.05/0/0/0.05, dsn=2.0.0, status=sent (delivered to maildir)\n"
)
REFUSED = (
    b"2026-02-28T20:18:02.123456+01:00 mail postfix/smtpd[5]: NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 550 5.1.1 "
    b"<foo-macys-m6@example.com>: Recipient address rejected: User unknown in virtual mailbox table; "
    b"from=<to@example.com> to=<foo-macys-m6@example.com> proto=ESMTP helo=<x>\n"
)


class RecipientsTests(SynchronousTestCase):
    """Which recipients a log names, and how often."""

    def seen(self, *lines: bytes, domains: tuple[str, ...] = ("example.com",), bare: bool = False) -> dict[str, Seen]:
        """Read some lines."""
        recipients = Recipients(frozenset(domains), bare, TODAY)
        recipients.read(lines)
        self.assertEqual(len(lines), recipients.lines)
        return recipients.seen

    def test_delivered(self) -> None:
        """A delivery counts for the recipient and for the alias that it was written to."""
        seen = Seen(1, 0, 20260228201801)
        self.assertEqual({"foo@example.com": seen, "foo-macys-m5@example.com": seen}, self.seen(SENT))

    def test_several_times(self) -> None:
        """Mails are counted, and the time is that of the newest, in whatever order the logs come."""
        later = SENT.replace(b"20:18:01", b"20:19:00")
        for lines in ((SENT, later, REFUSED), (later, REFUSED, SENT)):
            self.assertEqual(Seen(2, 0, 20260228201900), self.seen(*lines)["foo-macys-m5@example.com"])

    def test_refused(self) -> None:
        """A recipient that was refused has received nothing; the sender is none."""
        self.assertEqual({"foo-macys-m6@example.com": Seen(0, 1, 20260228201802)}, self.seen(REFUSED))

    def test_deferred(self) -> None:
        """What was deferred or bounced was not received."""
        for status in (b"deferred", b"bounced"):
            seen = self.seen(SENT.replace(b"status=sent", b"status=" + status))
            self.assertEqual(Seen(0, 1, 20260228201801), seen["foo-macys-m5@example.com"])

    def test_what_a_server_answered(self) -> None:
        """The status is Postfix' own, not one in the answer of another server."""
        line = SENT.replace(b"status=sent (delivered to maildir)", b"status=bounced (said: 550 no, status=sent (ha))")
        self.assertEqual(0, self.seen(line)["foo@example.com"].received)

    def test_forged(self) -> None:
        """A delivery in a subject that is logged is no delivery."""
        forged = (
            b"Feb 28 20:18:01 mail postfix/cleanup[9]: 4dF0: warning: header Subject: x postfix/virtual[1]: 4dF0: "
            b"to=<foo-macys-m5@example.com>, relay=virtual, status=sent (delivered) from unknown[192.0.2.1]; "
            b"from=<a@example.org> to=<foo@example.com> proto=ESMTP helo=<x>\n"
        )
        seen = self.seen(forged)
        self.assertEqual([0, 0], [one.received for one in seen.values()])
        self.assertEqual(["foo-macys-m5@example.com", "foo@example.com"], list(seen))

    def test_other_lines(self) -> None:
        """Lines without a recipient, empty ones, and recipients that are not UTF-8 count for nothing."""
        lines = (
            b"Feb 28 20:18:01 mail postfix/qmgr[1]: 4dF0: from=<foo@example.com>, size=1, nrcpt=1 (queue active)\n",
            b"Feb 28 20:18:01 mail postfix/cleanup[1]: 4dF0: message-id=<foo@example.com>\n",
            b"\n",
            SENT.replace(b"foo", b"caf\xe9"),
        )
        self.assertEqual({}, self.seen(*lines))

    def test_domains(self) -> None:
        """Recipients of other domains do not count; with no domain given all do."""
        other = SENT.replace(b"@example.com", b"@example.org").replace(b"@Example.com", b"@EXAMPLE.org")
        self.assertEqual({}, self.seen(other))
        self.assertEqual(["foo@example.org", "foo-macys-m5@example.org"], list(self.seen(other, domains=())))

    def test_list(self) -> None:
        """In a list each line is an address that has received a mail; local parts count where they may."""
        lines = (b"foo-macys-m5@example.com\n", b"<foo-macys-m5@example.com>\r\n", b"foo-macys-m5", b"x@example.org\n")
        self.assertEqual({"foo-macys-m5@example.com": Seen(2, 0, 0)}, self.seen(*lines))
        bare = self.seen(*lines, bare=True)
        self.assertEqual(["foo-macys-m5@example.com", "foo-macys-m5"], list(bare))

    def test_same_recipient_twice_in_a_line(self) -> None:
        """An alias that is its own recipient is counted once."""
        line = SENT.replace(b"foo-macys-m5@Example.com", b"foo@example.com")
        self.assertEqual({"foo@example.com": Seen(1, 0, 20260228201801)}, self.seen(line))

    def test_year(self) -> None:
        """A line without a year is of the last twelve months."""
        for day, expected in (
            (b"Feb 28", 20260228201801),
            (b"Mar  1", 20260301201801),
            (b"Mar  2", 20250302201801),
            (b"Dec 31", 20251231201801),
            (b"Xyz 31", 0),
        ):
            self.assertEqual(expected, self.seen(SENT.replace(b"Feb 28", day))["foo@example.com"].last)

    def test_called_often(self) -> None:
        """While a long log is read somebody else has a turn now and then."""
        calls: list[int] = []
        recipients = Recipients(frozenset(), False, TODAY)
        recipients.read([b"\n"] * 25_000, lambda: calls.append(recipients.lines))
        self.assertEqual([10_000, 20_000], calls)


class TimeTests(SynchronousTestCase):
    """Times for people."""

    def test_text(self) -> None:
        """A time is written as logs write it; none is a hyphen."""
        self.assertEqual("2026-02-28 20:18:01", time_text(20260228201801))
        self.assertEqual("-", time_text(0))


class UnpackedTests(SynchronousTestCase):
    """Logs that are compressed."""

    def lines(self, content: bytes) -> list[bytes]:
        """Read a log."""
        with unpacked(BytesIO(content), "mail.log") as lines:
            return list(lines)

    def test_as_it_is(self) -> None:
        """A log that is not compressed is read as it is, also an empty one."""
        self.assertEqual([b"a\n", b"b"], self.lines(b"a\nb"))
        self.assertEqual([], self.lines(b""))

    def test_compressed(self) -> None:
        """Logs are unpacked, whatever they are called, also where several were joined."""
        self.assertEqual([b"a\n", b"b\n"], self.lines(gzip.compress(b"a\n") + gzip.compress(b"b\n")))
        pack = ZstdCompressor().compress
        self.assertEqual([b"a\n", b"b\n"], self.lines(pack(b"a\n") + pack(b"b\n")))

    def test_damaged(self) -> None:
        """A damaged log is an error that names it."""
        content = gzip.compress(bytes(range(256)) * 100)
        for damaged, reason in (
            (content[:-20], "Compressed file ended before the end-of-stream marker was reached"),
            (content[:20] + b"\xff\xff" + content[22:], "Error -3 while decompressing data: "),
            (ZstdCompressor().compress(b"x" * 1000)[:8] + b"\xff" * 20, "zstd decompress error: "),
        ):
            error = self.assertRaises(Unreadable, self.lines, damaged)
            self.assertTrue(str(error).startswith(f"mail.log: cannot be read: {reason}"), str(error))
