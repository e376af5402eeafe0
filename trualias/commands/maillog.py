"""Counts the recipients in mail logs: those of Postfix, Exim and Sendmail, and lists of addresses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import TypeVar

from attrs import define

from trualias.language.domains import fold_domain

# What a line has before its message. Only a delivery right behind it counts, lest a sender forge one by a subject that
# is logged. That is why no ": " may come before the process id: there, a message may have begun already.
_HEADER = (
    # "Feb 28 20:18:01 mail postfix/virtual[123]: ", where Solaris adds "[ID 197553 mail.info] ".
    rb"(?:(?:\[ *+\d++\.\d++\] )?+[^\[\]:]++(?::[^\[\]: ][^\[\]:]*+)*+\[\d++\]: (?:\[ID \d++ [\w.]++\] )?+"
    rb"|(?:[A-Z][a-z]{2} [ \d]\d |\d{4}-\d\d-\d\dT)\S++ \S++ [^\s:]++: "  # the same without process id
    rb"|(?:<\d++>)?1 \d{4}-\S++ \S++ \S++ \S++ \S++ (?:-|(?:\[[^\]]*+\])++) (?:\xef\xbb\xbf)?"  # RFC 5424, section 6
    rb"|(?:\s*+MESSAGE=)?+"  # journalctl -o cat, export and verbose
    rb")"
)
_QUEUE_ID = rb"[0-9A-Za-z]++: "

# "4dF0: to=<foo@example.com>, orig_to=<foo-macys-m5@example.com>, relay=virtual, ..., status=sent (...)", or
# "NOQUEUE: reject: RCPT from ...; from=<...> to=<foo-macys-m6@example.com> proto=ESMTP helo=<...>"; both from "to=<" to
# the end of the line: a search for a literal is five times as fast as one for the beginning of such a line.
_POSTFIX = re.compile(
    rb"to=<([^>\n]{0,1024}+)>(?:,? proto=|,(?: orig_to=<([^>\n]{0,1024}+)>,)?+"
    rb" relay=[^,\n]*+(?:,(?! status=)[^,\n]*+)*+, status=(\w++))[^\n]*+"
)
_BEFORE_DELIVERY = re.compile(_HEADER + _QUEUE_ID)
# Refusals in any other line, such as one about a header, which may name several recipients.
_POSTFIX_REFUSAL = re.compile(rb"; from=<[^>]{0,1024}+>,? to=<")
_TO = re.compile(rb"to=<(?<=[ ,_]to=<)([^>]{0,1024}+)>")

# "2026-02-28 20:18:01 1xWHj0-0006UF-0s => foo (parent@example.com) <foo-macys-m5@example.com> R=... T=..."; see the
# chapter "Log files" of Exim's specification. A program that mail is piped to has spaces in it.
_EXIM_TIME = rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d++)? (?:[-+]\d{4} )?"
_EXIM_DELIVERY = re.compile(
    rb"(?:" + _EXIM_TIME + rb"|(?!" + _EXIM_TIME + rb")" + _HEADER + rb"(?:" + _EXIM_TIME + rb")?+)(?:\[\d++\] )?+"
    rb"\w{6}-\w{6,11}-\w{2,4} ([-=>]>|==|\*\*) "
    rb"(?:(\|.*?|:blackhole:|\S*[^\s:])(?: \([^()]*\))? <(\S{1,1024}?)>|(\S{1,1024}?))(?=:? |:?\s*$)"
)
_EXIM_DELIVERED = (b"=>", b"->", b">>")
# "2026-02-28 20:18:01 H=(...) [192.0.2.1] F=<...> rejected RCPT <foo-macys-m6@example.com>: Unknown user"
_EXIM_REFUSAL = re.compile(rb" rejected RCPT <([^<>]{1,1024}+)>")

# "6APITI0Z026377: to=<foo-macys-m5@example.com>,<bar@example.com>, ctladdr=..., delay=..., ..., stat=Sent". The address
# in ctladdr is the recipient's where mail goes to a program or a file, and may be the sender's elsewhere.
_SENDMAIL_DELIVERY = re.compile(
    _HEADER + _QUEUE_ID + rb"(?>to=(.+?), (?:ctladdr=<?([^\s<>,]{1,1024}+)[^,]*+, )?delay=)(?>.*?, stat=)(\w*+)"
)
_SENDMAIL_RECIPIENT = re.compile(rb"<([^<>]{1,1024}+)>|([^\s<>,]{1,1024}+)")
_NO_MAILBOX = (b"|", b'"|', b"/", b'"/')
# "6APITI0Z026377: <foo-macys-m6@example.com>... User unknown"
_SENDMAIL_REFUSAL = re.compile(_HEADER + _QUEUE_ID + rb"(?:|ruleset=check_rcpt, arg1=)<([^<>]{1,1024}+)>(?:\.\.\. |, )")

# A line of a list: an address, also with a number before it, as `uniq -c` writes it.
_LISTED = re.compile(rb"\n[ \t]*+(?:(\d{1,18})[ \t]++)?+<?([^\s<>\0-\x1f\x7f]{1,512}+)>?[ \t\r]*+(?=\n)")
# The same with a display name (RFC 5322, section 3.4): "Macy's, Inc." <foo-macys-m5@example.com>
_LISTED_WITH_NAME = re.compile(
    rb"(?![ \t\d]*+<)(?:[ \t]++(\d{1,18})[ \t])?+"
    rb"(?:[^\0-\x08\x0a-\x1f\x7f()<>\[\]:;@\\,\"=]++|\"(?:[^\"\\]|\\.)*+\")*+"
    rb"<([^\s<>@]{1,512}+@[^\s<>@]{1,512}+)>[ \t\r]*+"
)
# What no local part has that is not quoted (RFC 5322, section 3.2.3), and many a line of a text has.
_SPECIAL = re.compile(rb"[()<>\[\]:;@\\,\"]")

# A line that has none of these, and is no address, names no recipient.
_MARK = re.compile(rb" (?:to=|[-=>]> |== |\*\* |rejected RCPT |ruleset=check_rcpt, |(?<=>\.\.\. )|<\S++[ \t\r]*+\n)")

_MONTHS = {name: number for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
# "2026-02-28T20:18:01" or "Feb 28 20:18:01", also behind a priority (RFC 3164 and 5424) or a day of the week.
_DATE = re.compile(rb"(\d{4}-\d\d-\d\d)[T ]|([A-Z][a-z]{2}) ([ \d]\d) \d\d:\d")
_DATE_LENGTH = 11
_TIME_LENGTH = len("2026-02-28T20:18:01")
_BEFORE_DATE = re.compile(rb"(?:<\d++>)?(?:1 )?(?:[A-Z][a-z]{2} (?=\d{4}-))?")

_K = TypeVar("_K")
_V = TypeVar("_V")
_Names = tuple[bytes | None, bytes | None, bytes | None]
"""The names of one recipient: its address as written, as rewritten, and its mailbox; None for what a line lacks."""


@define
class RecipientCounts:
    """How often a recipient was in the logs.

    ``received`` counts mails that were delivered, ``tried`` all other times: refused, deferred, bounced. ``first`` and
    ``last`` are the times of the oldest and the newest line as numbers YYYYMMDDhhmmss in the time zone of the log, 0
    where none has a time.
    """

    received: int = 0
    tried: int = 0
    last: int = 0
    first: int = 0


@define
class LogSummary:
    """How many lines of a log name a recipient: in a known form, or in another, where it counts as tried."""

    known: int = 0
    unknown: int = 0


class _Cache(dict[_K, _V]):
    """The results of a function of one argument; it is emptied when it has grown large."""

    def __init__(self, function: Callable[[_K], _V]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, argument: _K) -> _V:
        if len(self) >= 32_768:
            self.clear()
        result = self[argument] = self._function(argument)
        return result


class Recipients:
    """The recipients of some logs, each with its counts.

    ``domains`` are those whose recipients count, folded; none means all. With ``bare`` an address in a list may
    go without a domain. ``today`` gives the year to lines without one: the last in which their day is not to come.

    ``reached`` are by address the addresses and mailboxes that it was rewritten to, each with its counts; None unless
    it is ``with_reached``.
    """

    def __init__(self, domains: frozenset[str], bare: bool, today: date, *, with_reached: bool = False) -> None:
        self.counts: dict[str, RecipientCounts] = {}
        self.reached: dict[str, dict[str, RecipientCounts]] | None = {} if with_reached else None
        self.lines = 0
        self._domains = domains
        self._bare = bare
        self._today = today.month * 100 + today.day
        self._year = today.year
        self._log = LogSummary()
        self._counts_of = _Cache(self._find_counts)
        self._dates = _Cache(self._parse_date)
        self._times = _Cache(self._time)
        self._readers = (
            self._read_postfix,
            self._read_exim,
            self._read_exim_refusal,
            self._read_sendmail,
            self._read_sendmail_refusal,
            self._read_postfix_refusal,
            self._read_listed_with_name,
        )

    def read(self, blocks: Iterable[bytes], advance: Callable[[], None] = lambda: None) -> LogSummary:
        """Count the recipients of a log, given in blocks of whole lines; call ``advance`` after each block."""
        self._log = LogSummary()
        for block in blocks:
            self.lines += block.count(b"\n")
            self._read_block(b"\n" + block)
            advance()
        return self._log

    def _read_block(self, text: bytes) -> None:
        """Count the recipients in some lines; each begins behind a newline, and the last ends with one.

        The lines that Postfix writes most often are found by an expression of their own, for speed.
        """
        others = []
        end = 0
        for found in _POSTFIX.finditer(text):
            newline = text.rfind(b"\n", end, found.start())
            start = newline + 1
            recipient, original, status = found.groups()
            if _is_from_postfix(text, start, found.start(), status):
                others.append(text[end:newline])
                end = found.end()
                time = self._times[text[start : start + _TIME_LENGTH]] or self._time(text, start)
                self._count((original or recipient, recipient if original else None, None), time, status == b"sent")
        self._log.known += len(others)
        others.append(text[end:])
        self._read_others(b"".join(others))

    def _read_others(self, text: bytes) -> None:
        """Count the recipients in the other lines, which may be entries of the journal."""
        if b"\n{" not in text:
            self._read_lines(text)
            return
        for line in text[1:-1].split(b"\n"):
            entry = _journal_entry(line) if line.startswith(b"{") else None
            if entry is None:
                self._read_lines(b"\n%b\n" % line)
            elif _MARK.search(b"%b\n" % entry[0]):
                self._read_line(*entry)

    def _read_lines(self, text: bytes) -> None:
        """Count the recipients in lines of any form; each begins behind a newline, and the last ends with one."""
        if b"\0" not in text:  # else a binary file
            for listed in _LISTED.finditer(text):
                self._log.known += self._read_listed(listed, 0)
        end = 0
        while mark := _MARK.search(text, end):
            within = mark.end() - 1  # the mark may end with the line
            start = text.rfind(b"\n", end, within) + 1
            end = text.find(b"\n", within)
            self._read_line(text[start:end], self._time(text, start))

    def _read_line(self, line: bytes, time: int) -> None:
        if any(read(line, time) for read in self._readers):
            self._log.known += 1
        elif recipients := _TO.findall(line):
            self._log.unknown += 1
            self._count_each(recipients, time, False)

    def _read_postfix(self, line: bytes, time: int) -> bool:
        found = _POSTFIX.search(line)
        if found is None or not _is_from_postfix(line, 0, found.start(), found[3]):
            return False
        self._count((found[2] or found[1], found[1] if found[2] else None, None), time, found[3] == b"sent")
        return True

    def _read_postfix_refusal(self, line: bytes, time: int) -> bool:
        if not _POSTFIX_REFUSAL.search(line):
            return False
        self._count_each(_TO.findall(line), time, False)
        return True

    def _read_exim(self, line: bytes, time: int) -> bool:
        delivery = _EXIM_DELIVERY.match(line)
        if delivery is None:
            return False
        flag, final, original, only = delivery.groups()
        mailbox = None
        if original and (b"@" not in final or final[:1] in (b"|", b"/", b">")):
            # A mailbox, a program, a file, or the sender, to whom an automatic reply went.
            is_mailbox = b"@" not in final and final[:1] not in (b"|", b"/", b">", b":")
            final, mailbox = None, final if is_mailbox else None
        self._count((original or only, final, mailbox), time, flag in _EXIM_DELIVERED)
        return True

    def _read_exim_refusal(self, line: bytes, time: int) -> bool:
        refusal = _EXIM_REFUSAL.search(line)
        if refusal is not None:
            self._count((refusal[1], None, None), time, False)
        return refusal is not None

    def _read_sendmail(self, line: bytes, time: int) -> bool:
        delivery = _SENDMAIL_DELIVERY.match(line)
        if delivery is None:
            return False
        to, program_of, status = delivery.groups()
        if to.startswith(_NO_MAILBOX):
            recipients = [program_of] if program_of else []
        else:
            recipients = [quoted or plain.lstrip(b"\\") for quoted, plain in _SENDMAIL_RECIPIENT.findall(to)]
        self._count_each(recipients, time, status == b"Sent")
        return True

    def _read_sendmail_refusal(self, line: bytes, time: int) -> bool:
        refusal = _SENDMAIL_REFUSAL.match(line)
        if refusal is not None:
            self._count((refusal[1], None, None), time, False)
        return refusal is not None

    def _read_listed(self, found: re.Match[bytes] | None, time: int) -> bool:
        if found is None or not self._is_address(found[2]):
            return False
        self._count((found[2], None, None), time, True, int(found[1] or 1))
        return True

    def _read_listed_with_name(self, line: bytes, time: int) -> bool:
        return self._read_listed(_LISTED_WITH_NAME.fullmatch(line), time)

    def _is_address(self, text: bytes) -> bool:
        local_part, at, domain = text.rpartition(b"@")
        return bool(local_part and domain) if at else self._bare and not _SPECIAL.search(domain)

    def _count_each(self, recipients: Iterable[bytes], time: int, received: bool) -> None:
        for recipient in recipients:
            self._count((recipient, None, None), time, received)

    def _count(self, names: _Names, time: int, received: bool, number: int = 1) -> None:
        """Count a recipient by each of its names that counts."""
        for counts in self._counts_of[names]:
            if received:
                counts.received += number
            else:
                counts.tried += number
            if time > counts.last:
                counts.last = time
                counts.first = counts.first or time
            elif 0 < time < counts.first:
                counts.first = time

    def _find_counts(self, names: _Names) -> tuple[RecipientCounts, ...]:
        """Return the counts of each address among the names, new ones where it has none."""
        written, rewritten, mailbox = names
        addresses = dict.fromkeys(self._address(name) for name in (rewritten, written) if name)
        counts = tuple(self.counts.setdefault(address, RecipientCounts()) for address in addresses if address)
        end = rewritten or mailbox
        if self.reached is None or not written or not end:
            return counts
        address, reached = self._address(written), _folded(end)
        if address is None or reached is None:
            return counts
        return *counts, self.reached.setdefault(address, {}).setdefault(reached, RecipientCounts())

    def _address(self, name: bytes) -> str | None:
        """Return a recipient's address, its domain as ``fold_domain`` returns it; None for one that does not count."""
        address = _folded(name)
        if address is None:
            return None
        _, at, domain = address.rpartition("@")
        if not at:
            return domain if self._bare else None
        return address if domain in self._domains or not self._domains else None

    def _time(self, text: bytes, start: int = 0) -> int:
        """Return the time that the line at ``start`` begins with as the number YYYYMMDDhhmmss; 0 where it has none."""
        date, length = self._dates[text[start : start + _DATE_LENGTH]]
        if not length and (before := _BEFORE_DATE.match(text, start)):
            start = before.end()
            date, length = self._dates[text[start : start + _DATE_LENGTH]]
        clock = text[start + length : start + length + len("20:18:01")].replace(b":", b"")
        return date + int(clock) if length and len(clock) == len("201801") and clock.isdigit() else 0

    def _parse_date(self, text: bytes) -> tuple[int, int]:
        """Return a date as the number YYYYMMDD000000, and its length in octets; 0 and 0 for any other text."""
        if (found := _DATE.match(text)) is None:
            return 0, 0
        iso, month, day = found.groups()
        if iso:
            return int(iso.replace(b"-", b"")) * 1_000_000, len("2026-02-28T")
        if month not in _MONTHS:
            return 0, 0
        monthday = _MONTHS[month] * 100 + int(day)
        year = self._year - (monthday > self._today)
        return (year * 10_000 + monthday) * 1_000_000, len("Feb 28 ")


