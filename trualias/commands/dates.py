"""Dates that a person types, and how they are shown."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)?", re.ASCII | re.IGNORECASE)


class InvalidDate(Exception):
    """A text is no date; ``str()`` says what is expected."""


def parse_date(text: str, *, begins: bool = False) -> float:
    """Return seconds since 1970: of a day, such as 2027-01-31, in local time, or of a time of RFC 3339.

    A day counts to its end, or with ``begins`` from its begin.
    """
    try:
        if _DAY.fullmatch(text):
            day = date.fromisoformat(text) + timedelta(days=0 if begins else 1)
            return datetime.combine(day, datetime.min.time()).astimezone().timestamp()
        if not _TIME.fullmatch(text):  # fromisoformat takes more, such as 2027W04
            raise ValueError
        time = datetime.fromisoformat(text.upper())
    except (ValueError, OverflowError):
        raise InvalidDate(f"{text!r} is no date, such as 2027-01-31 or 2027-01-31T18:00:00+01:00") from None
    if time.tzinfo is None:
        raise InvalidDate(f"{text!r} has no time zone, such as 2027-01-31T18:00:00+01:00")
    return time.timestamp()


def local_time(seconds: float) -> str:
    """Return a time in the time zone of the machine."""
    return f"{datetime.fromtimestamp(seconds):%Y-%m-%d %H:%M:%S}"


def local_day(seconds: float | None) -> str:
    """Return the day of a time in the time zone of the machine; nothing for None."""
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds):%Y-%m-%d}"


def rfc3339_or_none(seconds: float | None) -> str | None:
    """Return a time as RFC 3339 has it; None for None."""
    return None if seconds is None else rfc3339(seconds)


def rfc3339(seconds: float) -> str:
    """Return a time as RFC 3339 has it, in whole seconds of UTC."""
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")
