"""A checked statement, made ready to be compared with addresses.

Nearly every address can be read in a few ways only, and these are tried one after the other. Where there are more,
readings are counted without being enumerated (``counting.py``). Both give the same number of readings, and the same
answer to whether the address has the shape of the statement.

Texts and names are already folded (lower case where ``CASE SENSITIVE`` is no).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from trualias.language.fields import RULES, FieldRule
from trualias.language.rule import CodeItem, Rule
from trualias.language.tree import Expression, FieldClass, NameKind
from trualias.matching.codes import is_right
from trualias.matching.counting import ReadingCounter, code_bounds, has_room
from trualias.matching.form import Field, form_of
from trualias.matching.lookup_record import BUDGET, LookupRecord, StepBudgetExceeded

FEW = 24
"""The number of splits of an address that are tried before counting, which costs about as much as that many."""

_Fields = tuple[Field, ...]


class Matcher:
    """A statement's readings of addresses.

    ``expression`` and ``items`` are the statement's, folded. ``few`` is the number of attempts after which readings
    are counted instead of tried.
    """

    __slots__ = ("_form", "few", "rule")

    def __init__(self, rule: Rule, fold: Callable[[str], str], few: int = FEW) -> None:
        self.rule = rule
        self.few = few
        self._form = form_of(rule.expression, rule.items, fold)

    @property
    def expression(self) -> Expression:
        """The expression, folded."""
        return self._form.expression

    @property
    def items(self) -> tuple[CodeItem, ...]:
        """The items of the code, folded."""
        return self._form.items

    @property
    def runs(self) -> tuple[str, ...]:
        """The texts that every address contains; see ``Form``."""
        return self._form.runs

    def bound(self, account: str, alias: str) -> tuple[str, tuple[Field, ...]]:
        """Return for given names the text before the first field, and the fields; see ``Form``."""
        form = self._form
        lead = (account, alias)[form.lead] if form.lead >= 0 else ""
        if form.fields is not None:
            return lead + form.head, form.fields
        head, fields, _ = form.fill(account, alias)
        return lead + head, fields

    def count(self, record: LookupRecord, account: str, alias: str) -> int:
        """Return how many readings of a text verify for one account and one alias: 0, 1, or 2 for any more.

        Where it is 0, ``record.shape_matches`` is set: whether the text differs in nothing but the code.

        Raises:
            StepBudgetExceeded: too many steps were needed.
        """
        record.shape_matches = False
        form = self._form
        text = record.text
        at = 0
        values = [account, alias]
        if form.lead >= 0:
            name = values[form.lead]
            if not text.startswith(name):
                return 0
            at = len(name)
        head = form.head
        fields = form.fields
        stop = form.stop
        if fields is None:
            head, fields, stop = form.fill(account, alias)
            record.step(len(fields))
        if not text.startswith(head, at):
            return 0
        record.attempts_left = self.few
        try:
            found = self._try(record, fields, 0, at + len(head), values, "")
        except _OutOfAttempts:
            found = self._count_without_trying(record, account, alias)
        else:
            if not found and stop and not record.shape_matches and text.find(stop) != text.rfind(stop):
                # Only ends that a right code can have were tried.
                record.shape_matches = self._has_shape(record, account, alias)
        record.taken += self.few - record.attempts_left
        if record.taken > BUDGET:
            raise StepBudgetExceeded
        return found if found < 2 else 2

    def _count_without_trying(self, record: LookupRecord, account: str, alias: str) -> int:
        record.step(self._form.plan.steps)
        counter = ReadingCounter(self._form.plan, record, {NameKind.ACCOUNT: account, NameKind.ALIAS: alias})
        record.shape_matches = counter.shape_matches
        found = counter.count()
        record.step(0)  # the spans may have added work
        return found

    def _has_shape(self, record: LookupRecord, account: str, alias: str) -> bool:
        left, right = self._form.plan.segments({NameKind.ACCOUNT: account, NameKind.ALIAS: alias})
        return has_room(*code_bounds(left, right, record))

    def _try(self, record: LookupRecord, fields: _Fields, number: int, at: int, values: list[str], code: str) -> int:
        """Count the readings that verify, where the fields before ``number`` took the text before ``at``.

        ``values`` are the names and the texts of identifiers so far, ``code`` is that of the code.

        Raises:
            _OutOfAttempts: more attempts would be needed than are left.
        """
        text = record.text
        last = len(fields) - 1
        while number <= last:
            rule, literal, branches = fields[number]
            if literal:
                end = text.find(literal, at + 1)
                if branches and end >= 0 and text.find(literal, end + 1) >= 0:
                    return self._try_each(record, fields, number, at, values, code)
            else:
                end = len(text) if number == last else run_end(rule, text, at)
            record.attempts_left -= 1
            if record.attempts_left < 0:
                raise _OutOfAttempts
            if end <= at:
                return 0
            value = text[at:end]
            if rule is None:
                code = value
            elif rule.fits(value):
                values.append(value)
            else:
                return 0
            at = end + len(literal)
            number += 1
        if at != len(text):
            return 0
        record.shape_matches = True
        record.taken += self._form.leaf_steps
        return 1 if is_right(code, self._form.compiled_items, values) else 0

    def _try_each(
        self, record: LookupRecord, fields: _Fields, number: int, at: int, values: list[str], code: str
    ) -> int:
        """Count the readings that verify over all ends of a field: each offset at which the literal after it stands."""
        text = record.text
        rule, literal, _ = fields[number]
        total = 0
        end = text.find(literal, at + 1)
        while end >= 0:
            record.attempts_left -= 1
            if record.attempts_left < 0:
                raise _OutOfAttempts
            value = text[at:end]
            if rule is None:
                total += self._try(record, fields, number + 1, end + len(literal), values.copy(), value)
            elif rule.fits(value):
                total += self._try(record, fields, number + 1, end + len(literal), [*values, value], code)
            elif rule.regular:
                # No longer text is of the class either.
                return total
            end = text.find(literal, end + 1)
        return total


_LETTERS = re.compile("[A-Za-z]*")
_DIGITS = re.compile("[0-9]*")


def run_end(rule: FieldRule | None, text: str, at: int) -> int:
    """Return the end of letters that have digits after them, or of digits before letters."""
    run = (_LETTERS if rule is RULES[FieldClass.ALPHA] else _DIGITS).match(text, at)
    assert run is not None
    return run.end()


class _OutOfAttempts(Exception):
    """More attempts would be needed than are left."""
