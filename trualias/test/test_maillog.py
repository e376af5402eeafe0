"""Recipients in mail logs, in every format."""

from __future__ import annotations

import gc
import json
import pickle
import time
import tracemalloc
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta

from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.commands.log_times import time_text
from trualias.commands.maillog import Recipients
from trualias.commands.recipient_counts import LogSummary, RecipientCounts
from trualias.test import trialprofile

trialprofile.load()

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
SENT_MESSAGE = SENT.partition(b"]: ")[2]
REFUSED_MESSAGE = REFUSED.partition(b"]: ")[2]

# Written by Exim 4.96, with its usual log selectors and then with all of them.
EXIM = b"""\
2026-11-25 18:26:41 H=(client) [192.0.2.1] F=<sender@test.invalid> rejected RCPT <nobody-1@example.com>: Unknown user
2026-11-25 18:26:41 H=(client) [192.0.2.1] F=<sender@test.invalid> temporarily rejected RCPT \
<later@example.com>: come again
2026-11-25 18:28:10 1xWHj0-0006UF-0s <= sender@test.invalid H=(client) [192.0.2.1] P=esmtp S=214
2026-11-25 18:28:10 1xWHj0-0006UF-0s ** unrouted@example.com: Unrouteable address
2026-11-25 18:28:10 1xWHj0-0006UF-0s == defer-d4@example.com R=aliases defer (-1): later please
2026-11-25 18:28:10 1xWHj0-0006UF-0s ** fail-f4@example.com R=aliases: no such box
2026-11-25 18:28:10 1xWHj0-0006UF-0s => :blackhole: <hole-h3@example.com> R=aliases
2026-11-25 18:28:10 1xWHj0-0006UF-0s => foo <chain-a1@example.com> R=box T=box
2026-11-25 18:28:10 1xWHj0-0006UF-0s => /var/mail/file <filed-f3@example.com> R=aliases T=file
2026-11-25 18:28:10 1xWHj0-0006UF-0s ** |/bin/false x y <broken-b1@example.com> R=aliases T=pipe: Child process of \
pipe transport returned 1 from command: /bin/false
2026-11-25 18:28:10 1xWHj0-0006UF-0s => |/bin/true some args <piped-p2@example.com> R=aliases T=pipe
2026-11-25 18:29:16 1xWHk4-0006nf-1b => someone@remote.example <away-a5@Example.com> R=remote T=smtp H=127.0.0.1 \
[127.0.0.1] C="250 queued"
2026-11-25 18:29:16 1xWHk4-0006nf-1b -> other@remote.example <away-b6@example.com> R=remote T=smtp H=127.0.0.1 \
[127.0.0.1] C="250 queued"
2026-11-25 18:29:16 1xWHk4-0006nf-1b ** refused@remote.example <refused-c7@example.com> R=remote T=smtp H=127.0.0.1 \
[127.0.0.1]: SMTP error from remote mail server after RCPT TO:<refused@remote.example>: 550 no \
<x@example.com> status=sent
2026-11-25 18:28:10.812 [25005] cwd=/var/spool/exim4 5 args: /usr/sbin/exim4 -odi -bs
2026-11-25 18:28:10.823 [25005] 1xWHj0-0006VJ-2d <= sender@test.invalid H=(client) [192.0.2.1] P=esmtp L.- S=214 \
RT=0.003s T="x => y@example.com" from <sender@test.invalid> for all-a1@example.com "qu oted"@example.com
2026-11-25 18:28:10.836 [25015] 1xWHj0-0006VJ-2d => foo (foo-macys-m5@example.com) <all-a1@example.com> \
F=<sender@test.invalid> P=<sender@test.invalid> R=box T=box S=265 QT=0.017s DT=0.006s
2026-11-25 18:28:10 1xWHj0-0006UF-26 Completed
"""
# Written by Sendmail 8.17.
SENDMAIL = b"""\
Nov 25 18:29:18 mail sendmail[26377]: 6APITI0Z026377: <gone-g4@example.com>... User unknown
Nov 25 18:29:18 mail sendmail[26377]: 6APITI0Z026377: from=<sender@example.com>, size=18, class=0, nrcpts=5, \
msgid=<202611251829.6APITI0Z026377@mail.example.com>, proto=ESMTP, relay=root@localhost
Nov 25 18:28:13 mail sendmail[25204]: 6APISDEK025204: to=<queued-q6@example.com>, delay=00:00:00, mailer=local, \
pri=330018, dsn=4.4.3, stat=queued
Nov 25 18:29:18 mail sendmail[26377]: 6APITI0Z026377: to=root, delay=00:00:00, xdelay=00:00:00, mailer=local, \
pri=150018, dsn=2.0.0, stat=Sent
Nov 25 18:29:18 mail sendmail[26377]: 6APITI0Z026377: to="|/bin/true x", ctladdr=<piped-p5@example.com> (1/0), \
delay=00:00:00, xdelay=00:00:00, mailer=prog, pri=150018, dsn=2.0.0, stat=Sent
Nov 25 18:29:18 mail sendmail[26377]: 6APITI0Z026377: to=<games-g5@example.com>, delay=00:00:00, xdelay=00:00:00, \
mailer=local, pri=150018, dsn=2.0.0, stat=Sent
Nov 25 18:29:18 mail sendmail[26377]: 6APITI0Z026377: to=<late-l4@Example.com>, delay=00:00:00, xdelay=00:00:00, \
mailer=esmtp, pri=150018, relay=other.example, dsn=4.4.3, stat=Deferred: Name server: other.example: host name \
lookup failure
Nov 25 18:29:19 mail sendmail[26385]: 6APITJrj026385: to=nobody, ctladdr=sender@example.com (0/0), delay=00:00:00, \
xdelay=00:00:00, mailer=local, pri=120018, dsn=2.0.0, stat=Sent
"""
# The same with several recipients, with a status of a remote server, and with a refusal by the rule set check_rcpt.
MORE_SENDMAIL = b"""\
Nov 25 18:29:18 mail sm-mta[7]: 6APITI0Z026377: to=<one-o3@example.com>,<two-t3@example.com>, delay=00:00:01, \
xdelay=00:00:01, mailer=esmtp, pri=180018, relay=mx.example.net. [192.0.2.1], dsn=2.0.0, stat=Sent (250 stat=no)
Nov 25 18:29:18 mail sm-mta[7]: 6APITI0Z026377: to=<gone-g4@example.com>, delay=00:00:01, xdelay=00:00:01, \
mailer=esmtp, pri=180018, relay=mx.example.net. [192.0.2.1], dsn=5.1.1, stat=User unknown
Nov 25 18:29:18 mail sm-mta[7]: 6APITI0Z026378: ruleset=check_rcpt, arg1=<relay-r5@example.com>, \
relay=[192.0.2.1], reject=550 5.7.1 <relay-r5@example.com>... Relaying denied
"""


