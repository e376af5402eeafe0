"""Warnings about a configuration that is valid but unwise, each with a reason and a fix."""

from __future__ import annotations

from collections.abc import Callable
from os.path import basename
from typing import NamedTuple

from trualias.analysis import overlap, search_lint
from trualias.analysis.lint_warning import Linter, LintWarning, Subject
from trualias.analysis.search_lint import SEARCH_LINTERS
from trualias.analysis.statement_lint import STATEMENT_LINTERS
from trualias.analysis.step_limit import Unexamined
from trualias.configuration import Configuration
from trualias.configuration.tables import Table

_OVERLAPS = 20
"""The most addresses of two accounts that are reported; more would not help to find the cause."""

LINTERS: tuple[Linter, ...] = (*STATEMENT_LINTERS, *SEARCH_LINTERS)
"""A function for each kind of warning."""


class Findings(NamedTuple):
    """The warnings in the order of the file, the result of the search for addresses of two accounts, and what other
    searches left out."""

    warnings: tuple[LintWarning, ...]
    search: overlap.Search
    unexamined: tuple[Unexamined, ...]


def work_of(configuration: Configuration) -> int:
    """Return how much work ``lint`` has, in steps, of which 100,000 take about a second."""
    return overlap.work_of(configuration.policy) + search_lint.work_of(configuration.policy)


def lint(
    configuration: Configuration, is_virtual: bool = False, advance: Callable[[float], None] = lambda part: None
) -> Findings:
    """Return the warnings about a configuration.

    ``is_virtual``: the file is the virtual server's, also if its name does not say so. ``advance`` is called with each
    part of the work that is done; all parts together are ``work_of`` the configuration.
    """
    is_virtual = is_virtual or basename(configuration.name) == Table.VIRTUAL.file_name
    search = overlap.find_overlaps(configuration.policy, most=_OVERLAPS, advance=advance)
    subject = Subject(configuration, search, is_virtual, advance)
    found = [warning for linter in LINTERS for warning in linter(subject)]
    return Findings(tuple(sorted(found, key=lambda one: one.offset)), search, tuple(subject.unexamined))
