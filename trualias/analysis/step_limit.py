"""The steps that an analysis of a policy may take, and what it leaves out for its limits."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from trualias.messages import number_of

LOOKUP_STEPS = 5
"""The steps of a lookup that take about as long as one step of an analysis, of which 100,000 take a second."""


class StepLimitReached(Exception):
    """An analysis was stopped at its limit of steps."""


class Steps:
    """The steps that are left of a limit, and the progress bar that shows those taken.

    ``left`` is negative if the last part took more than there were.
    """

    def __init__(self, limit: int, advance: Callable[[float], None]) -> None:
        self.left = limit
        self._advance = advance

    def take(self, number: int) -> None:
        """Take steps."""
        shown = min(number, max(self.left, 0))
        self.left -= number
        self._advance(shown)

    def finish(self) -> None:
        """Advance the bar by all steps that are left."""
        self.take(max(self.left, 0))


@frozen
class Unexamined:
    """The part that a search left out: ``number`` of all ``total`` statements or accounts, as the ``noun`` says.

    ``kind`` is the kind of the warnings that may be missing, ``search`` names the search, ``limit`` its limit.
    """

    kind: str
    search: str
    number: int
    total: int
    noun: str
    limit: str

    @property
    def message(self) -> str:
        """The part that is left out, and the reason, in words."""
        of = number_of(self.total, self.noun)
        return f"the search for {self.search} did not examine {self.number:,} of {of}: it is limited to {self.limit}"