def received(times: int = 1, last: int = 0, first: int = 0) -> RecipientCounts:
    """A recipient of mails that were all delivered."""
    return RecipientCounts(times, 0, last, first or last)


def tried(times: int = 1, last: int = 0, first: int = 0) -> RecipientCounts:
    """A recipient of mails none of which was delivered."""
    return RecipientCounts(0, times, last, first or last)


class LogTestCase(SynchronousTestCase):
    """Reads logs."""

    def counts(
        self, *lines: bytes, domains: tuple[str, ...] = ("example.com",), bare: bool = False, unknown: int = 0
    ) -> dict[str, RecipientCounts]:
        """Return the counts after reading some lines, in one block and each in a block of its own."""
        whole = [line.rstrip(b"\n") + b"\n" for line in lines]
        results = []
        for blocks in ([b"".join(whole)], whole):
            recipients = Recipients(frozenset(domains), bare, TODAY)
            self.assertEqual(unknown, recipients.read(blocks).unknown)
            self.assertEqual(b"".join(whole).count(b"\n"), recipients.lines)
            results.append(recipients.counts)
        self.assertEqual(*results)
        return results[0]

    def summary(self, content: bytes, bare: bool = False) -> LogSummary:
        """Return the summary of a log, of which all domains count."""
        return Recipients(frozenset(), bare, TODAY).read([content])


