"""``trualias alias import``: addresses that are kept though no statement accepts them."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from trualias.commands.dates import local_day, local_time, rfc3339, rfc3339_or_none
from trualias.commands.memory import DONE, REFUSED, AddAction, Memory, Refused
from trualias.commands.options import add_json
from trualias.commands.output import Columns, write_items, write_json, write_rows
from trualias.commands.progress import progress
from trualias.commands.terminal import Terminal
from trualias.messages import escaped, number_of
from trualias.store.records import IMPORTS, Kept, TrailLine

if TYPE_CHECKING:
    from trualias.commands.import_plan import Candidate, ImportAccount, ImportPlan

MOST_LINES = 1_000_000
"""Lines of a list at most, and addresses of logs."""

_MIN = 2


def add_to(add: AddAction) -> None:
    """Declare the actions."""
    action = add(
        "import",
        _import,
        "keep addresses that no statement accepts",
        "Keep addresses for an account, though no statement accepts them: those of a list, one a line, of a column of "
        "a CSV file, or those that received mail according to mail logs. What a statement or the store gives to "
        "another account, and what is a mailbox, is skipped and listed. No state changes.",
        "--account foo old-addresses.txt",
    )
    action.add_argument(
        "--account",
        metavar="ACCOUNT",
        help="the account, such as ann, or ann@north.test for addresses of this domain alone; with --from-log that of "
        "addresses for which the logs do not show it",
    )
    action.add_argument(
        "--column", metavar="NAME", help="read a CSV file, whose first line names its columns, and take this one"
    )
    action.add_argument(
        "--take", action="store_true", help="also what a statement or the store gives to another account"
    )
    action.add_argument(
        "--from-log",
        metavar="LOG",
        nargs="+",
        help="the addresses that received mail, each for the account that it reached; shows them, and keeps them with "
        "--yes",
    )
    action.add_argument(
        "--min", metavar="N", type=_positive, default=_MIN, help=f"with --from-log: at least N mails, {_MIN} by default"
    )
    action.add_argument("--yes", action="store_true", help="with --from-log: keep the addresses")
    add_json(action)
    action.add_argument("file", metavar="FILE", nargs="?", help="the list; - reads standard input")
    listing = add(
        "imports",
        _list,
        "list the imports",
        "List the imports of aliases of the last 400 days, and the last one: when, by whom, and of how many for which "
        "accounts.",
        "",
        to_change=False,
    )
    add_json(listing)


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise ArgumentTypeError(f"{text!r} is no number of mails")
    return int(text)


def _import(memory: Memory, arguments: Namespace, terminal: Terminal) -> int:
    from trualias.commands.import_plan import import_account
    from trualias.commands.log_file import UnreadableLog

    if (arguments.file is None) == (arguments.from_log is None):
        raise Refused("name either a list of addresses, or logs after --from-log")
    account = None if arguments.account is None else import_account(memory.snapshot, arguments.account)
    if arguments.file is not None and account is None:
        raise Refused("--account is needed: the account that the addresses are kept for")
    try:
        candidates, rare = _candidates(memory, arguments, terminal)
        plan = _plan(memory, candidates, account, terminal, take=arguments.take)
    except UnreadableLog as error:
        raise Refused(str(error)) from None
    is_done = arguments.from_log is None or arguments.yes
    kept = list(plan.kept.values())
    if is_done and kept:
        memory.keep(kept, _trail_note(kept))
    if arguments.json:
        write_json(terminal.output, _json(plan, rare, is_done=is_done))
    else:
        _print(plan, rare, terminal, is_done=is_done)
    return DONE if kept or plan.already or not plan.skipped else REFUSED


def _candidates(memory: Memory, arguments: Namespace, terminal: Terminal) -> tuple[Iterable[Candidate], int]:
    """Return the addresses of the list or of the logs, and how many of the logs' received fewer mails than wanted."""
    from datetime import date

    from trualias.commands.import_list import listed_addresses
    from trualias.commands.import_log import candidates_of
    from trualias.commands.import_plan import Candidate
    from trualias.commands.maillog import Recipients
    from trualias.commands.reading_logs import read_logs

    if arguments.file is not None:
        return map(Candidate, listed_addresses(arguments.file, arguments.column, terminal)), 0
    domains = memory.snapshot.configuration.settings.alias_domains
    if not domains:
        raise Refused("the configuration has no ALIAS DOMAINS, which tell its addresses from others in a log")
    recipients = Recipients(domains, bare=False, today=date.today(), with_reached=True)
    if not read_logs(recipients, arguments.from_log, terminal):
        raise Refused("nothing is imported")
    found = list(candidates_of(recipients, memory.snapshot))
    frequent = [one for one in found if one.accepted >= arguments.min]
    return frequent, len(found) - len(frequent)


