"""`trualias replay`: what would change for the addresses of a mail log if a configuration were put live."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import TYPE_CHECKING, BinaryIO, assert_never

from attrs import frozen

from trualias.commands.options import add_json
from trualias.commands.output import console, show, table_of, write_json
from trualias.commands.progress import progress
from trualias.commands.terminal import Terminal
from trualias.configuration.locations import find_configuration
from trualias.configuration.tables import Table
from trualias.lookup import Ambiguous, BudgetExceeded, Found, Lookup, NotFound
from trualias.lookup.loading import load_snapshot
from trualias.messages import escaped, number_of

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from trualias.commands.maillog import Recipients, Seen

_HARMLESS = 0
_REFUSES = 1
_UNUSABLE = 2


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Declare the command."""
    command = commands.add_parser(
        "replay",
        help="tell what would change for the addresses of a mail log",
        description="Look up every recipient of the logs by a new configuration and by the one that is in force, and "
        "print the addresses that are answered otherwise. The logs are those of Postfix, or lists of addresses, one a "
        "line; they may be compressed by gzip or zstd.",
        epilog="Example: trualias replay --virtual new.conf --against /etc/trualias/trualias.conf /var/log/mail.log*. "
        "Exit status: 0, 1 if an address that has received mail would be refused, 2 for a configuration or a log that "
        "cannot be used.",
    )
    command.add_argument(
        "--against",
        metavar="OLD",
        help="the configuration that is in force; by default it is looked for as the servers do",
    )
    command.add_argument(
        "--virtual",
        action="store_true",
        help="look whole addresses up, as trualias-virtual does, and not local parts, as trualias-table does",
    )
    command.add_argument(
        "--domain",
        metavar="DOMAIN",
        action="append",
        default=[],
        help="count the recipients of this domain as well; can be given several times. Without it they are those of "
        "ALIAS DOMAINS in either configuration, and with neither those of all domains, by their local parts",
    )
    add_json(command)
    command.add_argument("new", metavar="FILE", help="the new configuration")
    command.add_argument("logs", metavar="LOG", nargs="*", help="a mail log; - or nothing reads standard input")
    command.set_defaults(run=run)


class _Kind(Enum):
    """What would change for an address; the value is what to call it in front of people."""

    REFUSED = "now refused"
    FAILING = "now a temporary error"
    MOVED = "another account"
    ACCEPTED = "newly accepted"


@frozen
class _Failed:
    """A lookup that gave no answer; the client would be told to come again."""

    why: str


_Result = str | _Failed | None


@frozen
class _Change:
    """An address, what it was answered with and what it would be, None for nothing."""

    kind: _Kind
    address: str
    seen: Seen
    was: _Result
    now: _Result


def run(arguments: Namespace, terminal: Terminal) -> int:
    """Compare the configurations and return the exit status; raises `NoConfiguration` and `ConfigurationErrors`."""
    from trualias.commands.maillog import Recipients, Unreadable, today

    table = Table.VIRTUAL if arguments.virtual else Table.LOCAL_PART
    new = load_snapshot(arguments.new)
    old = load_snapshot(arguments.against or find_configuration(table))
    domains = new.configuration.settings.alias_domains | old.configuration.settings.alias_domains
    if arguments.virtual and not domains:
        terminal.errors.write("neither configuration has ALIAS DOMAINS; leave --virtual out to look up local parts\n")
        return _UNUSABLE
    domains |= {domain.lower() for domain in arguments.domain}
    recipients = Recipients(domains, bare=not arguments.virtual, today=today())
    try:
        _read(recipients, arguments.logs or ["-"], terminal)
    except Unreadable as error:
        terminal.errors.write(f"{error}\n")
        return _UNUSABLE
    lookups = old.tables[table], new.tables[table]
    with progress(terminal.errors, "looking up", len(recipients.seen)) as advance:
        changes = list(_changes(recipients, lookups, arguments.virtual, advance))
    changes.sort(key=lambda change: (-change.seen.received, -change.seen.tried, change.address))
    if arguments.json:
        write_json(terminal.output, _json(recipients, changes))
    else:
        _print(recipients, changes, terminal)
    lost = any(change.kind in (_Kind.REFUSED, _Kind.FAILING) and change.seen.received for change in changes)
    return _REFUSES if lost else _HARMLESS