class PostfixTests(LogTestCase):
    """Recipients in logs of Postfix."""

    def test_delivered(self) -> None:
        """A delivery counts for the recipient and for the alias that it was written to."""
        counts = received(last=20260228201801)
        self.assertEqual({"foo@example.com": counts, "foo-macys-m5@example.com": counts}, self.counts(SENT))

    def test_several_times(self) -> None:
        """Mails are counted, and the times are those of the newest and the oldest, in any order of the lines."""
        later = SENT.replace(b"20:18:01", b"20:19:00")
        for lines in ((SENT, later, REFUSED), (later, REFUSED, SENT)):
            counts = received(2, 20260228201900, 20260228201801)
            self.assertEqual(counts, self.counts(*lines)["foo-macys-m5@example.com"])

    def test_reached(self) -> None:
        """What an alias was rewritten to is counted by alias, also a mailbox without a domain; nothing else is."""
        other = SENT.replace(b"<foo@example.com>", b"<Bar@Box.example>")
        plain = SENT.replace(b" orig_to=<foo-macys-m5@Example.com>,", b"")
        self.assertNotIn(b"orig_to", plain)
        exim = b"2026-11-25 18:28:10 1xWHj0-0006UF-0s => foo <chain-a1@example.com> R=box T=box\n"
        piped = b"2026-11-25 18:28:10 1xWHj0-0006UF-0s => |/bin/true <piped-p2@example.com> R=aliases T=pipe\n"
        recipients = Recipients(frozenset({"example.com"}), False, TODAY, with_reached=True)
        recipients.read([SENT, SENT, other, plain, exim, piped])
        self.assertEqual(
            {
                "foo-macys-m5@example.com": {
                    "foo@example.com": received(2, 20260228201801),
                    "Bar@box.example": received(1, 20260228201801),
                },
                "chain-a1@example.com": {"foo": received(1, 20261125182810)},
            },
            recipients.reached,
        )
        self.assertIsNone(Recipients(frozenset(), False, TODAY).reached)

    def test_refused(self) -> None:
        """A recipient that was refused has received nothing; the sender is no recipient."""
        self.assertEqual({"foo-macys-m6@example.com": tried(last=20260228201802)}, self.counts(REFUSED))

    def test_deferred(self) -> None:
        """Mail that was deferred or bounced was not received."""
        for status in (b"deferred", b"bounced"):
            counts = self.counts(SENT.replace(b"status=sent", b"status=" + status))
            self.assertEqual(tried(last=20260228201801), counts["foo-macys-m5@example.com"])

    def test_answer_of_a_server(self) -> None:
        """The status is Postfix' own, not one in the answer of another server."""
        line = SENT.replace(b"status=sent (delivered to maildir)", b"status=bounced (said: 550 no, status=sent (ha))")
        self.assertEqual(0, self.counts(line)["foo@example.com"].received)

    def test_forged(self) -> None:
        """A delivery in a subject that is logged is no delivery."""
        forged = (
            b"Feb 28 20:18:01 mail postfix/cleanup[9]: 4dF0: warning: header Subject: x postfix/virtual[1]: 4dF0: "
            b"to=<foo-macys-m5@example.com>, relay=virtual, status=sent (delivered) from unknown[192.0.2.1]; "
            b"from=<a@example.org> to=<foo@example.com> proto=ESMTP helo=<x>\n"
        )
        entry = json.dumps({"MESSAGE": forged.partition(b"]: ")[2].decode()}).encode()
        for line in (forged, forged.partition(b"]: ")[2], entry):
            counts = self.counts(line)
            self.assertEqual([0, 0], [one.received for one in counts.values()], line)
            self.assertEqual(["foo-macys-m5@example.com", "foo@example.com"], list(counts), line)

    def test_postscreen(self) -> None:
        """A refusal by postscreen(8), which puts commas between its fields, is one."""
        line = (
            b"Feb 28 20:18:01 mail postfix/postscreen[5]: NOQUEUE: reject: RCPT from [192.0.2.1]:1234: 550 5.7.1 "
            b"Service unavailable; client [192.0.2.1] blocked using list.example; "
            b"from=<a@example.org>, to=<foo@example.com>, proto=ESMTP, helo=<x>\n"
        )
        self.assertEqual({"foo@example.com": tried(last=20260228201801)}, self.counts(line))

    def test_other_lines(self) -> None:
        """Lines without a recipient, empty ones, and recipients that are not UTF-8 do not count."""
        lines = (
            b"Feb 28 20:18:01 mail postfix/qmgr[1]: 4dF0: from=<foo@example.com>, size=1, nrcpt=1 (queue active)\n",
            b"Feb 28 20:18:01 mail postfix/cleanup[1]: 4dF0: message-id=<foo@example.com>\n",
            b"\n",
            SENT.replace(b"foo", b"caf\xe9"),
        )
        self.assertEqual({}, self.counts(*lines))

    def test_spellings_of_a_domain(self) -> None:
        """A domain in U-labels counts as the same in A-labels."""
        domain = "xn--bcher-kva.example"
        lines = [SENT.replace(b"@example.com", f"@{spelling}".encode()) for spelling in (domain, "b\u00fccher.example")]
        found = [list(self.counts(line, domains=(domain,))) for line in lines]
        self.assertEqual([[f"foo@{domain}"]] * 2, found)

    def test_domains(self) -> None:
        """Recipients of other domains do not count; with no domain given all do."""
        other = SENT.replace(b"@example.com", b"@example.org").replace(b"@Example.com", b"@EXAMPLE.org")
        self.assertEqual({}, self.counts(other))
        self.assertEqual(["foo@example.org", "foo-macys-m5@example.org"], list(self.counts(other, domains=())))
        self.assertEqual(LogSummary(known=1), self.summary(other))

    def test_same_recipient_twice_in_a_line(self) -> None:
        """An alias that is its own recipient is counted once."""
        line = SENT.replace(b"foo-macys-m5@Example.com", b"foo@Example.com")
        self.assertEqual({"foo@example.com": received(last=20260228201801)}, self.counts(line))

    def test_unknown_form(self) -> None:
        """A recipient in an unknown form counts as tried, and the summary tells the number of such lines."""
        for line in (
            b"delivered to=<foo@example.com> well\n",
            b"? x: " + SENT_MESSAGE.replace(b"foo-macys-m5", b"foo"),
        ):
            self.assertEqual({"foo@example.com": 0}, {a: c.received for a, c in self.counts(line, unknown=1).items()})
            self.assertEqual(LogSummary(0, 1), self.summary(line))

    def test_many_recipients(self) -> None:
        """Recipients beyond those that are cached are counted as well."""
        lines = [b"x: to=<a%d@example.com>, relay=x, status=sent\n" % number for number in range(40_000)]
        recipients = Recipients(frozenset(), False, TODAY)
        recipients.read([b"".join(lines)] * 2)
        self.assertEqual(40_000, len(recipients.counts))
        self.assertEqual({2}, {one.received for one in recipients.counts.values()})


