"""Drawings of the ways that mail goes: a small language, and its pictures in SVG.

A drawing is a list of stations, one below the other, through which a mail passes. A station may look up an address, or
have a remark. The text is as readable as the picture, and is its description::

    sender
    -> smtpd: RCPT TO:<foo-macys-m5@example.com>
       ? trualias-virtual: foo-macys-m5@example.com
         200: 250, accepted
         500: 550, refused
    -> mailbox of foo
       on this machine

``-> NAME: LABEL`` is a station, and what the mail carries on its way there. ``? NAME: KEY`` is a lookup, and the lines
below it, which are indented deeper, are replies with their consequences. Other indented lines are a remark. All labels,
keys and consequences may be absent.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

# In pixels, at which the picture has its own size. A phone of 400 pixels shows it almost at that size.
WIDTH = 400
_MARGIN = 2
_LEFT, _LEFT_WIDTH = _MARGIN, 160
_RIGHT, _RIGHT_WIDTH = 196, WIDTH - _MARGIN - 196
_PADDING = 8
_GAP = 4  # between a lookup and its replies
_LINE = 17
_FONT = 13

_NARROW = frozenset("fijlrt.,:;'|!()- ")
_LINES = re.compile(r"(?P<indent> *)(?P<mark>-> |\? )?(?P<name>.+?)(?:: (?P<rest>.+))?")


@dataclass
class Reply:
    """A reply to a lookup, or a remark without a consequence."""

    text: str
    consequence: str


@dataclass
class Station:
    """A station of a mail; *label* is what the mail carries on its way there."""

    name: str
    label: str
    lookup: str = ""
    key: str = ""
    replies: list[Reply] = field(default_factory=list)


def parse(text: str) -> list[Station]:
    """Return the stations of a drawing. Raises ValueError, with the number of the line, counted from 1."""
    stations: list[Station] = []
    for number, line in enumerate(text.splitlines(), 1):
        found = _LINES.fullmatch(line.rstrip())
        if found is None:
            raise ValueError(f"line {number}: empty")
        name, rest = found["name"], found["rest"] or ""
        if not found["indent"]:
            if found["mark"] != ("-> " if stations else None):
                raise ValueError(f"line {number}: the first station has no arrow, and each other one has '-> '")
            stations.append(Station(name, rest))
        elif not stations or found["mark"] == "-> ":
            raise ValueError(f"line {number}: a station is not indented")
        elif found["mark"]:
            if stations[-1].lookup or stations[-1].replies:
                raise ValueError(f"line {number}: a station has one lookup, before all else")
            stations[-1].lookup, stations[-1].key = name, rest
        else:
            stations[-1].replies.append(Reply(name, rest))
    if not stations:
        raise ValueError("no station")
    return stations


def draw(text: str, title: str, name: str) -> str:
    """Return a drawing as an SVG element for a page of HTML; *name* is unique in the page. Raises ValueError."""
    parts: list[str] = []
    stations = parse(text)
    bottom = y = _MARGIN
    for at, station in enumerate(stations):
        if at:
            y += 2 * _LINE if station.label else _LINE + _PADDING
            middle = _LEFT + _LEFT_WIDTH // 2
            parts.append(_arrow(f"M{middle} {bottom}V{y}", name))
            parts += _text(list(filter(None, [station.label])), middle + _PADDING, y - _LINE - _PADDING, "key")
        end = at in (0, len(stations) - 1)
        height, drawn = _box(station.name, "", _LEFT, y, "end" if end else "station")
        parts += drawn
        bottom = y + height
        right = y + _PADDING
        if station.lookup:
            across = y + _PADDING + _LINE // 2
            parts.append(_arrow(f"M{_LEFT + _LEFT_WIDTH} {across}H{_RIGHT}", name))
            height, drawn = _box(station.lookup, station.key, _RIGHT, y, "lookup")
            parts += drawn
            right = y + height + _GAP
        for reply in station.replies:
            bold = len(reply.text) if reply.consequence else 0
            lines = list(_wrapped(": ".join(filter(None, (reply.text, reply.consequence))), _RIGHT_WIDTH - _PADDING))
            parts += _text(lines, _RIGHT + _PADDING, right, "reply", bold=bold)
            right += _LINE * len(lines)
        y = max(bottom, right)
    described = escape(text)
    return (
        f'<svg class="drawing" viewBox="0 0 {WIDTH} {y + _PADDING}" role="img"'
        f' aria-labelledby="{name}-title {name}-text" xmlns="http://www.w3.org/2000/svg">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-text">{described}</desc>'
        f'<marker id="{name}-head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"'
        f' markerUnits="userSpaceOnUse"><path class="head" d="M0 0L8 4L0 8z"/></marker>{"".join(parts)}</svg>'
    )


def _box(name: str, key: str, x: int, y: int, kind: str) -> tuple[int, list[str]]:
    """Return the height and the elements of a box."""
    width = _LEFT_WIDTH if x == _LEFT else _RIGHT_WIDTH
    lines = list(_wrapped(name, width - 2 * _PADDING))
    keys = list(_wrapped(key, width - 2 * _PADDING))
    height = _LINE * (len(lines) + len(keys)) + 2 * _PADDING
    corner = _PADDING * 2 if kind == "end" else _PADDING // 2
    drawn = [f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="{corner}"/>']
    drawn += _text(lines, x + _PADDING, y + _PADDING, "name")
    drawn += _text(keys, x + _PADDING, y + _PADDING + _LINE * len(lines), "key")
    return height, drawn


def _text(lines: list[str], x: int, y: int, kind: str, *, bold: int = 0) -> list[str]:
    """Return the elements of lines below each other, from *y* down; the first *bold* characters are bold."""
    drawn = []
    for number, line in enumerate(lines, 1):
        strong, rest = line[:bold], line[bold:]
        bold = max(0, bold - len(line) - 1)
        content = (f"<tspan>{escape(strong)}</tspan>" if strong else "") + escape(rest)
        drawn.append(f'<text class="{kind}" x="{x}" y="{y + number * _LINE - 4}">{content}</text>')
    return drawn


def _arrow(path: str, name: str) -> str:
    return f'<path class="arrow" d="{path}" marker-end="url(#{name}-head)"/>'


def _wrapped(text: str, width: int) -> Iterator[str]:
    """Yield the lines of a text that are at most *width* pixels wide; a long address is broken after its ``@``."""
    line = ""
    for word in (
        part
        for whole in text.split()
        for part in ([whole] if _measure(whole) <= width else re.findall("[^@]+@?", whole))
    ):
        glue = "" if not line or line.endswith("@") else " "
        if line and _measure(line + glue + word) > width:
            yield line
            line = word
        else:
            line += glue + word
    if line:
        yield line


def _measure(text: str) -> float:
    """Return the width of a text in pixels, in a wide font without serifs."""
    return _FONT * sum(0.4 if character in _NARROW else 0.68 for character in text)