def _read(recipients: Recipients, logs: Sequence[str], terminal: Terminal) -> None:
    """Take in all logs; raises Unreadable."""
    from trualias.commands.maillog import Unreadable, unpacked

    for name in logs:
        if name == "-":
            with unpacked(terminal.input, "standard input") as lines:
                recipients.read(lines)
            continue
        try:
            log = open(name, "rb")  # noqa: SIM115
        except OSError as error:
            raise Unreadable(f"{name}: cannot be read: {error.strerror}") from error
        with log, progress(terminal.errors, f"reading {name}", os.fstat(log.fileno()).st_size) as advance:
            before = 0

            def moved(log: BinaryIO = log, advance: Callable[[float], None] = advance) -> None:
                nonlocal before
                advance(log.tell() - before)
                before = log.tell()

            with unpacked(log, name) as lines:
                recipients.read(lines, moved)


def _changes(
    recipients: Recipients, lookups: tuple[Lookup, Lookup], whole: bool, advance: Callable[[float], None]
) -> Iterator[_Change]:
    """Look all recipients up, by their whole addresses or local parts, and give those whose answer changes.

    ``lookups`` are the old one and the new one.
    """
    old, new = lookups
    for number, (address, seen) in enumerate(recipients.seen.items()):
        if number % 1_000 == 0:
            advance(1_000)
        key = address if whole else address.rpartition("@")[0] or address
        was, now = _ask(old, key), _ask(new, key)
        if was != now and not (isinstance(was, _Failed) and isinstance(now, _Failed)):
            yield _Change(_kind(was, now), address, seen, was, now)


def _ask(lookup: Lookup, key: str) -> _Result:
    try:
        answer = lookup(key)
    except Exception as error:
        return _Failed(f"the hooks raised {error!r}")
    match answer:
        case Found(value) | Ambiguous(_, value):
            return value
        case NotFound():
            return None
        case BudgetExceeded():
            return _Failed("the lookup took too many steps")
        case _:
            assert_never(answer)


def _kind(was: _Result, now: _Result) -> _Kind:
    if isinstance(now, _Failed):
        return _Kind.FAILING
    if now is None:
        return _Kind.REFUSED
    return _Kind.MOVED if isinstance(was, str) else _Kind.ACCEPTED


def _print(recipients: Recipients, changes: Sequence[_Change], terminal: Terminal) -> None:
    from trualias.commands.maillog import time_text

    out = console(terminal.output)
    for kind in _Kind:
        found = [change for change in changes if change.kind is kind]
        if not found:
            continue
        out.print(f"{kind.value}: {number_of(len(found), 'address', 'addresses')}", style="bold")
        rows = table_of("address", "received", "tried", "last seen", "was", "would be")
        for column in rows.columns[1:3]:
            column.justify = "right"
        for change in found:
            seen = change.seen
            counts = str(seen.received), str(seen.tried), time_text(seen.last)
            rows.add_row(escaped(change.address), *counts, _text(change.was), _text(change.now))
        show(out, rows)
        out.print()
    out.print(
        f"{number_of(len(changes), 'address changes', 'addresses change')}, of {len(recipients.seen)} in "
        f"{number_of(recipients.lines, 'line', 'lines')}. 'Received' are mails that were delivered, 'tried' all that "
        "were refused, deferred or bounced."
    )


def _text(answer: _Result) -> str:
    if isinstance(answer, _Failed):
        return escaped(answer.why)
    return "-" if answer is None else escaped(answer)


def _json(recipients: Recipients, changes: Sequence[_Change]) -> dict[str, object]:
    from trualias.commands.maillog import time_text

    return {
        "lines": recipients.lines,
        "addresses": len(recipients.seen),
        "changes": [
            {
                "address": change.address,
                "change": change.kind.name.lower(),
                "was": _programs(change.was),
                "would_be": _programs(change.now),
                "received": change.seen.received,
                "tried": change.seen.tried,
                "last_seen": time_text(change.seen.last) if change.seen.last else None,
            }
            for change in changes
        ],
    }


def _programs(answer: _Result) -> object:
    return {"error": answer.why} if isinstance(answer, _Failed) else answer
