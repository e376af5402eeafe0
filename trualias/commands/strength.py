"""`trualias strength`: how guessable addresses are, and for whom."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trualias.commands.options import add_config, add_json, configuration_path
from trualias.commands.output import console, show, table_of, write_json
from trualias.commands.progress import progress
from trualias.commands.terminal import Terminal
from trualias.configuration import Configuration, read_configuration
from trualias.configuration.tables import Table
from trualias.language.rule import Rule, folding
from trualias.language.tree import expression_text, item_text

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from trualias.analysis.strength import Strength
    from trualias.analysis.words.lists import WordList

_TOLD = 0
_UNKNOWN = 1
_UNUSABLE = 2


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Declare the command."""
    command = commands.add_parser(
        "strength",
        help="tell how guessable the addresses of a policy are",
        description="Tell for each statement how far somebody gets who guesses addresses. He knows the shape of the "
        "addresses, but not how their code is made; the words in the addresses are drawn from a list of names. The "
        "figures are those of the first account and alias of a statement, or of the account that is asked for.",
        epilog="Example: trualias strength -c conf/tcp_table_server.conf.sample baz. Exit status: 0, 1 if an account "
        "has no statement, 2 for a configuration or a list of words that cannot be used.",
    )
    add_config(command)
    add_json(command)
    command.add_argument(
        "--words", metavar="FILE", help="draw the words from this list, one a line; by default from one that is shipped"
    )
    command.add_argument(
        "--seed", metavar="N", type=_seed, default=1, help="what chance begins with where not all can be counted"
    )
    command.add_argument("accounts", metavar="ACCOUNT", nargs="*", help="tell of these accounts only")
    command.set_defaults(run=run)


def _seed(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ArgumentTypeError(f"'{text}' is not a whole number")
    return int(text)


def run(arguments: Namespace, terminal: Terminal) -> int:
    """Measure the statements and return the exit status; raises `NoConfiguration` and `ConfigurationErrors`."""
    from trualias.analysis.words.lists import Unreadable, read_word_list, shipped

    configuration = read_configuration(configuration_path(arguments, Table.LOCAL_PART))
    try:
        words = read_word_list(arguments.words) if arguments.words else shipped()
    except Unreadable as error:
        terminal.errors.write(f"{error}\n")
        return _UNUSABLE
    chosen, missing = _choose(configuration, arguments.accounts)
    for account in missing:
        terminal.errors.write(f"no statement is of the account {account}\n")
    with progress(terminal.errors, "measuring", len(chosen)) as advance:
        measured = []
        for rule, account in chosen:
            measured.append((rule, _measure(configuration, rule, account, words, arguments.seed)))
            advance(1)
    if arguments.json:
        write_json(terminal.output, _json(configuration, words, arguments.seed, measured))
    else:
        _print(configuration, words, arguments.seed, measured, terminal)
    return _UNKNOWN if missing else _TOLD


def _choose(configuration: Configuration, accounts: Sequence[str]) -> tuple[list[tuple[Rule, str]], list[str]]:
    """The statements to measure, each with the account to measure it for; and the accounts that have none."""
    rules = configuration.policy.rules
    if not accounts:
        return [(rule, rule.accounts[0]) for rule in rules], []
    fold = folding(configuration.settings.case_sensitive)
    asked = {fold(account): account for account in accounts}
    chosen = [(rule, name) for rule in rules for name in rule.accounts if fold(name) in asked]
    found = {fold(name) for _, name in chosen}
    return chosen, [account for folded, account in asked.items() if folded not in found]


def _measure(configuration: Configuration, rule: Rule, account: str, words: WordList, seed: int) -> Strength | str:
    """Measure a statement; gives the class of an identifier that no word can be where there is one."""
    from trualias.analysis.code_distribution import NoWords
    from trualias.analysis.strength import strength

    names = account, next(iter(rule.aliases), "")
    try:
        return strength(rule, names, words.words, configuration.settings.case_sensitive, seed)
    except NoWords as error:
        return str(error)


_Measured = Sequence[tuple[Rule, "Strength | str"]]


def _line(configuration: Configuration, rule: Rule) -> int:
    return configuration.error(rule.statement.offset, "").line


def _statement(rule: Rule) -> str:
    items = ", ".join(map(item_text, rule.statement.items))
    return f"{expression_text(rule.statement.expression)} WITH {items}"


def _print(configuration: Configuration, words: WordList, seed: int, measured: _Measured, terminal: Terminal) -> None:
    from trualias.commands.strength_text import notes, sentences

    out = console(terminal.output)
    for rule, found in measured:
        out.print(f"{configuration.name}:{_line(configuration, rule)}: {_statement(rule)}", style="bold")
        if isinstance(found, str):
            out.print(f"  no figures: none of {words.name} can be %{found}%\n")
            continue
        rows = table_of("", "")
        rows.show_header = False
        for name, sentence in sentences(found):
            rows.add_row(f"  {name}", sentence)
        show(out, rows)
        out.print()
    for note in notes(words.name, seed, [found for _, found in measured if not isinstance(found, str)]):
        out.print(note)


def _json(configuration: Configuration, words: WordList, seed: int, measured: _Measured) -> dict[str, object]:
    from trualias.commands.strength_text import for_programs, limits

    return {
        "configuration": configuration.name,
        "words": words.name,
        "seed": seed,
        "limits": limits(),
        "statements": [
            {
                "line": _line(configuration, rule),
                "expression": expression_text(rule.statement.expression),
                "items": [item_text(item) for item in rule.statement.items],
                **({"no_words": found} if isinstance(found, str) else for_programs(found)),
            }
            for rule, found in measured
        ],
    }