class HeaderTests(LogTestCase):
    """The forms that syslog daemons and journalctl write."""

    def check(self, sent: bytes, refused: bytes, last: int) -> None:
        """Check the counts of a delivery and a refusal."""
        self.assertEqual(
            {
                "foo@example.com": received(last=last),
                "foo-macys-m5@example.com": received(last=last),
                "foo-macys-m6@example.com": tried(last=last),
            },
            self.counts(sent, refused),
        )

    def test_headers(self) -> None:
        """The message is found behind each form of a header, and the time in it."""
        time = 20260228201801
        for header, last in (
            (b"Feb 28 20:18:01 mail postfix/x[1]: ", time),
            (b"Feb 28 20:18:01.123456 mail postfix/x[1]: ", time),
            (b"Feb 28 20:18:01 mail postfix/x: ", time),
            (b"Feb 28 20:18:01 mail postfix/x[1]: [ID 197553 mail.info] ", time),
            (b"<22>Feb 28 20:18:01 mail postfix/x[1]: ", time),
            (b"<22>Feb 28 20:18:01 postfix/x[1]: ", time),
            (b"2026-02-28T20:18:01.123456+01:00 mail postfix/x[1]: ", time),
            (b"2026-02-28T20:18:01+0100 mail postfix/x[1]: ", time),
            (b"2026-02-28T20:18:01+0100 mail postfix/x: ", time),
            (b"Sat 2026-02-28 20:18:01 CET mail postfix/x[1]: ", time),
            (b"<22>1 2026-02-28T20:18:01.123456+01:00 mail postfix/x 1 - - ", time),
            (b"<22>1 2026-02-28T20:18:01Z mail postfix/x 1 - - \xef\xbb\xbf", time),
            (b'1 2026-02-28T20:18:01Z mail postfix/x 1 - [a@1 b="c"][d@1] ', time),
            (b"[ 1234.567890] mail postfix/x[1]: ", 0),
            (b"1740770281.123456 mail postfix/x[1]: ", 0),
            (b"mail-1  | mail postfix/x[1]: ", 0),
            (b"", 0),
            (b"MESSAGE=", 0),
            (b"    MESSAGE=", 0),
        ):
            self.check(header + SENT_MESSAGE, header + REFUSED_MESSAGE, last)

    def test_journal(self) -> None:
        """An entry of the journal as JSON has its message, as text or octets, and its time, in the local time zone."""
        moment = int(time.mktime((2026, 2, 28, 20, 18, 1, 0, 0, -1)))
        for encode in (bytes.decode, list):

            def entry(message: bytes, encode: Callable[[bytes], object] = encode) -> bytes:
                fields = {"_PID": "1", "__REALTIME_TIMESTAMP": f"{moment}123456", "MESSAGE": encode(message)}
                return json.dumps(fields).encode()

            self.check(entry(SENT_MESSAGE.strip()), entry(REFUSED_MESSAGE.strip()), 20260228201801)

    def test_no_journal(self) -> None:
        """Other lines in braces are no entries, and are read as they are."""
        for line in (b"{", b"{}", b'{"MESSAGE": null}', b'{"MESSAGE": 7}', b'{"MESSAGE": [256]}', b"{" * 100_000):
            self.assertEqual({"foo@example.com": tried()}, self.counts(line + b" to=<foo@example.com>", unknown=1))
        late = b'{"MESSAGE": "4dF: to=<foo@example.com>, relay=x, status=sent", "__REALTIME_TIMESTAMP": "%d"}' % 10**30
        self.assertEqual({"foo@example.com": tried()}, self.counts(late, unknown=1))

    def test_year(self) -> None:
        """A line without a year is of the last twelve months."""
        for day, expected in (
            (b"Feb 28", 20260228201801),
            (b"Mar  1", 20260301201801),
            (b"Mar  2", 20250302201801),
            (b"Dec 31", 20251231201801),
            (b"Xyz 31", 0),
        ):
            self.assertEqual(expected, self.counts(SENT.replace(b"Feb 28", day))["foo@example.com"].last)

    def test_no_time(self) -> None:
        """A text that only begins as a time is none."""
        for start in (b"Feb 28 20:1x:01", b"Feb 28 20:18", b"2026-02-28T20.18.01"):
            line = SENT.replace(b"Feb 28 20:18:01", start)
            self.assertEqual(0, self.counts(line)["foo@example.com"].last, start)


