"""The output of ``trualias check``, for people and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from attrs import frozen

from trualias.analysis.lint_warning import LintWarning
from trualias.analysis.overlap import COMPARED, NAMES, STEPS, Limit, Search
from trualias.analysis.step_limit import Unexamined
from trualias.commands.output import Output, place
from trualias.configuration import Configuration, ConfigurationErrors, PolicyError
from trualias.language.rule import Rule
from trualias.messages import escaped, number_of

_SHOWN = 20
"""Warnings of one kind that a text for people has: 20,000 statements of one shape have the same one."""


@frozen(eq=False, repr=False)
class Note:
    """A recommendation that changes no exit status. ``kind`` is its name in JSON."""

    kind: str
    message: str
    reason: str
    fix: str


@frozen(eq=False, repr=False)
class CheckedFile:
    """A file with its errors, or else with its configuration, warnings and search result."""

    path: str
    errors: ConfigurationErrors | None
    configuration: Configuration | None = None
    warnings: tuple[LintWarning, ...] = ()
    search: Search | None = None
    notes: tuple[Note, ...] = ()
    unexamined: tuple[Unexamined, ...] = ()


def print_file(file: CheckedFile, out: Output) -> None:
    """Print the errors of a file, or its warnings, and a summary."""
    if file.errors is not None:
        _print_errors(file.path, file.errors, out)
    if file.configuration is not None:
        _print_findings(file, file.configuration, out)


def _print_errors(path: str, errors: ConfigurationErrors, out: Output) -> None:
    for error in errors.shown:
        _print_excerpt(error, "bold red", out)
    if errors.rest:
        out.print(errors.rest)
    out.print(f"{escaped(path)}: {errors.count}; a server would refuse it", style="bold")


def _print_findings(file: CheckedFile, configuration: Configuration, out: Output) -> None:
    numbers: Counter[str] = Counter()
    for warning in file.warnings:
        numbers[warning.kind] += 1
        if numbers[warning.kind] <= _SHOWN:
            _print_excerpt(configuration.error(warning.offset, f"warning: {warning.message}"), "bold yellow", out)
            out.print(f"    why: {warning.reason}\n    fix: {warning.fix}")
    for kind, number in numbers.items():
        if number > _SHOWN:
            more = number_of(number - _SHOWN, "more warning")
            out.print(f"{escaped(file.path)}: {more} of the kind {kind}; --json prints all", style="bold yellow")
    for note in (*file.notes, *_notes(configuration)):
        out.print(f"{escaped(file.path)}: note: {note.message}\n    why: {note.reason}\n    fix: {note.fix}")
    for limit in _limits(configuration, file.search) if file.search else ():
        out.print(f"{escaped(file.path)}: {limit}")
    for left_out in file.unexamined:
        out.print(f"{escaped(file.path)}: {left_out.message}")
    expected = sum(len(expectation.addresses) for expectation in configuration.expectations)
    refused = sum(len(refusal.addresses) for refusal in configuration.refusals)
    size = configuration.policy.size
    size += f", {number_of(refused, 'refused address', 'refused addresses')}" if refused else ""
    size += f", {number_of(expected, 'expectation')}" if expected else ""
    warnings = number_of(len(file.warnings), "warning", zero="no")
    out.print(f"{escaped(file.path)}: {size}; no errors, {warnings}", style="bold")


def _notes(configuration: Configuration) -> Iterator[Note]:
    lacking = [path for path in configuration.paths if path not in configuration.ended_files]
    if lacking:
        more = f", nor do {number_of(len(lacking) - 1, 'other file')}" if len(lacking) > 1 else ""
        yield Note(
            "no-end",
            f"{'the file' if lacking[0] == configuration.name else escaped(lacking[0])} does not end with END{more}",
            "a file that was cut off cannot be told from a complete one",
            "write END in the last line",
        )


def _print_excerpt(error: PolicyError, style: str, out: Output) -> None:
    message, _, excerpt = str(error).partition("\n")
    out.print(message, style)
    if excerpt:
        out.print(excerpt, folded=False)


_REASONS = {
    Limit.STEPS: f"it is limited to {STEPS:,} steps",
    Limit.COMPARISONS: f"it compares at most {COMPARED:,} pairs",
    Limit.ADDRESSES: "it found as many addresses as are printed",
    Limit.NAMES: f"it is limited to {NAMES:,} names",
}


def _limits(configuration: Configuration, search: Search) -> Iterator[str]:
    """Describe what the search for addresses of two accounts left undecided."""
    if search.undecided:
        one, other = (rule.statement.offset for rule in search.undecided[0])
        lines = (configuration.line_text(one), configuration.line_text(other))
        both = " and ".join(lines) if any(" of " in line for line in lines) else _two_lines(*lines)
        more = len(search.undecided) - 1
        also = f", nor for {number_of(more, 'other pair')}" if more else ""
        yield f"the search did not decide whether the statements in {both} share addresses{also}"
    for limit, number in search.unexamined.items():
        pairs = f"{number:,} {'pair' if number == 1 else 'pairs'} of statements"
        yield f"the search for addresses of two accounts did not examine {pairs}: {_REASONS[limit]}"


def _two_lines(first: str, second: str) -> str:
    return f"lines {first.removeprefix('line ')} and {second.removeprefix('line ')}"


def _lines(configuration: Configuration, pair: tuple[Rule, Rule]) -> tuple[int, int]:
    first, second = (configuration.line(rule.statement.offset) for rule in pair)
    return first, second


def for_programs(file: CheckedFile) -> dict[str, object]:
    """Return all results for a file, to be written as JSON."""
    configuration, search = file.configuration, file.search
    errors = file.errors.errors if file.errors is not None else ()
    result: dict[str, object] = {
        "file": file.path,
        "errors": [_error(file.path, error) for error in errors],
        "truncated": file.errors is not None and file.errors.is_truncated,
        "warnings": [],
        "notes": [],
    }
    if configuration is not None and search is not None:
        result["warnings"] = [_warning(configuration, warning) for warning in file.warnings]
        result["notes"] = [
            {"kind": note.kind, "message": note.message, "why": note.reason, "fix": note.fix}
            for note in (*file.notes, *_notes(configuration))
        ]
        result["statements"] = len(configuration.policy.all_rules)
        unexamined = {limit.value: search.unexamined.get(limit, 0) for limit in Limit}
        undecided = [_lines(configuration, pair) for pair in search.undecided]
        result["search"] = {"undecided_lines": undecided, "complete": search.complete, "unexamined": unexamined}
        result["unexamined"] = [
            {
                "kind": one.kind,
                "number": one.number,
                "of": one.total,
                "noun": f"{one.noun}s",
                "message": one.message,
            }
            for one in file.unexamined
        ]
    return result


def _error(path: str, error: PolicyError) -> dict[str, object]:
    other = {} if error.name == path else {"file": error.name}
    return {**other, "line": error.line, "column": error.column, "message": error.message}


def _warning(configuration: Configuration, warning: LintWarning) -> dict[str, object]:
    position = configuration.error(warning.offset, warning.message)
    return {
        "kind": warning.kind,
        **place(configuration, warning.offset),
        "column": position.column,
        "message": warning.message,
        "why": warning.reason,
        "fix": warning.fix,
        **({} if warning.address is None else {"address": warning.address}),
    }
