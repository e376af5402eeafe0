"""``trualias alias expire``: the ends of aliases, by date, by the number of mails, and by disuse."""

from __future__ import annotations

import time
from argparse import ArgumentTypeError, Namespace
from collections.abc import Sequence

from attrs import evolve

from trualias.commands.alias_report import Report, add_address, add_report, typed_alias
from trualias.commands.dates import InvalidDate, local_time, parse_date
from trualias.commands.memory import AddAction, Memory, Refused, has_policy_service
from trualias.commands.terminal import Terminal
from trualias.commands.typed_aliases import Alias, unchanged
from trualias.lookup.alias_states import AliasState
from trualias.messages import number_of, quoted
from trualias.store.records import Change, Entry, TrailLine, idle_remark

_DAY = 86_400
_MOST = 1_000_000


def add_to(add: AddAction) -> None:
    """Declare the action."""
    expiring = add(
        "expire",
        _expire,
        "let an alias end",
        "Let an alias end by itself: at a date, after a number of mails, or when no mail comes any more. It becomes "
        "revoked then. Each of the three holds until it is given anew.",
        "foo-macys-m5@example.com --on 2027-01-31",
    )
    add_report(expiring)
    add_address(expiring)
    when = expiring.add_mutually_exclusive_group(required=True)
    when.add_argument(
        "--on", metavar="DATE", type=date, help="a day, such as 2027-01-31, at its end, or a time of RFC 3339"
    )
    when.add_argument(
        "--after",
        metavar="N",
        type=number,
        help="the number of accepted mails, as list shows it; mail that is on its way then still comes through",
    )
    when.add_argument("--idle", metavar="DAYS", type=number, help="days without accepted mail")
    when.add_argument("--never", action="store_true", help="it does not end")


def date(text: str) -> float:
    """Return the seconds since 1970 of a date that a person typed; raise `ArgumentTypeError`."""
    try:
        return parse_date(text)
    except InvalidDate as error:
        raise ArgumentTypeError(str(error)) from None


def day_or_time(text: str) -> float:
    """Return the seconds since 1970 of the begin of a day, or of a time; raise `ArgumentTypeError`."""
    try:
        return parse_date(text, begins=True)
    except InvalidDate as error:
        raise ArgumentTypeError(str(error)) from None


def number(text: str) -> int:
    """Return a number that a person typed; raise `ArgumentTypeError`."""
    if text.isascii() and text.isdigit() and 0 < int(text[:9]) <= _MOST and len(text) < 9:
        return int(text)
    raise ArgumentTypeError(f"{quoted(text)} is not a number from 1 to {_MOST}")


def check_future(seconds: float | None) -> None:
    """Raise `Refused` for a time that is over."""
    if seconds is not None and seconds <= time.time():
        raise Refused(f"{local_time(seconds)} is over")


def without_reached_ends(alias: Alias, before: Entry | None, trail: Sequence[TrailLine]) -> Change:
    """Return the change that makes an alias active, without the ends that it has reached, given its trail."""
    change = evolve(unchanged(alias, before), state=AliasState.ACTIVE, resumes=None)
    if before is None:
        return change
    if before.expires_after is not None and before.accepted >= before.expires_after:
        change = evolve(change, expires_after=None)
    if before.expires_idle is not None and _ended_idle(before.expires_idle, trail):
        change = evolve(change, expires_idle=None)
    return change


def _ended_idle(days: int, trail: Sequence[TrailLine]) -> bool:
    """Return whether an alias ended because no mail came for some days, and this end was not given anew since."""
    for line in reversed(trail):
        if line.note == _idle(days):
            return False
        if line.after is AliasState.REVOKED and line.before is not AliasState.REVOKED:
            return line.note == idle_remark(days)
    return False


def _idle(days: int) -> str:
    return f"expires after {number_of(days, 'day')} without mail"


def _expire(memory: Memory, arguments: Namespace, terminal: Terminal) -> int:
    check_future(arguments.on)
    alias = typed_alias(memory, arguments, arguments.address)
    before = memory.store.entry(alias.key)
    accepted = 0 if before is None else before.accepted
    change = unchanged(alias, before)
    if arguments.never:
        remark = "does not expire"
        change = evolve(change, expires=None, expires_after=None, expires_idle=None)
    elif arguments.on is not None:
        remark = f"expires at {local_time(arguments.on)}"
        change = evolve(change, expires=arguments.on)
    else:
        if not has_policy_service(memory.snapshot):
            raise Refused(
                f"{memory.snapshot.configuration.name} has no LISTEN for a policy service, such as "
                "policy unix:/run/trualias/policy, which counts the mails"
            )
        if arguments.after is not None:
            if arguments.after <= accepted:
                raise Refused(f"{alias.address} has {number_of(accepted, 'accepted mail')} already")
            remark = f"expires after {number_of(arguments.after, 'accepted mail')}"
            change = evolve(change, expires_after=arguments.after)
        else:
            remark = _idle(arguments.idle)
            change = evolve(change, expires_idle=arguments.idle)
    memory.change([evolve(change, remark=remark)])
    so_far = f"; it has {accepted or 'none'} so far" if arguments.after is not None else ""
    revoked = "; it is revoked until it is resumed" if change.state is AliasState.REVOKED else ""
    report = Report(memory, arguments, terminal)
    report.print_about(alias, f"{remark}{so_far}{revoked}")
    return report.finish([alias])
