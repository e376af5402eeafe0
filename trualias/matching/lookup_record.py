"""The record of one lookup: its text, its steps, and the outcome of the last comparison beside the readings."""

from __future__ import annotations

from trualias.language.spans import Spans

BUDGET = 2_500
"""Steps that one lookup may take. A step costs about a microsecond: statements found, attempts, codes compared, passes
over the characters and the work of counting are steps, of each kind as many as it was measured to take. Ordinary
lookups take a few dozen at most; the budget is for keys made to be slow."""


class StepBudgetExceeded(Exception):
    """A lookup took more steps than ``BUDGET``."""


class LookupRecord:
    """The state of one lookup.

    ``taken`` is the number of steps taken, without the work of both spans. ``attempts_left`` is the number of attempts
    that remain to the statement being compared.

    ``shape_matches`` is about the statement, account and alias compared last, where no reading verifies: whether the
    text can be split into the expression's tokens so that each identifier is of its class and some text is left for the
    code.
    """

    __slots__ = ("_mirrored", "_spans", "attempts_left", "shape_matches", "taken", "text")

    def __init__(self, text: str, taken: int = 0) -> None:
        self.text = text
        self.taken = taken
        self.attempts_left = 0
        self.shape_matches = False
        # Most lookups end without them.
        self._spans: Spans | None = None
        self._mirrored: Spans | None = None

    @property
    def spans(self) -> Spans:
        """The spans of the text, whose work counts as steps."""
        if self._spans is None:
            self._spans = Spans(self.text)
        return self._spans

    @property
    def mirrored(self) -> Spans:
        """The spans of the reversed text, whose work counts as steps."""
        if self._mirrored is None:
            self._mirrored = Spans(self.spans.text[::-1])
        return self._mirrored

    @property
    def steps(self) -> int:
        """The steps taken so far."""
        if self._spans is None:
            return self.taken
        return self.taken + self._spans.work + (0 if self._mirrored is None else self._mirrored.work)

    def step(self, number: int = 1) -> None:
        """Count some steps.

        Raises:
            StepBudgetExceeded: more steps are taken than the budget allows.
        """
        self.taken += number
        if self.steps > BUDGET:
            raise StepBudgetExceeded
