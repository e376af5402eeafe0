"""``trualias guesses``: the accounts whose aliases were guessed at, and the networks that guessed."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from attrs import frozen

from trualias.commands.dates import local_day, rfc3339
from trualias.commands.memory import DONE, Memory, Refused, add_memory, with_memory
from trualias.commands.options import add_json
from trualias.commands.output import Columns, Output, write_items, write_json
from trualias.commands.overview import add_command
from trualias.commands.owners import add_account, known_owner, owner
from trualias.commands.terminal import Terminal
from trualias.store.guesses import GuessedAccount, GuessingNetwork
from trualias.store.retention import GUESS_DAYS

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        "guesses",
        description=f"List the wrong codes of the last {GUESS_DAYS} days: by account, with the latest examples, and by "
        "the network of the client. The policy service counts them where the setting GUESSES limits them.",
        exit_status="0 if the list is complete, 1 if it was refused, 2 for a configuration or a store that "
        "cannot be used",
    )
    add_memory(command)
    add_json(command)
    add_account(command)
    command.set_defaults(run=with_memory(_list))


@frozen
class _Line:
    """An account, or one of the examples below it."""

    account: str
    count: str
    days: str
    address: str
    network: str
    at: str


_ACCOUNTS: Columns[_Line] = {
    "account": (0, lambda one: one.account),
    "guesses": (0, lambda one: one.count),
    "days": (90, lambda one: one.days),
    "example": (0, lambda one: one.address),
    "network": (60, lambda one: one.network),
    "tried": (80, lambda one: one.at),
}
_NETWORKS: Columns[GuessingNetwork] = {
    "network": (0, lambda one: one.network),
    "guesses": (0, lambda one: str(one.count)),
    "days": (50, lambda one: _days(one.first_day, one.last_day)),
}


def _list(memory: Memory, arguments: Namespace, terminal: Terminal) -> int:
    selection = owner(memory.snapshot, arguments.account)
    if selection.domain is not None:
        raise Refused("guesses are counted by account in all domains: leave the domain out")
    accounts = memory.store.guessed_accounts(selection.account)
    if not accounts:
        known_owner(memory, arguments.account)
    networks = [] if selection.account is not None else memory.store.guessing_networks()
    if arguments.json:
        write_json(terminal.output, {"accounts": _accounts_json(accounts), "networks": _networks_json(networks)})
    else:
        if accounts:
            write_items(terminal.output, _ACCOUNTS, [line for one in accounts for line in _lines(one)])
        if networks:
            Output(terminal.output).print()
            write_items(terminal.output, _NETWORKS, networks)
    if memory.snapshot.configuration.settings.guesses is None:
        terminal.errors.write("without the setting GUESSES, no wrong codes are counted\n")
    return DONE


def _lines(one: GuessedAccount) -> Iterator[_Line]:
    head = (one.account, str(one.count), _days(one.first_day, one.last_day))
    if not one.examples:
        yield _Line(*head, "", "", "")
    for number, example in enumerate(one.examples):
        start = ("", "", "") if number else head
        yield _Line(*start, example.address, example.network, local_day(example.at))


def _days(first: int, last: int) -> str:
    return _day(first) if first == last else f"{_day(first)} to {_day(last)}"


def _day(number: int) -> str:
    """Return a day of UTC, counted from 1970-01-01."""
    return date.fromordinal(date(1970, 1, 1).toordinal() + number).isoformat()


def _accounts_json(accounts: Sequence[GuessedAccount]) -> list[dict[str, object]]:
    return [
        {
            "account": one.account,
            "count": one.count,
            "first_day": _day(one.first_day),
            "last_day": _day(one.last_day),
            "examples": [
                {"address": example.address, "network": example.network, "at": rfc3339(example.at)}
                for example in one.examples
            ],
        }
        for one in accounts
    ]


def _networks_json(networks: Sequence[GuessingNetwork]) -> list[dict[str, object]]:
    return [
        {
            "network": one.network,
            "count": one.count,
            "first_day": _day(one.first_day),
            "last_day": _day(one.last_day),
        }
        for one in networks
    ]
