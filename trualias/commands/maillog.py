"""Finds the recipients in a mail server's log: what Postfix writes to syslog, and plain lists of addresses."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from io import BufferedReader, RawIOBase
from typing import BinaryIO, cast
from zlib import error as ZlibError

from attrs import define

# Postfix' delivery agents: "QUEUE: to=<foo@example.com>, orig_to=<foo-macys-m5@example.com>, relay=..., status=sent".
# From the line's beginning, so that no text which a sender wrote, such as a logged subject, is taken for a delivery.
_DELIVERY = re.compile(
    rb"^[^\[\]]+\[\d+\]: [0-9A-Za-z]+: to=<([^>]*)>,(?: orig_to=<([^>]*)>,)? relay=.*?, status=([a-z]+)\b"
)
# Wherever else a recipient is named: "NOQUEUE: reject: RCPT from ...; from=<...> to=<foo-macys-m6@example.com> ...".
_RECIPIENT = re.compile(rb"[ ,](?:orig_)?to=<([^>]*)>")
_LISTED = re.compile(rb"<?([^\s<>]+)>?\s*")

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"

_MONTHS = {name: number for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_TRADITIONAL = re.compile(rb"([A-Z][a-z]{2}) ([ 0-3]\d) (\d\d):(\d\d):(\d\d) ")
_ISO = re.compile(rb"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)")


@define
class Seen:
    """How often a recipient was in the logs.

    ``received`` counts mails that were delivered, ``tried`` all other times: refused, deferred, bounced. ``last`` is
    the time of the newest line as the number YYYYMMDDhhmmss in the time zone of the log, 0 where none has a time.
    """

    received: int = 0
    tried: int = 0
    last: int = 0


class Recipients:
    """The recipients of some logs, each with how often it was seen.

    ``domains`` are those whose recipients count, in lower case; none means all. ``bare`` tells that an address in a
    list may go without a domain. ``today`` gives the year to lines without one: the last in which their day is not to
    come.
    """

    def __init__(self, domains: frozenset[str], bare: bool, today: date) -> None:
        self.seen: dict[str, Seen] = {}
        self.lines = 0
        self._domains = domains
        self._bare = bare
        self._today = today.month * 100 + today.day
        self._year = today.year

    def read(self, lines: Iterable[bytes], often: Callable[[], None] = lambda: None) -> None:
        """Take in a log; calls ``often`` now and then."""
        for line in lines:
            self.lines += 1
            if self.lines % 10_000 == 0:
                often()
            if b"to=<" not in line:
                if listed := _LISTED.fullmatch(line):
                    self._count(listed[1], line, received=True)
            elif delivery := _DELIVERY.match(line):
                recipient, original, status = delivery.groups()
                received = status == b"sent"
                self._count(recipient, line, received)
                if original is not None and original != recipient:
                    self._count(original, line, received)
            else:
                for recipient in _RECIPIENT.findall(line):
                    self._count(recipient, line, received=False)

    def _count(self, recipient: bytes, line: bytes, received: bool) -> None:
        try:
            local_part, at, domain = recipient.decode("utf-8").rpartition("@")
        except UnicodeDecodeError:
            return
        if at:
            domain = domain.lower()
            if self._domains and domain not in self._domains:
                return
            address = f"{local_part}@{domain}"
        elif self._bare and domain:
            address = domain
        else:
            return
        seen = self.seen.get(address)
        if seen is None:
            seen = self.seen[address] = Seen()
        if received:
            seen.received += 1
        else:
            seen.tried += 1
        time = self._time(line)
        if time > seen.last:
            seen.last = time

    def _time(self, line: bytes) -> int:
        """The time that a line begins with as the number YYYYMMDDhhmmss; 0 where it has none."""
        if iso := _ISO.match(line):
            return int(b"".join(iso.groups()))
        traditional = _TRADITIONAL.match(line)
        if traditional is None or traditional[1] not in _MONTHS:
            return 0
        month, day, *clock = traditional.groups()
        monthday = _MONTHS[month] * 100 + int(day)
        year = self._year - (monthday > self._today)
        return (year * 10_000 + monthday) * 1_000_000 + int(b"".join(clock))


def today() -> date:
    """The day that it is here."""
    return date.today()


def time_text(last: int) -> str:
    """Write a time for people, ``2026-11-22 20:18:01``; a hyphen where there is none."""
    if not last:
        return "-"
    digits = f"{last:014}"
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:8]} {digits[8:10]}:{digits[10:12]}:{digits[12:]}"


class Unreadable(Exception):
    """A log cannot be read; ``str()`` says why."""


@contextmanager
def unpacked(log: BinaryIO, name: str) -> Iterator[Iterable[bytes]]:
    """Give the lines of a log that may be compressed, by gzip or by zstd; its first bytes tell.

    While the lines are read, what is wrong with it is raised as Unreadable, which calls it by ``name``.
    """
    from zstandard import ZstdDecompressor, ZstdError

    try:
        buffered = log if isinstance(log, BufferedReader) else BufferedReader(cast(RawIOBase, log))
        magic = buffered.peek(4)[:4]
        if magic.startswith(_GZIP):
            yield gzip.GzipFile(fileobj=buffered)
        elif magic == _ZSTD:
            stream = ZstdDecompressor().stream_reader(buffered, read_across_frames=True)
            yield BufferedReader(cast(RawIOBase, stream))
        else:
            yield buffered
    except (OSError, EOFError, ZlibError, ZstdError) as error:
        raise Unreadable(f"{name}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
