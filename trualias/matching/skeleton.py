"""Many statements with the same names and literals around their fields.

The statements of such a group differ only in the classes of their identifiers and in their codes. An address is divided
once for all of them. Dictionaries lead from the classes that the parts fit, and from the texts in place of the literals
of a code, to the statements that match. So the work does not grow with the number of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple, TypeVar

from attrs import define, evolve

from trualias.language.fields import RULES, FieldRule
from trualias.language.functions import BoundCall
from trualias.language.rule import bind_items
from trualias.language.tree import FieldClass, NameKind
from trualias.matching.candidate import Candidate
from trualias.matching.lookup_record import BUDGET, LookupRecord
from trualias.matching.matcher import run_end

ATTEMPTS = 12
"""For each statement, the attempts to divide an address after which the statements are compared one by one. These then
count readings, which is faster for a few statements."""

MOST_ATTEMPTS = 500
"""The most attempts for any number of statements."""

_STEPS = 4
"""The steps that an attempt takes."""

_PER_STEP = 8
"""The entries that are looked up in dictionaries in the time of one step."""

Skeleton = tuple[str, tuple[tuple[bool, str, FieldRule | None], ...]]
"""The text before the first field; and for each field whether it is the code, the literal after it, and its class where
that decides on its end."""

_Pattern = tuple[int | frozenset[str] | BoundCall, ...]
"""The items of a code for given names: the length of a literal, any one of some characters, or a call."""

_Value = TypeVar("_Value")

_NUMBERS = {rule: number for number, rule in enumerate(RULES.values())}
_BASE = len(RULES)


def skeleton_of(candidate: Candidate) -> Skeleton:
    """Return the names and literals of a candidate's addresses."""
    head, fields = candidate.matcher.bound(candidate.account, candidate.alias)
    last = len(fields) - 1
    return head, tuple(
        [
            (rule is None, literal, rule if not literal and number < last else None)
            for number, (rule, literal, _) in enumerate(fields)
        ]
    )


class _GroupField(NamedTuple):
    """A field of all statements of a group.

    ``rules`` are the classes that it has in any of them, empty for the code. ``fixed`` is the class that decides on its
    end where no literal is after it. ``branches``: the literal can begin within the field.
    """

    rules: tuple[FieldRule, ...]
    literal: str
    fixed: FieldRule | None
    branches: bool


@define(eq=False, repr=False)  # not frozen, which takes a third longer for each attempt
class Division:
    """One way to divide an address: the code, the texts of the identifiers, and the keys of the classes that these fit.

    A key is the number whose digits, to the base of the number of classes, are the numbers of the classes.
    """

    code: str
    values: tuple[str, ...]
    keys: list[int]


class TooManyDivisions(Exception):
    """There are more ways to divide an address than are tried."""


