"""Dates that a person types, and how they are shown."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)?", re.ASCII | re.IGNORECASE)


class InvalidDate(Exception):
    """A text is no date; ``str()`` says what is expected."""


def parse_date(text: str) -> float:
    """Return seconds since 1970: of a day, such as 2027-01-31, its end in local time; or of a time of RFC 3339."""
    try:
        if _DAY.fullmatch(text):
            end = datetime.combine(date.fromisoformat(text) + timedelta(days=1), datetime.min.time())
            return end.astimezone().timestamp()
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


def rfc3339(seconds: float) -> str:
    """Return a time as RFC 3339 has it, in whole seconds of UTC."""
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")