def _folded(name: bytes) -> str | None:
    """Return an address with its domain as ``fold_domain`` returns it, or a name without one; None if not UTF-8."""
    try:
        local_part, at, domain = name.decode("utf-8").rpartition("@")
    except UnicodeDecodeError:
        return None
    return f"{local_part}@{fold_domain(domain)}" if at else domain


def _is_from_postfix(text: bytes, start: int, to: int, status: bytes | None) -> bool:
    """Check that Postfix wrote what was found at ``to`` in the line at ``start``, and named no recipient before it."""
    if status is not None:
        return _BEFORE_DELIVERY.fullmatch(text, start, to) is not None
    is_refusal = text.find(b"; from=<", start, to) >= 0 > text.find(b"to=<", start, to)
    return is_refusal and not text.startswith(b"{", start)  # in the journal's JSON the time stands elsewhere


def _journal_entry(line: bytes) -> tuple[bytes, int] | None:
    """Return the message, and the time here, of an entry of the journal as ``journalctl -o json`` writes it.

    None for any other line. A message that is not UTF-8, or has control characters, is a list of its octets;
    systemd.journal-fields(7), journalctl(1).
    """
    try:
        entry = json.loads(line)
        message = entry["MESSAGE"]
        text = message.encode(errors="surrogatepass") if isinstance(message, str) else bytes(list(message))
        seconds = int(entry.get("__REALTIME_TIMESTAMP", 0)) // 1_000_000
        time = int(datetime.fromtimestamp(seconds).strftime("%Y%m%d%H%M%S")) if seconds else 0
    except (ValueError, TypeError, KeyError, OverflowError, OSError, RecursionError):
        return None
    return text, time


def time_text(last: int) -> str:
    """Write a time for people, ``2026-11-22 20:18:01``; a hyphen where there is none."""
    if not last:
        return "-"
    digits = f"{last:014}"
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:8]} {digits[8:10]}:{digits[10:12]}:{digits[12:]}"