class EximTests(LogTestCase):
    """Recipients in logs of Exim."""

    def test_log(self) -> None:
        """Deliveries, deferrals, bounces and refusals are told apart; both addresses of a rewritten one count."""
        first, second = 20261125182810, 20261125182916
        self.assertEqual(
            {
                "nobody-1@example.com": tried(last=20261125182641),
                "later@example.com": tried(last=20261125182641),
                "unrouted@example.com": tried(last=first),
                "defer-d4@example.com": tried(last=first),
                "fail-f4@example.com": tried(last=first),
                "hole-h3@example.com": received(last=first),
                "chain-a1@example.com": received(last=first),
                "filed-f3@example.com": received(last=first),
                "broken-b1@example.com": tried(last=first),
                "piped-p2@example.com": received(last=first),
                "away-a5@example.com": received(last=second),
                "someone@remote.example": received(last=second),
                "away-b6@example.com": received(last=second),
                "other@remote.example": received(last=second),
                "refused-c7@example.com": tried(last=second),
                "refused@remote.example": tried(last=second),
                "all-a1@example.com": received(last=first),
            },
            self.counts(EXIM, domains=()),
        )

    def test_forms(self) -> None:
        """A delivery is read in any form that the time, the process and the message id may have."""
        time = 20260228201801
        for header, last in (
            (b"2026-02-28 20:18:01 1xWHj0-0006UF-0s", time),
            (b"2026-02-28 20:18:01.123 +0100 [123] 1xWHj0-0006UF-0s", time),
            (b"2026-02-28 20:18:01 1qAbCd-00000003XyZ-1AbC", time),  # since Exim 4.97
            (b"Feb 28 20:18:01 mail exim[123]: 2026-02-28 20:18:01 1xWHj0-0006UF-0s", time),
            (b"Feb 28 20:18:01 mail exim[123]: 1xWHj0-0006UF-0s", time),
            (b"<22>1 2026-02-28T20:18:01Z mail exim 123 - - 1xWHj0-0006UF-0s", time),
            (b"1xWHj0-0006UF-0s", 0),
        ):
            line = header + b" => foo <foo-macys-m5@example.com> R=box T=box"
            self.assertEqual({"foo-macys-m5@example.com": received(last=last)}, self.counts(line), header)

    def test_flags(self) -> None:
        """The flags are those of Exim's specification; a delivery that -N suppressed is none."""
        for flag, expected in (
            (b"=>", [received()]),
            (b"->", [received()]),
            (b">>", [received()]),
            (b"==", [tried()]),
            (b"**", [tried()]),
            (b"*>", []),
            (b"<=", []),
        ):
            counts = self.counts(b"1xWHj0-0006UF-0s " + flag + b" foo@example.com R=box T=box")
            self.assertEqual(expected, list(counts.values()), flag)

    def test_mailbox(self) -> None:
        """A mailbox without an address counts where there is no other name, and local parts count."""
        line = b"1xWHj0-0006UF-0s => foo <foo-macys-m5@example.com> R=box"
        self.assertEqual({"foo-macys-m5@example.com": received()}, self.counts(line, bare=True))
        line = b"1xWHj0-0006UF-0s => foo R=box"
        self.assertEqual(({"foo": received()}, {}), (self.counts(line, bare=True), self.counts(line)))

    def test_automatic_reply(self) -> None:
        """The sender, to whom a filter replied, has received no mail."""
        line = b"1xWHj0-0006UF-0s => >sender@example.com <foo-macys-m5@example.com> R=user T=reply"
        self.assertEqual({"foo-macys-m5@example.com": received()}, self.counts(line))

    def test_forged(self) -> None:
        """A delivery in a subject or a name that is logged is no delivery."""
        forged = b"1xWHj0-0006UF-0s => foo@example.com R=box"
        for line in (
            b'1xWHj0-0006UF-0s <= x@example.org H=(x) [192.0.2.1] P=smtp S=2 T="' + forged + b'" for foo@example.com',
            b"2026-02-28 20:18:01 no host name found for IP address; helo=x[1]: " + forged,
        ):
            self.assertEqual({}, self.counts(line))


