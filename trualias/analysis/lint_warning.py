"""A warning about a configuration, and what warnings are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import field, frozen

from trualias.analysis.overlap import Search
from trualias.analysis.step_limit import Unexamined
from trualias.configuration import Configuration
from trualias.language.rule import CodeItem, Rule
from trualias.language.tree import CodeLiteral
from trualias.matching.policy import LONGEST


@frozen
class LintWarning:
    """A warning about an offset in the text. ``kind`` is its name in JSON.

    ``address`` is a local part that proves the warning, if there is one.
    """

    kind: str
    offset: int
    message: str
    reason: str
    fix: str
    address: str | None = None


@frozen(eq=False, repr=False)
class Subject:
    """A configuration, and the search result that several kinds of warnings share.

    ``unexamined`` is where searches enter what they leave out.
    """

    configuration: Configuration
    search: Search
    is_virtual: bool
    """True if the file is the virtual server's, by its name or according to the caller."""
    advance: Callable[[float], None]
    unexamined: list[Unexamined] = field(factory=list)

    def leave_out(self, kind: str, search: str, number: int, total: int, noun: str, limit: str) -> None:
        """Enter what a search left out, as `Unexamined` describes it; nothing if ``number`` is 0."""
        if number:
            self.unexamined.append(Unexamined(kind, search, number, total, noun, limit))

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The statements."""
        return self.configuration.policy.rules

    @property
    def is_for_virtual(self) -> bool:
        """True if the configuration is probably the virtual server's."""
        return self.is_virtual or bool(self.configuration.settings.alias_domains)


Linter = Callable[[Subject], Iterator[LintWarning]]
"""Yields the warnings of one kind."""


def offset_of(rule: Rule) -> int:
    """Return the offset of a statement."""
    return rule.statement.offset


def items_offset(rule: Rule) -> int:
    """Return the offset of a statement's code."""
    return rule.statement.items_offset + rule.statement.items[0].offset


def depends_on_identifier(item: CodeItem) -> bool:
    """Return whether an item's contribution depends on an identifier; with an index too high for any address, not."""
    return not isinstance(item, CodeLiteral) and isinstance(item.reads, int) and abs(item.index) < LONGEST