class SkeletonGroup:
    """Candidates with one skeleton. ``pause`` is called at each."""

    __slots__ = ("_by_classes", "_fields", "_head", "_patterns", "_prefixes", "candidates")

    def __init__(self, candidates: Sequence[Candidate], pause: Callable[[], None] = lambda: None) -> None:
        self.candidates = tuple(candidates)
        self._head, fields = skeleton_of(candidates[0])
        rules: list[dict[FieldRule, None]] = [{} for _ in fields]
        # The keys of the first classes of any statement, by their number.
        self._prefixes: list[set[int]] = [set() for _ in range(len(fields))]
        self._by_classes: dict[int, dict[str, None]] = {}
        self._patterns: dict[_Pattern, dict[tuple[str, ...], dict[int, list[Candidate]]]] = {}
        for candidate in candidates:
            pause()
            key = depth = 0
            for known, (rule, _, _) in zip(
                rules, candidate.matcher.bound(candidate.account, candidate.alias)[1], strict=True
            ):
                if rule is not None:
                    known[rule] = None
                    key = key * _BASE + _NUMBERS[rule]
                    self._prefixes[depth].add(key)
                    depth += 1
            self._by_classes.setdefault(key, {})[candidate.spelled] = None
            pattern, literals = _pattern_of(candidate)
            by_classes = self._patterns.setdefault(pattern, {}).setdefault(literals, {})
            by_classes.setdefault(key, []).append(candidate)
        self._fields = tuple(
            [
                _GroupField(
                    tuple(known),
                    literal,
                    fixed,
                    bool(literal) and (is_code or any(literal[0] in rule.alphabet for rule in known)),
                )
                for (is_code, literal, fixed), known in zip(fields, rules, strict=True)
            ]
        )

    def divide(self, record: LookupRecord) -> list[Division]:
        """Return the ways to divide a text in which the identifiers are of the classes of at least one statement.

        Raises:
            TooManyDivisions: there are too many.
            StepBudgetExceeded: too many steps were needed.
        """
        if not record.text.startswith(self._head):
            return []
        found: list[Division] = []
        # Not many more than are left of the budget.
        left = (BUDGET - record.steps) // _STEPS + 1
        attempts = record.attempts_left = min(MOST_ATTEMPTS, ATTEMPTS * len(self.candidates), left)
        try:
            self._divide(record, 0, len(self._head), Division("", (), [0]), found)
        finally:
            record.step(1 + _STEPS * (attempts - record.attempts_left))
        return found

    def _divide(self, record: LookupRecord, number: int, at: int, before: Division, found: list[Division]) -> None:
        """Divide a text from a position and a field on, and add the results to those found.

        ``before`` is the division of the text before the position.
        """
        if number == len(self._fields):
            if at == len(record.text):
                found.append(before)
            return
        field = self._fields[number]
        for end in self._ends(record.text, number, at):
            record.attempts_left -= 1
            if record.attempts_left < 0:
                raise TooManyDivisions
            value = record.text[at:end]
            if not field.rules:
                there = Division(value, before.values, before.keys)
            elif classes := [_NUMBERS[rule] for rule in field.rules if rule.fits(value)]:
                prefixes = self._prefixes[len(before.values)]
                keys = [key for start in before.keys for one in classes if (key := start * _BASE + one) in prefixes]
                record.step(len(before.keys) * len(classes) // _PER_STEP)
                there = Division(before.code, (*before.values, value), keys)
            elif all(rule.regular for rule in field.rules):
                # No longer text is of these classes either.
                return
            else:
                continue
            if there.keys:
                self._divide(record, number + 1, end + len(field.literal), there, found)

    def _ends(self, text: str, number: int, at: int) -> Iterator[int]:
        """Yield the positions, after ``at``, at which a field that begins there may end."""
        field = self._fields[number]
        if number == len(self._fields) - 1:
            end = len(text) - len(field.literal)
            if end > at and text.endswith(field.literal):
                yield end
        elif field.fixed is not None:
            if (end := run_end(field.fixed, text, at)) > at:
                yield end
        else:
            end = text.find(field.literal, at + 1)
            while end >= 0:
                yield end
                end = text.find(field.literal, end + 1) if field.branches else -1

    def verified(self, record: LookupRecord, divisions: Sequence[Division]) -> Iterator[Candidate]:
        """Yield the candidate of each reading that verifies, with a candidate once for each of its readings.

        Raises:
            StepBudgetExceeded: too many steps were needed.
        """
        for division in divisions:
            for pattern, by_literals in self._patterns.items():
                record.step(1 + len(pattern) // 4)
                literals = _literals_of(pattern, division)
                if literals is not None and (by_classes := by_literals.get(literals)):
                    yield from chain.from_iterable(_of_classes(record, by_classes, division.keys))

    def near_misses(self, record: LookupRecord, divisions: Sequence[Division]) -> Iterator[str]:
        """Yield the accounts whose addresses differ from the text in nothing but the code, some of them repeatedly.

        Raises:
            StepBudgetExceeded: too many steps were needed.
        """
        for division in divisions:
            yield from chain.from_iterable(_of_classes(record, self._by_classes, division.keys))


def _of_classes(
    record: LookupRecord, by_classes: Mapping[int, Collection[_Value]], keys: Sequence[int]
) -> list[Collection[_Value]]:
    """Return the entries of some keys."""
    found = [by_classes[key] for key in keys if key in by_classes]
    record.step((len(keys) + sum(map(len, found))) // _PER_STEP)
    return found


def _pattern_of(candidate: Candidate) -> tuple[_Pattern, tuple[str, ...]]:
    """Return the pattern of a candidate's code, and the literals in it."""
    parts: list[int | frozenset[str] | BoundCall] = []
    literals: list[str] = []
    names = {NameKind.ACCOUNT: candidate.account, NameKind.ALIAS: candidate.alias}
    for item in bind_items(candidate.matcher.items, names):
        if isinstance(item, str):
            parts.append(len(item))
            literals.append(item)
        elif isinstance(item, BoundCall) and not item.function.depends_on_class:
            parts.append(evolve(item, field_class=FieldClass.IDENT))
        else:
            parts.append(item)
    return tuple(parts), tuple(literals)


def _literals_of(pattern: _Pattern, division: Division) -> tuple[str, ...] | None:
    """Return the texts in place of a pattern's literals; None if the code of a division is not of the pattern."""
    code = division.code
    literals: list[str] = []
    at = 0
    for part in pattern:
        if isinstance(part, int):
            literals.append(code[at : at + part])
            at += part
            continue
        if isinstance(part, BoundCall):
            assert isinstance(part.reads, int)
            wanted = part.evaluate(division.values[part.reads])
        else:
            wanted = part
        if isinstance(wanted, str):
            if not code.startswith(wanted, at):
                return None
            at += len(wanted)
        else:
            if code[at : at + 1] not in wanted:
                return None
            at += 1
    return tuple(literals) if at == len(code) else None
