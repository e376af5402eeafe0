"""`trualias check`: all errors of a configuration, and what in it is legal but unwise."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING

from attrs import frozen

from trualias.commands.options import add_config, add_json
from trualias.commands.output import console, write_json
from trualias.commands.terminal import Terminal
from trualias.configuration import Configuration, ConfigurationErrors, PolicyError
from trualias.configuration.locations import NoConfiguration, find_configuration
from trualias.configuration.tables import Table
from trualias.lookup.loading import load_snapshot
from trualias.messages import number_of

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from rich.console import Console

    from trualias.analysis.lint import Advice
    from trualias.analysis.overlap import Search
    from trualias.language.rule import Rule

_FINE = 0
_WARNED = 1
_UNUSABLE = 2


def add_to(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Declare the command."""
    command = commands.add_parser(
        "check",
        help="tell the errors of a configuration, and what in it is unwise",
        description="Load each configuration as a server would, hooks and expectations included, and print all errors. "
        "Of one without errors print warnings: what is legal in it but unwise, why, and what to do.",
        epilog="Example: trualias check conf/tcp_virtual_server.conf.sample. Exit status: 0 without errors, 2 with "
        "some; with --strict, 1 if there are warnings only.",
    )
    add_config(command)
    add_json(command)
    command.add_argument("--strict", action="store_true", help="end with 1 if there are warnings")
    command.add_argument(
        "files",
        metavar="FILE",
        nargs="*",
        help="what else to check; by default what each of the two servers would find",
    )
    command.set_defaults(run=run)


def run(arguments: Namespace, terminal: Terminal) -> int:
    """Check the files and return the exit status; raises `NoConfiguration`."""
    named = [path for path in (arguments.config, *arguments.files) if path is not None]
    checked = [_check(path) for path in named or _found()]
    if arguments.json:
        write_json(terminal.output, {"files": [_for_programs(one) for one in checked]})
    else:
        out = console(terminal.output)
        for one in checked:
            _print(one, out)
    if any(one.errors for one in checked):
        return _UNUSABLE
    return _WARNED if arguments.strict and any(one.advice for one in checked) else _FINE


def _found() -> list[str]:
    """The configurations that the servers would find, each once; raises `NoConfiguration` if there is none."""
    paths = []
    missing = None
    for kind in Table:
        try:
            paths.append(find_configuration(kind))
        except NoConfiguration as error:
            missing = missing or error
    if missing and not paths:
        raise missing
    return list(dict.fromkeys(paths))


@frozen(eq=False)
class _Checked:
    """A file, and what was found in it: errors, or else the configuration with its warnings."""

    path: str
    errors: tuple[PolicyError, ...]
    configuration: Configuration | None = None
    advice: tuple[Advice, ...] = ()
    search: Search | None = None


def _check(path: str) -> _Checked:
    from trualias.analysis.lint import advise

    try:
        configuration = load_snapshot(path).configuration
        if configuration.settings.listen:
            # Twisted, which nothing else here needs, takes longer to import than all the rest.
            from trualias.configuration.endpoints import check_listeners

            check_listeners(configuration, skip_systemd=True)
    except ConfigurationErrors as errors:
        return _Checked(path, errors.errors)
    advice, search = advise(configuration)
    return _Checked(path, (), configuration, advice, search)


def _print(checked: _Checked, out: Console) -> None:
    for error in checked.errors:
        _print_place(error, "bold red", out)
    configuration = checked.configuration
    if configuration is None:
        out.print(
            f"{checked.path}: {number_of(len(checked.errors), 'error')}, and no server would take it", style="bold"
        )
        return
    for advice in checked.advice:
        _print_place(configuration.error(advice.offset, f"warning: {advice.message}"), "bold yellow", out)
        out.print(f"    why: {advice.reason}\n    fix: {advice.fix}")
    for note in _limits(configuration, checked.search) if checked.search else ():
        out.print(f"{checked.path}: {note}")
    expected = sum(len(expectation.addresses) for expectation in configuration.expectations)
    size = configuration.policy.size + (f", {number_of(expected, 'expectation')}" if expected else "")
    warnings = number_of(len(checked.advice), "warning", zero="no")
    out.print(f"{checked.path}: {size}; no errors, {warnings}", style="bold")


def _print_place(error: PolicyError, style: str, out: Console) -> None:
    message, *excerpt = str(error).split("\n")
    out.print(message, style=style)
    for line in excerpt:
        out.print(line)


def _limits(configuration: Configuration, search: Search) -> Iterator[str]:
    """Say what the search for addresses of two accounts left open."""
    if search.undecided:
        lines = _lines(configuration, search.undecided[0])
        more = len(search.undecided) - 1
        also = f", nor whether those of {number_of(more, 'other pair')} do" if more else ""
        yield f"the search did not find out whether statements in lines {lines[0]} and {lines[1]} share addresses{also}"
    if not search.complete:
        yield "the search for addresses of two accounts did not come to look at all statements"


def _lines(configuration: Configuration, pair: tuple[Rule, Rule]) -> tuple[int, int]:
    first, second = (configuration.line(rule.statement.offset) for rule in pair)
    return first, second


def _for_programs(checked: _Checked) -> dict[str, object]:
    configuration, search = checked.configuration, checked.search
    told: dict[str, object] = {
        "file": checked.path,
        "errors": [{"line": error.line, "column": error.column, "message": error.message} for error in checked.errors],
        "warnings": [],
    }
    if configuration is not None and search is not None:
        told["warnings"] = [_warning(configuration, advice) for advice in checked.advice]
        told["statements"] = len(configuration.policy.rules)
        undecided = [_lines(configuration, pair) for pair in search.undecided]
        told["search"] = {"undecided_lines": undecided, "complete": search.complete}
    return told


def _warning(configuration: Configuration, advice: Advice) -> dict[str, object]:
    place = configuration.error(advice.offset, advice.message)
    return {
        "kind": advice.kind,
        "line": place.line,
        "column": place.column,
        "message": advice.message,
        "why": advice.reason,
        "fix": advice.fix,
        **({} if advice.address is None else {"address": advice.address}),
    }