def _plan(
    memory: Memory, candidates: Iterable[Candidate], account: ImportAccount | None, terminal: Terminal, *, take: bool
) -> ImportPlan:
    from trualias.commands.import_plan import Planner

    planner = Planner(memory.snapshot, memory.store.entry, account, take=take)
    with progress(terminal.errors, "comparing addresses", None, after=1) as advance:
        for number, candidate in enumerate(candidates):
            if number >= MOST_LINES:
                raise Refused(f"there are more than {MOST_LINES} addresses; import them in parts")
            if number % 1_000 == 0:
                advance(0)
            planner.add(candidate)
    return planner.plan


def _trail_note(kept: list[Kept]) -> str:
    accounts = Counter(one.account for one in kept)
    listed = ", ".join(f"{number} for {account}" for account, number in sorted(accounts.items())[:10])
    more = f" and {len(accounts) - 10} more accounts" if len(accounts) > 10 else ""
    return f"imported {number_of(len(kept), 'alias', 'aliases')}: {listed}{more}"


def _print(plan: ImportPlan, rare: int, terminal: Terminal, *, is_done: bool) -> None:
    out = terminal.output
    if not is_done and plan.kept:
        rows = [
            (escaped(one.address), escaped(one.account), str(one.accepted), local_day(one.last_seen))
            for one in plan.kept.values()
        ]
        write_rows(out, ("address", "account", "mails", "last mail"), rows)
    for skipped in plan.skipped:
        out.write(f"{escaped(skipped.address)} is skipped: {escaped(skipped.reason)}\n")
    verb = ("is kept", "are kept") if is_done else ("would be kept", "would be kept")
    kept = len(plan.kept)
    out.write(f"{number_of(kept, 'address', 'addresses')} {verb[kept != 1]}, {len(plan.skipped)} skipped")
    out.write(f", {plan.already} kept already\n" if plan.already else "\n")
    if plan.inactive:
        out.write(f"{plan.inactive} of them {'stays' if plan.inactive == 1 else 'stay'} revoked or paused\n")
    if rare:
        addresses = number_of(rare, "address is left out, which has", "addresses are left out, which have")
        out.write(f"{addresses} fewer mails than --min\n")
    if not is_done:
        out.write("nothing is done without --yes\n")


def _json(plan: ImportPlan, rare: int, *, is_done: bool) -> dict[str, object]:
    return {
        "done": is_done,
        "kept": [
            {
                "address": one.address,
                "account": one.account,
                "accepted": one.accepted,
                "last_seen": rfc3339_or_none(one.last_seen),
            }
            for one in plan.kept.values()
        ],
        "already": plan.already,
        "inactive": plan.inactive,
        "rare": rare,
        "skipped": [{"address": one.address, "reason": one.reason} for one in plan.skipped],
    }


_IMPORTS: Columns[TrailLine] = {
    "time": (0, lambda line: local_time(line.at)),
    "by": (60, lambda line: line.actor),
    "import": (0, lambda line: line.note),
}


def _list(memory: Memory, arguments: Namespace, terminal: Terminal) -> int:
    lines = memory.store.trail(IMPORTS)
    if arguments.json:
        found = [{"at": rfc3339(line.at), "by": line.actor, "note": line.note} for line in lines]
        write_json(terminal.output, found)
    else:
        write_items(terminal.output, _IMPORTS, lines)
    return DONE
