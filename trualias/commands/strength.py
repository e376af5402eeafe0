"""``trualias strength``: how hard addresses are to guess."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from trualias.commands.child_processes import EndedProcess, computed_by_several
from trualias.commands.options import add_config, add_json, configuration_path
from trualias.commands.output import write_json
from trualias.commands.overview import add_command
from trualias.commands.progress import progress
from trualias.commands.terminal import Terminal
from trualias.configuration import read_configuration
from trualias.configuration.tables import Table
from trualias.language.rule import folding
from trualias.language.tree import NameKind
from trualias.messages import did_you_mean, escaped

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from trualias.analysis.composition import Target
    from trualias.analysis.strength import Strength
    from trualias.analysis.word_classes import NoWords, Words
    from trualias.commands.strength_text import Measured
    from trualias.matching.policy import Policy

_MEASURED = 0
_UNKNOWN_ACCOUNT = 1
_UNUSABLE = 2

_SHARED = 50
"""Statements that several processes measure; for fewer it takes longer, as each of them prepares the words."""


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        "strength",
        description="Measure for each statement how often an attacker guesses an address. The attacker knows the shape "
        "of the addresses, but not how their code is made; the words in the addresses are drawn from a list of names. "
        "The figures are for the first account and alias of a statement, or for a given account.",
        exit_status="0, 1 if an account has no statement, 2 for a configuration or a list of words that cannot be "
        "used, or for a process that is ended",
    )
    add_config(command)
    add_json(command)
    command.add_argument(
        "--words", metavar="FILE", help="draw the words from this list, one a line; by default from the shipped list"
    )
    command.add_argument(
        "--seed", metavar="N", type=_seed, default=1, help="the seed of random samples, where not all can be counted"
    )
    command.add_argument("accounts", metavar="ACCOUNT", nargs="*", help="measure these accounts only")
    command.set_defaults(run=run)


def _seed(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ArgumentTypeError(f"'{text}' is not a whole number")
    return int(text)


def run(arguments: Namespace, terminal: Terminal) -> int:
    """Measure the statements and return the exit status.

    Raises:
        NoConfiguration: no configuration is given or found.
        ConfigurationErrors: the configuration cannot be used.
    """
    from trualias.analysis.likeness import likeness_of
    from trualias.analysis.words.lists import UnusableWordList, read_word_list, shipped_word_list
    from trualias.commands.strength_text import for_programs, print_measured

    configuration = read_configuration(configuration_path(arguments, Table.LOCAL_PART))
    try:
        words = read_word_list(arguments.words) if arguments.words else shipped_word_list()
    except UnusableWordList as error:
        terminal.errors.write(f"{error}\n")
        return _UNUSABLE
    targets, missing = _choose(configuration.policy, arguments.accounts)
    known = sorted(configuration.policy.accounts)
    for account in missing:
        terminal.errors.write(f"no statement has the account {escaped(account)}{did_you_mean(account, known)}\n")
    if not targets and not missing:
        terminal.errors.write(f"{escaped(configuration.name)} has no statement to measure\n")
    case_sensitive = configuration.settings.case_sensitive
    likenesses = [likeness_of(target, words.words, folding(case_sensitive)) for target in targets]
    measure = partial(_measure, words.words, case_sensitive, arguments.seed)
    try:
        measured = _measure_all(targets, likenesses, measure, terminal)
    except EndedProcess as end:
        terminal.errors.write(f"not measured: a process that measures {end}\n")
        return _UNUSABLE
    if arguments.json:
        write_json(terminal.output, for_programs(configuration, words.name, arguments.seed, measured))
    elif measured:
        print_measured(configuration, words.name, arguments.seed, measured, terminal)
    return _UNKNOWN_ACCOUNT if missing else _MEASURED


def _choose(policy: Policy, accounts: Sequence[str]) -> tuple[list[Target], list[str]]:
    """Return the targets to measure, each with its statement's first alias, and the accounts without a statement."""
    from trualias.analysis.composition import targets_of

    of_rules = [list(targets_of(rule, policy.fold, rule.aliases[:1])) for rule in policy.rules]
    if not accounts:
        return [targets[0] for targets in of_rules], []
    wanted = {policy.fold(account): account for account in accounts}
    chosen = [target for targets in of_rules for target in targets if target.names[NameKind.ACCOUNT] in wanted]
    found = {target.names[NameKind.ACCOUNT] for target in chosen}
    return chosen, [account for folded, account in wanted.items() if folded not in found]


def _measure_all(
    targets: Sequence[Target],
    likenesses: Sequence[Hashable],
    measure: Callable[..., Strength | NoWords],
    terminal: Terminal,
) -> list[Measured]:
    """Measure one of the targets of each likeness, and show the progress.

    ``measure`` is ``_measure`` without its first arguments.

    Raises:
        EndedProcess: a process that measures has ended.
    """
    from trualias.commands.strength_text import Measured

    different: dict[Hashable, Target] = {}
    for likeness, target in zip(likenesses, targets, strict=True):
        different.setdefault(likeness, target)
    tasks = list(different.values())
    found: dict[Hashable, Strength | NoWords] = {}
    measured = []
    with (
        computed_by_several(measure, tasks, None if len(tasks) >= _SHARED else 1) as results,
        progress(terminal.errors, "measuring", len(targets)) as advance,
    ):
        in_order = (measure(target, advance) for target in tasks) if results is None else results
        for likeness, target in zip(likenesses, targets, strict=True):
            like = different[likeness] if likeness in found else None
            if like is None:
                found[likeness] = next(in_order)
            if like is not None or results is not None:
                advance(1)
            measured.append(Measured(target, found[likeness], like))
    return measured


def _measure(
    words: Words, case_sensitive: bool, seed: int, target: Target, advance: Callable[[float], None] = lambda part: None
) -> Strength | NoWords:
    from trualias.analysis.strength import strength
    from trualias.analysis.word_classes import NoWords

    try:
        return strength(target, words, case_sensitive, seed, advance)
    except NoWords as error:
        advance(1)
        return error
