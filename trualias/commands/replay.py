"""``trualias replay``: what a new configuration would change for the recipients in mail logs."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, assert_never

from attrs import frozen

from trualias.commands.options import add_json
from trualias.commands.output import Output, show, table_of, write_json
from trualias.commands.overview import add_command
from trualias.commands.progress import progress
from trualias.commands.stored_states import with_stored_states
from trualias.commands.terminal import Terminal
from trualias.configuration.locations import find_configuration
from trualias.configuration.tables import Table
from trualias.language.domains import fold_domain
from trualias.lookup import Ambiguous, BudgetExceeded, Deferred, Found, Lookup, NotFound
from trualias.lookup.answers import describe_deferred
from trualias.lookup.loading import load_snapshot
from trualias.messages import escaped, number_of

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from trualias.commands.maillog import Recipients
    from trualias.commands.recipient_counts import RecipientCounts

_HARMLESS = 0
_REFUSES = 1
_UNUSABLE = 2


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        "replay",
        description="Look up every recipient of the logs by a new configuration and by the one that is in force, and "
        "print the addresses that are answered otherwise. The logs are those of Postfix, Exim or Sendmail, or lists of "
        "addresses, one a line; they may be compressed by gzip or zstd.",
        exit_status="0, 1 if an address that has received mail would be refused, 2 for a configuration or a "
        "log that cannot be used, or where no log has a recipient",
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
        help="count the recipients of this domain too; can be given several times. Without it they are those of "
        "ALIAS DOMAINS in either configuration, and with neither those of all domains, by their local parts",
    )
    add_json(command)
    command.add_argument("new", metavar="FILE", help="the new configuration")
    command.add_argument("logs", metavar="LOG", nargs="*", help="a mail log; - or nothing reads standard input")
    command.set_defaults(run=run)


class _Kind(Enum):
    """A change for an address; the value is its name in the output."""

    REFUSED = "now refused"
    FAILING = "now a temporary error"
    MOVED = "another account"
    ACCEPTED = "newly accepted"


@frozen
class _Failed:
    """A failed lookup, which a server answers with a temporary error."""

    reason: str


_Result = str | _Failed | None
"""The value of a lookup, its failure, or None where the address is not found."""


@frozen
class _Change:
    """An address with its old and its new result."""

    kind: _Kind
    address: str
    counts: RecipientCounts
    was: _Result
    now: _Result


def run(arguments: Namespace, terminal: Terminal) -> int:
    """Compare the configurations and return the exit status; raises `NoConfiguration` and `ConfigurationErrors`."""
    from trualias.commands.log_file import UnreadableLog
    from trualias.commands.maillog import Recipients
    from trualias.commands.reading_logs import read_logs

    table = Table.VIRTUAL if arguments.virtual else Table.LOCAL_PART
    new = with_stored_states(load_snapshot(arguments.new), terminal)
    old = with_stored_states(load_snapshot(arguments.against or find_configuration(table)), terminal)
    for snapshot in (new, old):
        if snapshot.configuration.policy.retired is not None and snapshot.states is None:
            terminal.errors.write(
                f"{snapshot.configuration.name} has RETIRED statements, whose addresses the store keeps: without it, "
                "nothing is compared\n"
            )
            return _UNUSABLE
    domains = new.configuration.settings.alias_domains | old.configuration.settings.alias_domains
    if arguments.virtual and not domains:
        terminal.errors.write("neither configuration has ALIAS DOMAINS; leave --virtual out to look up local parts\n")
        return _UNUSABLE
    domains |= {fold_domain(domain) for domain in arguments.domain}
    recipients = Recipients(domains, bare=not arguments.virtual, today=date.today())
    try:
        is_usable = read_logs(recipients, arguments.logs or ["-"], terminal)
    except UnreadableLog as error:
        terminal.errors.write(f"{error}\n")
        return _UNUSABLE
    if not is_usable:
        return _UNUSABLE
    lookups = old.tables[table], new.tables[table]
    with progress(terminal.errors, "looking up", len(recipients.counts)) as advance:
        changes = list(_changes(recipients, lookups, arguments.virtual, advance))
    changes.sort(key=lambda change: (-change.counts.received, -change.counts.tried, change.address))
    if arguments.json:
        write_json(terminal.output, _json(recipients, changes))
    else:
        _print(recipients, changes, terminal)
    lost = any(change.kind in (_Kind.REFUSED, _Kind.FAILING) and change.counts.received for change in changes)
    return _REFUSES if lost else _HARMLESS


def _changes(
    recipients: Recipients, lookups: tuple[Lookup, Lookup], whole: bool, advance: Callable[[float], None]
) -> Iterator[_Change]:
    """Look up all recipients, by whole address or local part, and yield those whose result changes.

    ``lookups`` are the old one and the new one.
    """
    old, new = lookups
    for number, (address, counts) in enumerate(recipients.counts.items()):
        if number % 1_000 == 0:
            advance(1_000)
        key = address if whole else address.rpartition("@")[0] or address
        was, now = _look_up(old, key), _look_up(new, key)
        if was != now and not (isinstance(was, _Failed) and isinstance(now, _Failed)):
            yield _Change(_kind(was, now), address, counts, was, now)


def _look_up(lookup: Lookup, key: str) -> _Result:
    try:
        answer = lookup(key)
    except Exception as error:
        return _Failed(f"the hooks raised {error!r}")
    match answer:
        case Found(value) | Ambiguous(_, value):
            return value
        case NotFound():
            return None
        case Deferred():
            return _Failed(describe_deferred(answer))
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
    from trualias.commands.log_times import time_text

    out = Output(terminal.output)
    for kind in _Kind:
        of_kind = [change for change in changes if change.kind is kind]
        if not of_kind:
            continue
        out.print(f"{kind.value}: {number_of(len(of_kind), 'address', 'addresses')}", style="bold")
        rows = table_of("address", "received", "tried", "last seen", "was", "would be")
        for column in rows.columns[1:3]:
            column.justify = "right"
        for change in of_kind:
            counts = change.counts
            columns = str(counts.received), str(counts.tried), time_text(counts.last)
            rows.add_row(escaped(change.address), *columns, _text(change.was), _text(change.now))
        show(terminal.output, rows)
        out.print()
    out.print(
        f"{number_of(len(changes), 'address changes', 'addresses change')}, of {len(recipients.counts)} in "
        f"{number_of(recipients.lines, 'line', 'lines')}. 'Received' are mails that were delivered, 'tried' all that "
        "were refused, deferred or bounced.",
        hanging=0,
    )


def _text(result: _Result) -> str:
    if isinstance(result, _Failed):
        return escaped(result.reason)
    return "-" if result is None else escaped(result)


def _json(recipients: Recipients, changes: Sequence[_Change]) -> dict[str, object]:
    from trualias.commands.log_times import time_text

    return {
        "lines": recipients.lines,
        "addresses": len(recipients.counts),
        "changes": [
            {
                "address": change.address,
                "change": change.kind.name.lower(),
                "was": _json_value(change.was),
                "would_be": _json_value(change.now),
                "received": change.counts.received,
                "tried": change.counts.tried,
                "last_seen": time_text(change.counts.last) if change.counts.last else None,
            }
            for change in changes
        ],
    }


def _json_value(result: _Result) -> object:
    return {"error": result.reason} if isinstance(result, _Failed) else result