class SendmailTests(LogTestCase):
    """Recipients in logs of Sendmail."""

    def test_log(self) -> None:
        """Deliveries, deferrals and refusals are told apart; where mail goes to a program, its alias counts."""
        time = 20251125182918
        self.assertEqual(
            {
                "gone-g4@example.com": tried(last=time),
                "queued-q6@example.com": tried(last=20251125182813),
                "root": received(last=time),
                "piped-p5@example.com": received(last=time),
                "games-g5@example.com": received(last=time),
                "late-l4@example.com": tried(last=time),
                "nobody": received(last=time + 1),
            },
            self.counts(SENDMAIL, bare=True),
        )

    def test_more(self) -> None:
        """All recipients of a line count; the status is Sendmail's own."""
        time = 20251125182918
        self.assertEqual(
            {
                "one-o3@example.com": received(last=time),
                "two-t3@example.com": received(last=time),
                "gone-g4@example.com": tried(last=time),
                "relay-r5@example.com": tried(last=time),
            },
            self.counts(MORE_SENDMAIL),
        )

    def test_headers(self) -> None:
        """The message is found behind other headers."""
        message = MORE_SENDMAIL.splitlines()[0].partition(b"]: ")[2]
        for header in (b"<22>Nov 25 18:29:18 ", b"<22>1 2025-11-25T18:29:18Z mail sm-mta 7 - - ", b""):
            line = header + (b"sendmail[7]: " if header.endswith(b"18 ") else b"") + message
            self.assertEqual(["one-o3@example.com", "two-t3@example.com"], list(self.counts(line)), header)


