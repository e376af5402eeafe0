"""Counts the recipients in mail logs: those of Postfix, Exim and Sendmail, and lists of addresses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import date, datetime

from trualias.commands import log_patterns as patterns
from trualias.commands.log_times import TIME_LENGTH, LogTimes
from trualias.commands.recipient_counts import CountedLines, LogSummary, RecipientCounts, add_counts
from trualias.language.domains import fold_domain

_Names = tuple[bytes | None, bytes | None, bytes | None]
"""The names of one recipient: its address, the one before it was rewritten, and its mailbox; None for any it lacks."""

_MOST_NAMES = 32_768
"""The names of recipients that are counted before the counts are added to those of the addresses: some 15 MB."""


class Recipients:
    """The recipients of some logs, each with its counts.

    ``domains`` are those whose recipients count, folded; none means all. With ``bare`` an address in a list may
    go without a domain. ``today`` gives the year to lines without one: see `LogTimes`.

    ``reached`` are by address the addresses and mailboxes that it was rewritten to, each with its counts; None unless
    it is ``with_reached``.
    """

    def __init__(self, domains: frozenset[str], bare: bool, today: date, *, with_reached: bool = False) -> None:
        self.counts: dict[str, RecipientCounts] = {}
        self.reached: dict[str, dict[str, RecipientCounts]] | None = {} if with_reached else None
        self.lines = 0
        self._domains = domains
        self._bare = bare
        self._log = LogSummary()
        # The counts that are not in those of the addresses yet. A recipient has up to three, and its names are the same
        # in most lines: with all of them counted line by line, a log takes a tenth longer to read.
        self._by_names: dict[_Names, RecipientCounts] = {}
        self._times = LogTimes(today)
        # Each counts the recipients that a line names, and returns whether the line has its form.
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
        self._add_up()
        return self._log

    def add(self, counted: CountedLines) -> None:
        """Add what was counted of lines that follow."""
        self.lines += counted.lines
        add_counts(self.counts, counted.counts)
        if self.reached is not None:
            for address, reached in counted.reached.items():
                add_counts(self.reached.setdefault(address, {}), reached)

    def take(self) -> CountedLines:
        """Return what was counted, and begin anew."""
        counted = CountedLines(self.lines, self.counts, self.reached or {})
        self.lines, self.counts, self.reached = 0, {}, None if self.reached is None else {}
        return counted

    def _read_block(self, text: bytes) -> None:
        """Count the recipients in some lines, which may be entries of the journal.

        Each line begins behind a newline, and the last ends with one.
        """
        if b"{" not in text or b"\n{" not in text:  # a search for one octet takes a third of the time
            self._read_lines(text)
            return
        for line in text[1:-1].split(b"\n"):
            entry = _journal_entry(line) if line.startswith(b"{") else None
            if entry is None:
                self._read_lines(b"\n%b\n" % line)
            elif patterns.MARK.search(b"%b\n" % entry[0]):
                self._read_line(*entry)

    def _read_lines(self, text: bytes) -> None:
        """Count the recipients in lines of any form but that of the journal's entries."""
        if patterns.PERHAPS_LISTED.search(text) and b"\0" not in text:  # else a binary file
            for listed in patterns.LISTED.finditer(text):
                self._log.known += self._read_listed(listed, 0)
        end = 0
        for mark in patterns.MARK.finditer(text):
            start = text.rfind(b"\n", end, mark.start()) + 1
            end = mark.end()
            time = self._times.cached[text[start : start + TIME_LENGTH]] or self._times.time(text, start)
            recipient, original, status = mark.groups()
            if recipient is not None and _is_from_postfix(text, start, mark.start(1), status):
                self._log.known += 1
                self._count((recipient, original, None), time, status == b"sent")
            else:
                self._read_line(text[start:end], time)

    def _read_line(self, line: bytes, time: int) -> None:
        if any(read(line, time) for read in self._readers):
            self._log.known += 1
        elif recipients := patterns.TO.findall(line):
            self._log.unknown += 1
            self._count_each(recipients, time, False)

    def _read_postfix(self, line: bytes, time: int) -> bool:
        found = patterns.POSTFIX.search(line)
        if found is None or not _is_from_postfix(line, 0, found.start(1), found[3]):
            return False
        self._count((found[1], found[2], None), time, found[3] == b"sent")
        return True

    def _read_postfix_refusal(self, line: bytes, time: int) -> bool:
        if not patterns.POSTFIX_REFUSAL.search(line):
            return False
        self._count_each(patterns.TO.findall(line), time, False)
        return True

    def _read_exim(self, line: bytes, time: int) -> bool:
        delivery = patterns.EXIM_DELIVERY.match(line)
        if delivery is None:
            return False
        flag, final, original, only = delivery.groups()
        mailbox = None
        if original and (b"@" not in final or final[:1] in (b"|", b"/", b">")):
            # A mailbox, a program, a file, or the sender, to whom an automatic reply went.
            is_mailbox = b"@" not in final and final[:1] not in (b"|", b"/", b">", b":")
            final, mailbox = None, final if is_mailbox else None
        self._count((final or only, original, mailbox), time, flag in patterns.EXIM_DELIVERED)
        return True

    def _read_exim_refusal(self, line: bytes, time: int) -> bool:
        refusal = patterns.EXIM_REFUSAL.search(line)
        if refusal is not None:
            self._count((refusal[1], None, None), time, False)
        return refusal is not None

    def _read_sendmail(self, line: bytes, time: int) -> bool:
        delivery = patterns.SENDMAIL_DELIVERY.match(line)
        if delivery is None:
            return False
        to, program_of, status = delivery.groups()
        if to.startswith(patterns.NO_MAILBOX):
            recipients = [program_of] if program_of else []
        else:
            recipients = [quoted or plain.lstrip(b"\\") for quoted, plain in patterns.SENDMAIL_RECIPIENT.findall(to)]
        self._count_each(recipients, time, status == b"Sent")
        return True

    def _read_sendmail_refusal(self, line: bytes, time: int) -> bool:
        refusal = patterns.SENDMAIL_REFUSAL.match(line)
        if refusal is not None:
            self._count((refusal[1], None, None), time, False)
        return refusal is not None

    def _read_listed(self, found: re.Match[bytes] | None, time: int) -> bool:
        if found is None or not self._is_address(found[2]):
            return False
        self._count((found[2], None, None), time, True, int(found[1] or 1))
        return True

    def _read_listed_with_name(self, line: bytes, time: int) -> bool:
        return self._read_listed(patterns.LISTED_WITH_NAME.fullmatch(line), time)

    def _is_address(self, text: bytes) -> bool:
        local_part, at, domain = text.rpartition(b"@")
        return bool(local_part and domain) if at else self._bare and not patterns.SPECIAL.search(domain)

    def _count_each(self, recipients: Iterable[bytes], time: int, received: bool) -> None:
        for recipient in recipients:
            self._count((recipient, None, None), time, received)

    def _count(self, names: _Names, time: int, received: bool, number: int = 1) -> None:
        """Count a recipient by its names."""
        counts = self._by_names.get(names)
        if counts is None:
            if len(self._by_names) >= _MOST_NAMES:
                self._add_up()
            counts = self._by_names[names] = RecipientCounts()
        if received:
            counts.received += number
        else:
            counts.tried += number
        if time > counts.last:
            counts.last = time
            counts.first = counts.first or time
        elif 0 < time < counts.first:
            counts.first = time

    def _add_up(self) -> None:
        """Add what was counted by names to the counts of each address that counts."""
        for names, counts in self._by_names.items():
            for total in self._find_counts(names):
                total.add(counts)
        self._by_names.clear()

    def _find_counts(self, names: _Names) -> tuple[RecipientCounts, ...]:
        """Return the counts of each address among the names, new ones where it has none."""
        final, original, mailbox = names
        written, rewritten = original or final, final if original else None
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


def _folded(name: bytes) -> str | None:
    """Return an address with its domain as ``fold_domain`` returns it, or a name without one; None if not UTF-8."""
    try:
        local_part, at, domain = name.decode("utf-8").rpartition("@")
    except UnicodeDecodeError:
        return None
    return f"{local_part}@{fold_domain(domain)}" if at else domain


def _is_from_postfix(text: bytes, start: int, address: int, status: bytes | None) -> bool:
    """Check that Postfix wrote the line at ``start``, and named no recipient before the one at ``address``."""
    if status is not None:
        return patterns.BEFORE_DELIVERY.fullmatch(text, start, address) is not None
    is_first = text.find(b"to=<", start) == address - len(b"to=<")
    is_refusal = is_first and text.rfind(b"; from=<", start, address) >= 0
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
