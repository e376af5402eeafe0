"""`trualias compose`: writes addresses that a server accepts."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, assert_never

from attrs import frozen

from trualias.commands.options import add_config, add_json, configuration_path
from trualias.commands.output import console, shown, write_json
from trualias.commands.terminal import Terminal
from trualias.configuration import Configuration
from trualias.configuration.tables import Table
from trualias.lookup import Ambiguous, Answer, BudgetExceeded, Found, NotFound, Snapshot, describe
from trualias.lookup.loading import load_snapshot
from trualias.messages import did_you_mean

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from trualias.analysis.composition import Composed, Target

_WRITTEN = 0
_NONE = 1
_UNUSABLE = 2
_ALIASES = 10


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Declare the command."""
    command = commands.add_parser(
        "compose",
        help="write addresses of an account or an alias",
        description="Write an address with the given words and the right code, for each statement of an account or an "
        "alias that the words fit. Addresses go to standard output, one a line; what does not fit, and why, goes to "
        "standard error.",
        epilog="Example: trualias compose -c conf/tcp_table_server.conf.sample pinky macys. Exit status: 0 if there is "
        "an address, 1 if there is none, 2 for a configuration or a domain that cannot be used.",
    )
    add_config(command)
    add_json(command)
    command.add_argument(
        "--domain",
        metavar="DOMAIN",
        help="write whole addresses of this domain; by default of the one that ALIAS DOMAINS lists, if it is one only",
    )
    command.add_argument("--random", action="store_true", help="choose by chance where a code leaves a choice")
    command.add_argument("--spell", action="store_true", help="add a line to read aloud to somebody who writes it down")
    command.add_argument("name", metavar="NAME", help="an account or an alias")
    command.add_argument("words", metavar="WORD", nargs="*", help="the words for the address, in their order")
    command.set_defaults(run=run)


def run(arguments: Namespace, terminal: Terminal) -> int:
    """Write addresses and return the exit status; raises `NoConfiguration` and `ConfigurationErrors`."""
    snapshot = load_snapshot(configuration_path(arguments, Table.VIRTUAL))
    configuration = snapshot.configuration
    domains = configuration.settings.alias_domains
    domain: str | None = arguments.domain
    if domain is None and len(domains) == 1:
        (domain,) = domains
    if domain is not None and domains and domain.lower() not in domains:
        listed = ", ".join(sorted(domains))
        terminal.errors.write(f"{shown(domain)} is not one of ALIAS DOMAINS ({listed}); its addresses are not found\n")
        return _UNUSABLE
    order = _by_chance if arguments.random else _as_it_is
    written = list(_compose(snapshot, arguments.name, arguments.words, domain, order))
    if not written:
        known = sorted(configuration.policy.accounts | configuration.policy.aliases)
        near = did_you_mean(arguments.name, known)
        terminal.errors.write(f"no statement has an account or an alias '{shown(arguments.name)}'{near}\n")
    if arguments.json:
        write_json(terminal.output, _for_programs(configuration, written))
    else:
        _print(configuration, written, arguments.spell, terminal)
    return _WRITTEN if any(one.value for one in written) else _NONE


_Order = Callable[[Sequence[str]], Sequence[str]]


def _as_it_is(choices: Sequence[str]) -> Sequence[str]:
    return choices


def _by_chance(choices: Sequence[str]) -> Sequence[str]:
    from random import SystemRandom

    return SystemRandom().sample(choices, len(choices))


@frozen
class _Written:
    """What came of one statement for one account and one alias: an address with its ``value``, or a ``remark``."""

    target: Target
    address: str = ""
    value: str = ""
    spelled: str = ""
    remark: str = ""


def _compose(
    snapshot: Snapshot, name: str, words: Sequence[str], domain: str | None, order: _Order
) -> Iterator[_Written]:
    from trualias.analysis.composition import targets

    found = targets(snapshot.configuration.policy, name)
    for _, group in groupby(found, key=lambda target: (id(target.rule), target.account)):
        aliases = list(group)
        for target in aliases[:_ALIASES]:
            yield _write(snapshot, target, words, domain, order)
        more = len(aliases) - _ALIASES
        if more > 0:
            yield _Written(aliases[0], remark=f"it has {more} more aliases; name one to have an address of it")


def _write(snapshot: Snapshot, target: Target, words: Sequence[str], domain: str | None, order: _Order) -> _Written:
    from trualias.analysis.composition import CannotCompose, compose
    from trualias.commands.explain_case import raised
    from trualias.commands.spelling import spelled

    configuration = snapshot.configuration
    virtual = domain is not None and bool(configuration.settings.alias_domains)
    lookup = snapshot.tables[Table.VIRTUAL if virtual else Table.LOCAL_PART]

    def resolve(local_part: str) -> Answer:
        return lookup(f"{local_part}@{domain}" if virtual else local_part)

    try:
        made = compose(configuration.policy, target, words, order, resolve)
        if isinstance(made, CannotCompose):
            return _Written(target, remark=made.reason)
        answer = made.outcome
    except Exception as error:
        return _Written(target, remark=raised(error))
    address = made.local_part if domain is None else f"{made.local_part}@{domain}"
    if isinstance(answer, Found) and configuration.policy.fold(answer.account) == configuration.policy.fold(
        target.account
    ):
        return _Written(target, address, answer.value, spelled(made.pieces, made.code_at, domain), _dots(made))
    return _Written(target, remark=f"{address} {_fate(answer)}")


def _fate(answer: Answer) -> str:
    match answer:
        case Found(value):
            return f"goes to {value}, because a hook changes it"
        case NotFound():
            return "is not found, because a hook changes it"
        case Ambiguous() | BudgetExceeded():
            return f"{describe(answer)}; other words may do"
        case _:
            assert_never(answer)


def _dots(made: Composed) -> str:
    local_part = made.local_part
    if ".." in local_part or local_part[0] == "." or local_part[-1] == ".":
        return "other mail servers may refuse it, because of its dots (RFC 5322, section 3.2.3)"
    return ""


def _print(configuration: Configuration, written: Sequence[_Written], spell: bool, terminal: Terminal) -> None:
    out, aside = console(terminal.output), console(terminal.errors)
    for one in written:
        if one.value:
            out.print(one.address, style="bold green")
            if spell:
                out.print(f"  {one.spelled}")
    remarks: dict[str, None] = {}
    for one in written:
        if one.remark:
            offset = f"statement at line {configuration.line(one.target.rule.statement.offset)}"
            remarks[f"{offset}: {f'{one.address}: ' if one.address else ''}{one.remark}"] = None
    for remark in remarks:
        aside.print(remark)


def _for_programs(configuration: Configuration, written: Sequence[_Written]) -> dict[str, object]:
    return {
        "configuration": configuration.name,
        "statements": [
            {
                "line": configuration.line(one.target.rule.statement.offset),
                "account": one.target.account,
                "alias": one.target.alias or None,
                "address": one.address or None,
                "value": one.value or None,
                "spelled": one.spelled or None,
                "remark": one.remark or None,
            }
            for one in written
        ],
    }