class ListTests(LogTestCase):
    """Lists of addresses."""

    def test_list(self) -> None:
        """In a list each line is an address that has received a mail; local parts count where they may."""
        lines = (b"foo-macys-m5@example.com\n", b"<foo-macys-m5@example.com>\r\n", b"foo-macys-m5", b"x@example.org\n")
        self.assertEqual({"foo-macys-m5@example.com": received(2)}, self.counts(*lines))
        counts = self.counts(*lines, bare=True)
        self.assertEqual(["foo-macys-m5@example.com", "foo-macys-m5"], list(counts))

    def test_counted(self) -> None:
        """A number before an address, as uniq -c writes it, is how many mails it has received."""
        lines = (
            b"      3 foo@example.com\n",
            b"12 foo@example.com\n",
            b"1234567 <foo@example.com>\n",
            b"  foo@example.com",
        )
        self.assertEqual({"foo@example.com": received(1234583)}, self.counts(*lines))
        self.assertEqual({"12": received(3)}, self.counts(b"12\n", b"  2 12\n", bare=True))

    def test_names(self) -> None:
        """An address may have the name of a person before it, and a number before that."""
        for line in (
            b"Macys <foo@example.com>",
            b"Best Buy 24 <foo@example.com>  \r\n",
            b'"Macy\'s, Inc. \\"x\\"" <foo@example.com>',
            b'"Macys" Shop <foo@example.com>',
            b"caf\xc3\xa9 <foo@example.com>",
            b"24 Hours <foo@example.com>",
            b"      1 24 Hours <foo@example.com>",
        ):
            self.assertEqual({"foo@example.com": received()}, self.counts(line), line)
        self.assertEqual({"foo@example.com": received(3)}, self.counts(b"      3 Macys <foo@example.com>"))

    def test_no_addresses(self) -> None:
        """Lines of other texts, and of a binary file, are no addresses."""
        for line in (
            b"Message-ID: <foo@example.com>",
            b"see (here) <foo@example.com>",
            b"<foo@example.com> wrote",
            b"Macys <foo>",
            b"@example.com",
            b"foo@",
            b"try:",
            b'"foo"',
            b"(foo)",
            b"x" * 2000,
            b"foo\nbar\x00\nbaz@example.com",
            b"foo\x01",
        ):
            self.assertEqual(LogSummary(), self.summary(line + b"\n", bare=True), line)
        self.assertEqual(LogSummary(), self.summary(b"foo\n"))

    def test_long_lines(self) -> None:
        """The time to read a line is in proportion to its length, whatever is repeated in it."""
        before = time.process_time()
        for text in (
            b" to=<",
            b" to=<a> ",
            b"; from=<",
            b"4d: to=a, delay=",
            b"4d: to=a, ctladdr=b, ",
            b" <a",
            b'"\\',
            b"a:",
            b"[1]: ",
            b" => (",
            b"1xWHj0-0006UF-0s => a (b) <",
            b" rejected RCPT <",
            b"1 ",
        ):
            for start in (b"", b"4d: to=a, ", b"1xWHj0-0006UF-0s => |", b"1xWHj0-0006UF-0s => a (", b'" <a> '):
                self.summary(start + text * (100_000 // len(text)) + b" => >... to=\n", bare=True)
        self.assertLess(time.process_time() - before, 30)


class MemoryTests(LogTestCase):
    """The memory that a log takes."""

    def test_distinct(self) -> None:
        """A distinct address takes at most 300 octets; the caches beside the counts do not grow with the log."""
        blocks = [
            b"".join(REFUSED.replace(b"macys-m6", b"%d-%d" % (block, one)) for one in range(1_000))
            for block in range(40)
        ]
        recipients = Recipients(frozenset(), False, TODAY)
        recipients.read([REFUSED])
        gc.collect()
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            recipients.read([REFUSED, *blocks, REFUSED])
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        self.assertEqual(40_001, len(recipients.counts))
        self.assertEqual(tried(3, 20260228201802), recipients.counts["foo-macys-m6@example.com"])
        self.assertLess((after - before) / 40_000, 300)


class ProgressTests(LogTestCase):
    """The progress of reading."""

    def test_after_each_block(self) -> None:
        """The function that shows progress is called after each block."""
        calls: list[int] = []
        recipients = Recipients(frozenset(), False, TODAY)
        recipients.read([b"\n" * 10_000] * 3, lambda: calls.append(recipients.lines))
        self.assertEqual([10_000, 20_000, 30_000], calls)


class TimeTests(SynchronousTestCase):
    """Times for people."""

    def test_text(self) -> None:
        """A time is written as logs write it; a hyphen stands for none."""
        self.assertEqual("2026-02-28 20:18:01", time_text(20260228201801))
        self.assertEqual("-", time_text(0))


@frozen
class _Mail:
    """A mail to an alias: its status, and its time."""

    alias: str
    status: str
    moment: datetime


_STATUSES = ("sent", "deferred", "bounced", "refused")
_MAIL = st.builds(
    _Mail,
    st.from_regex(r"[a-z]{1,3}[-.+=_'/][a-z0-9]{1,3}", fullmatch=True),
    st.sampled_from(_STATUSES),
    st.integers(0, 360 * 24 * 3600 - 1).map(lambda seconds: datetime(2025, 3, 3) + timedelta(seconds=seconds)),
)
_MAILS = st.lists(_MAIL)


def _postfix(mail: _Mail) -> str:
    if mail.status == "refused":
        return (
            f"NOQUEUE: reject: RCPT from x[192.0.2.1]: 550 5.1.1 <{mail.alias}@example.com>: Recipient rejected; "
            f"from=<a@example.com> to=<{mail.alias}@example.com> proto=ESMTP helo=<x>"
        )
    return (
        f"4dF0XyZ: to=<box@example.net>, orig_to=<{mail.alias}@example.com>, relay=virtual, delay=0.1, dsn=2.0.0, "
        f"status={mail.status} (text)"
    )


def _exim(mail: _Mail) -> str:
    if mail.status == "refused":
        return f"H=(x) [192.0.2.1] F=<a@example.com> rejected RCPT <{mail.alias}@example.com>: Unknown user"
    flag = {"sent": "=>", "deferred": "==", "bounced": "**"}[mail.status]
    return f"1xWHj0-0006UF-0s {flag} box <{mail.alias}@example.com> R=aliases T=box: text"


def _sendmail(mail: _Mail) -> str:
    if mail.status == "refused":
        return f"6APITI0Z026377: <{mail.alias}@example.com>... User unknown"
    status = {"sent": "Sent (text)", "deferred": "Deferred: text", "bounced": "User unknown"}[mail.status]
    return (
        f"6APITI0Z026377: to=<{mail.alias}@example.com>, delay=00:00:00, mailer=local, pri=1, dsn=2.0.0, stat={status}"
    )


def _syslog(mail: _Mail, message: str) -> str:
    return f"{mail.moment:%b} {mail.moment.day:2} {mail.moment:%H:%M:%S} mail x/y[1]: {message}"


def _iso(mail: _Mail, message: str) -> str:
    return f"{mail.moment:%Y-%m-%dT%H:%M:%S}.5+01:00 mail x[1]: {message}"


def _rfc_5424(mail: _Mail, message: str) -> str:
    return f"<22>1 {mail.moment:%Y-%m-%dT%H:%M:%S}Z mail x 1 - - {message}"


def _solaris(mail: _Mail, message: str) -> str:
    return _syslog(mail, f"[ID 197553 mail.info] {message}")


def _json(mail: _Mail, message: str) -> str:
    microseconds = str(int(time.mktime(mail.moment.timetuple())) * 1_000_000)
    return json.dumps({"__REALTIME_TIMESTAMP": microseconds, "MESSAGE": message}, separators=(",", ":"))


def _mainlog(mail: _Mail, message: str) -> str:
    return f"{mail.moment:%Y-%m-%d %H:%M:%S} {message}"


_Format = tuple[Callable[[_Mail], str], Callable[[_Mail, str], str]]
"""The message of a server, and the line of a log with a message."""

_HEADERS = (_syslog, _iso, _rfc_5424, _solaris, _json)
_FORMATS: tuple[_Format, ...] = (
    *((server, header) for server in (_postfix, _exim, _sendmail) for header in _HEADERS),
    (_exim, _mainlog),
)
# Lines that name no recipient, though they have parts of those that do.
_OTHER_LINES = st.lists(
    st.sampled_from(
        (
            "Feb 28 20:18:01 mail postfix/smtpd[5]: connect from x[192.0.2.1]",
            "Feb 28 20:18:01 mail postfix/cleanup[5]: 4dF0: message-id=<to=<x@example.com>>",
            "Feb 28 20:18:01 mail filter[5]: <a@example.com> -> b, status=sent",
            '2026-02-28 20:18:01 1xWHj0-0006UF-0s <= a@example.com H=x T="x => y"',
            '{"MESSAGE":"no recipient => here"}',
            "{no entry",
            "",
        )
    ),
    max_size=3,
)


def _expected(mails: Iterable[_Mail]) -> dict[str, RecipientCounts]:
    """Count mails."""
    expected: defaultdict[str, RecipientCounts] = defaultdict(RecipientCounts)
    for mail in mails:
        counts = expected[f"{mail.alias}@example.com"]
        counts.received += mail.status == "sent"
        counts.tried += mail.status != "sent"
        moment = int(f"{mail.moment:%Y%m%d%H%M%S}")
        counts.last = max(counts.last, moment)
        counts.first = min(counts.first or moment, moment)
    return expected


class FormatTests(LogTestCase):
    """The same mails in the logs of different servers."""

    @given(_MAILS, st.booleans())
    def test_same_counts(self, mails: list[_Mail], padded: bool) -> None:
        """A log of the same mails has the same counts in any format, also between lines that name no recipient."""
        expected = _expected(mails)
        for server, header in _FORMATS:
            lines = [header(mail, server(mail)).encode() for mail in mails]
            if padded:
                around = [header(mail, f"4dF0: from=<{mail.alias}@example.com>, size=1").encode() for mail in mails]
                lines = [line for pair in zip(around, lines, strict=True) for line in pair]
            self.assertEqual(expected, self.counts(*lines), (server, header))

    @given(st.lists(st.tuples(_MAIL, st.sampled_from(_FORMATS), _OTHER_LINES)))
    def test_mixed(self, lines: list[tuple[_Mail, _Format, list[str]]]) -> None:
        """Each line counts by its own format, whatever the lines beside it are."""
        mixed = [line for mail, (server, header), others in lines for line in (*others, header(mail, server(mail)))]
        self.assertEqual(_expected(mail for mail, _, _ in lines), self.counts(*(line.encode() for line in mixed)))

    @given(st.lists(st.lists(st.tuples(_MAIL, st.sampled_from(_FORMATS)), max_size=8), max_size=4))
    def test_parts(self, parts: list[list[tuple[_Mail, _Format]]]) -> None:
        """The counts of the parts of a log, as other processes send them, add up to its own, in the same order."""
        blocks = [
            "".join(f"{header(mail, server(mail))}\n" for mail, (server, header) in part).encode() for part in parts
        ]
        whole, sum_of_parts, other = (Recipients(frozenset(), False, TODAY, with_reached=True) for _ in range(3))
        whole.read(blocks)
        for block in blocks:
            other.read([block])
            sum_of_parts.add(pickle.loads(pickle.dumps(other.take())))
        expected, counted = whole.take(), sum_of_parts.take()
        self.assertEqual(expected, counted)
        self.assertEqual(list(expected.counts), list(counted.counts))
        self.assertEqual(*([(name, list(ends)) for name, ends in one.reached.items()] for one in (expected, counted)))
