"""Endpoint descriptions, such as ``unix:/run/trualias/virtual.sock:mode=660``: their parts, and what is wrong in them.

The syntax is that of ``twisted.internet.endpoints.serverFromString``, whose messages are about its source text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from trualias.configuration.networks import parse_port
from trualias.configuration.setting_values import InvalidValue
from trualias.messages import did_you_mean, one_of, quoted

LONGEST_PATH = 107
"""Octets of a unix socket's path: sun_path of unix(7) has 108, the last of which is zero."""

_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "tcp": ("port", "interface", "backlog"),
    "tcp6": ("port", "interface", "backlog"),
    "unix": ("address", "mode", "backlog", "lockfile"),
    "systemd": ("domain", "index", "name"),
    "ssl": (
        *("port", "privateKey", "certKey", "sslmethod", "interface", "backlog"),
        *("extraCertChain", "dhParameters"),
    ),
}
"""The options of each known type in their order. The first is required; options without a name are in this order."""

_REQUIRED = {"tcp": "a port", "tcp6": "a port", "unix": "a path", "systemd": "a domain", "ssl": "a port"}

_EXAMPLES = {
    "tcp": "tcp:3047:interface=127.0.0.1",
    "tcp6": r"tcp6:3047:interface=\:\:1",
    "unix": "unix:/run/trualias/virtual.sock:mode=660",
    "systemd": "systemd:domain=INET:index=0",
    "ssl": "ssl:3047:privateKey=key.pem:certKey=cert.pem:interface=127.0.0.1",
}

_DOMAINS = ("INET", "INET6", "UNIX")

_PART = re.compile(r"(?:(?P<name>(?:\\.|[^\\:=])*)=)?(?P<value>(?:\\.|[^\\:])*)(?P<end>:|\Z)", re.DOTALL)


_INTERFACES = {"tcp": "", "tcp6": "::", "ssl": ""}
"""The types that listen at an interface, with the one that they have by default."""

_DEFAULT_MODE = "666"
_DEFAULT_BACKLOG = 50


class InvalidDescription(Exception):
    """A description cannot be used; ``str()`` is the reason."""


class ListeningAddress(NamedTuple):
    """The address that an endpoint listens at: a network interface and a port, or a unix socket's path.

    ``mode`` and ``backlog`` are those of the unix socket. An empty interface stands for all interfaces.
    """

    interface: str | None = None
    port: int = 0
    path: str | None = None
    mode: int = 0
    backlog: int = 0


def check_description(description: str) -> None:
    """Check the type, the options and their values; raise ``InvalidDescription``. Of other types accept all options."""
    kind, *parts = _parts(description)
    if kind[0] is not None or kind[1] not in _OPTIONS:
        return
    options = _options(kind[1], parts)
    for name, value in options.items():
        if name in _CHECKS:
            _CHECKS[name](value)
    if kind[1] == "systemd" and ("index" in options) == ("name" in options):
        raise InvalidDescription(f"systemd needs either an index or a name, such as {_EXAMPLES['systemd']}")


def unix_path(description: str) -> str | None:
    """Return the path of a valid description of a unix socket; None for any other type."""
    kind, *parts = _parts(description)
    return _options("unix", parts)["address"] if kind == (None, "unix") else None


def listening_address(description: str) -> ListeningAddress:
    """Return the address of a valid description; an empty one for types whose address only their server has."""
    (name, kind), *parts = _parts(description)
    if name is not None or kind not in (*_INTERFACES, "unix"):
        return ListeningAddress()
    options = _options(kind, parts)
    if kind in _INTERFACES:
        return ListeningAddress(options.get("interface", _INTERFACES[kind]), int(options["port"]))
    mode, backlog = options.get("mode", _DEFAULT_MODE), options.get("backlog", _DEFAULT_BACKLOG)
    return ListeningAddress(path=options["address"], mode=int(mode, 8), backlog=int(backlog))


def unknown_type(description: str) -> str:
    """Return the reason why a description whose type Twisted does not know cannot be used."""
    _, word = _parts(description)[0]
    if word == "inet":
        return f"'inet' is a word of Postfix's main.cf; here it is tcp, such as {_EXAMPLES['tcp']}"
    if description.startswith("/"):
        return f"a path needs its type before it, such as {_EXAMPLES['unix']}"
    known = list(_OPTIONS)
    return f"unknown type {quoted(word)}; expected {one_of(known)}{did_you_mean(word, known)}"


_Part = tuple[str | None, str]
"""The name of an option, or None where it has none, and its value."""


def _parts(description: str) -> list[_Part]:
    """Split a description at its colons; a backslash stands before a character that is not special."""
    parts: list[_Part] = []
    at = 0
    while True:
        part = _PART.match(description, at)
        if part is None:
            raise InvalidDescription("it ends with a backslash, which stands before another character")
        name = part["name"]
        parts.append((None if name is None else _unescape(name), _unescape(part["value"])))
        if not part["end"]:
            return parts
        at = part.end()


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _options(kind: str, parts: list[_Part]) -> dict[str, str]:
    """Return the options of a known type by name."""
    known = _OPTIONS[kind]
    unnamed: Iterator[str] = iter(known)
    options: dict[str, str] = {}
    for name, value in parts:
        option = next(unnamed, None) if name is None else name
        if option is None:
            raise InvalidDescription(rf"{quoted(value)} is too much for {kind}; a colon in a value is written \:")
        if option not in known:
            raise InvalidDescription(
                f"{kind} has no option {quoted(option)}; it has {_and(known)}{did_you_mean(option, known)}"
            )
        if option in options:
            raise InvalidDescription(
                rf"{kind} has a second {option}, {quoted(value)}; a colon in a value is written \:"
            )
        options[option] = value
    if not options.get(known[0]):
        raise InvalidDescription(f"{kind} needs {_REQUIRED[kind]}, such as {_EXAMPLES[kind]}")
    return options


def _and(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _check_port(value: str) -> None:
    try:
        parse_port(value)
    except InvalidValue as error:
        raise InvalidDescription(str(error)) from None


def _check_number(value: str) -> None:
    if not re.fullmatch("[0-9]{1,9}", value):
        raise InvalidDescription(f"{quoted(value)} is not a number")


def _check_mode(value: str) -> None:
    if not re.fullmatch("0?[0-7]{1,3}", value):
        raise InvalidDescription(f"the mode {quoted(value)} is not a number in octal digits, such as 660")


def _check_lockfile(value: str) -> None:
    if value not in ("0", "1"):
        raise InvalidDescription(f"lockfile is 0 or 1, not {quoted(value)}")


def _check_domain(value: str) -> None:
    if value not in _DOMAINS:
        raise InvalidDescription(
            f"unknown domain {quoted(value)}; expected {one_of(_DOMAINS)}{did_you_mean(value, _DOMAINS)}"
        )


def _check_path(value: str) -> None:
    size = len(os.fsencode(value))
    if size > LONGEST_PATH:
        raise InvalidDescription(f"the path of a unix socket may have {LONGEST_PATH} octets, and this one has {size}")


_CHECKS: Mapping[str, Callable[[str], None]] = {
    "port": _check_port,
    "backlog": _check_number,
    "mode": _check_mode,
    "lockfile": _check_lockfile,
    "domain": _check_domain,
    "index": _check_number,
    "address": _check_path,
}
"""The checks of options whose values can be checked without a look at the machine."""
