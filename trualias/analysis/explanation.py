"""All readings of an address, also those with a wrong code, and where each goes wrong.

The servers count readings and stop early; an explanation shows them. Both use the same classes of fields and the same
table of functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nsmallest
from itertools import islice

from attrs import frozen

from trualias.analysis.alignment import align
from trualias.language.functions import CodeText
from trualias.language.rule import Rule, fill
from trualias.language.spans import Spans, positions_in
from trualias.language.tree import (
    ATEXT_AND_DOT,
    CodeField,
    CodeLiteral,
    FieldClass,
    Identifier,
    Item,
    Literal,
    NameKind,
    Token,
)
from trualias.matching.candidate import Candidate
from trualias.matching.codes import contribution, text_read
from trualias.matching.policy import LONGEST, Policy
from trualias.messages import quoted

MOST_READINGS = 5_000
"""Readings of one address that are examined; few addresses have more than ten."""
_LEAST_READINGS = 20
"""Readings that are examined of each statement, even if ``MOST_READINGS`` is exceeded."""


@frozen
class Part:
    """A part of an address: its position, counted from 0, and its text."""

    position: int
    text: str


@frozen
class CheckedItem:
    """An item of a code, its contribution in a reading, and the part of the address that is compared with it.

    ``read`` is the identifier or name that the item reads, folded, and empty for a literal.
    """

    item: Item
    read: str
    wants: CodeText
    given: Part
    right: bool


@frozen
class Reading:
    """A reading of an address as a statement.

    ``extra`` is the rest of the code after all items. ``distance`` is 0 if the code is right, and grows with each
    error.
    """

    identifiers: tuple[tuple[FieldClass, Part], ...]
    code: Part
    items: tuple[CheckedItem, ...]
    extra: Part
    distance: int

    @property
    def verifies(self) -> bool:
        """True if the code is right."""
        return self.distance == 0


@frozen
class FirstMismatch:
    """The first position, counted from 0, at which an address differs from a statement's expression.

    ``matched`` is the number of tokens before it. ``expected`` is the token that does not match, None if the address
    should end. ``more_of`` is the class of the identifier before the position, if it could also continue there.
    """

    position: int
    matched: int
    expected: Token | None
    more_of: FieldClass | None


@frozen
class Comparison:
    """The comparison of an address with a statement, for one account and one alias.

    It has readings, in order of distance, or else a mismatch. ``count`` is the number of readings that were examined;
    ``is_complete`` is whether those are all.
    """

    rule: Rule
    account: str
    alias: str
    readings: tuple[Reading, ...]
    count: int
    is_complete: bool
    mismatch: FirstMismatch | None

    @property
    def distance(self) -> tuple[int, int]:
        """A sort key: the statements that are most like the address first."""
        if self.readings:
            return 0, self.readings[0].distance
        return 1, -self.mismatch.matched if self.mismatch else 0


@frozen
class Explanation:
    """The reason for a policy's answer.

    ``invalid`` is why the text cannot be the local part of an alias, empty if it can. ``not_compared`` is the number of
    statements that cannot match, because the text lacks a name or a literal; ``elsewhere`` is that of the statements
    for other domains.
    """

    text: str
    invalid: str = ""
    comparisons: tuple[Comparison, ...] = ()
    not_compared: int = 0
    elsewhere: int = 0


def explain(policy: Policy, local_part: str, most: int = 3, domain: str | None = None) -> Explanation:
    """Compare an address with the statements that may match it, and keep the ``most`` nearest readings of each.

    ``domain`` is folded; None is the local-part table.
    """
    here = sum(rule.holds_in(domain) for rule in policy.rules)
    elsewhere = len(policy.rules) - here
    if invalid := invalid_local_part(local_part):
        return Explanation(local_part, invalid, not_compared=here, elsewhere=elsewhere)
    candidates = policy.candidates(local_part, domain)
    spans = Spans(policy.fold(local_part))
    comparisons: list[Comparison] = []
    left = MOST_READINGS
    for candidate in candidates:
        comparison = _compare(policy, candidate, spans, local_part, most, max(left, _LEAST_READINGS))
        comparisons.append(comparison)
        left -= comparison.count
    compared = {id(candidate.matcher) for candidate in candidates}
    return Explanation(
        local_part,
        comparisons=tuple(sorted(comparisons, key=lambda one: (one.distance, one.rule.statement.offset))),
        not_compared=here - len(compared),
        elsewhere=elsewhere,
    )


def readings_of(policy: Policy, candidate: Candidate, local_part: str, most: int) -> Iterator[Reading]:
    """Yield readings of an address as one statement, right or wrong, in no order and at most ``most``."""
    spans = Spans(policy.fold(local_part))
    for ends in islice(_Splits(candidate, spans), most):
        yield _reading(candidate, spans, local_part, ends)


def invalid_local_part(local_part: str) -> str:
    """Return why a text cannot be the local part of an alias, such as a character or its length; empty if it can."""
    if not local_part:
        return "there is nothing before the @"
    for number, character in enumerate(local_part, 1):
        if character not in ATEXT_AND_DOT:
            return (
                f"character {number} is {quoted(character)}, which the local part of an alias cannot hold "
                "(RFC 5322, atext and '.')"
            )
    if len(local_part) > LONGEST:
        has = f"it has {len(local_part)} characters"
        return f"{has}, and a local part has at most {LONGEST} (RFC 5321, section 4.5.3.1.1)"
    return ""


def _compare(policy: Policy, candidate: Candidate, spans: Spans, local_part: str, most: int, limit: int) -> Comparison:
    splits = _Splits(candidate, spans)
    found = list(islice(splits, limit + 1))
    readings = nsmallest(
        most,
        (_reading(candidate, spans, local_part, ends) for ends in found[:limit]),
        key=lambda reading: reading.distance,
    )
    rule = candidate.matcher.rule
    alias = next((name for name in rule.aliases if policy.fold(name) == candidate.alias), "")
    mismatch = None if found else splits.first_mismatch()
    count = min(len(found), limit)
    return Comparison(rule, candidate.spelled, alias, tuple(readings), count, len(found) <= limit, mismatch)


class _Splits:
    """The ways to split a text into the tokens of an expression, whatever the code; each way as the tokens' ends.

    All sets of positions are whole numbers used as bits, as in ``Spans``.
    """

    def __init__(self, candidate: Candidate, spans: Spans) -> None:
        self._expression = candidate.matcher.expression
        names = {NameKind.ACCOUNT: candidate.account, NameKind.ALIAS: candidate.alias}
        self._tokens = fill(self._expression, names)
        self._spans = spans
        self._starts = [1]  # before each token and at the end, the reachable positions
        for token in self._tokens:
            reached = 0
            for start in positions_in(self._starts[-1]):
                reached |= self._ends(token, start)
            self._starts.append(reached)
        # Of these, the positions from which the end of the text can be reached.
        self._viable = [0] * len(self._tokens) + [self._starts[-1] & 1 << len(spans.text)]
        for number in reversed(range(len(self._tokens))):
            after = self._viable[number + 1]
            for start in positions_in(self._starts[number] if after else 0):
                if self._ends(self._tokens[number], start) & after:
                    self._viable[number] |= 1 << start

    def _ends(self, token: Token, start: int) -> int:
        """The ends of the spans from a start that match a token."""
        match token:
            case Literal(text):
                return 1 << start + len(text) if self._spans.text.startswith(text, start) else 0
            case Identifier(field_class):
                return self._spans.ends_in_class(field_class, start)
            case _:
                return self._spans.all_positions & -2 << start

    def __iter__(self) -> Iterator[tuple[int, ...]]:
        return self._from(0, 0) if self._viable[0] else iter(())

    def _from(self, number: int, start: int) -> Iterator[tuple[int, ...]]:
        if number == len(self._tokens):
            yield ()
            return
        for end in positions_in(self._ends(self._tokens[number], start) & self._viable[number + 1]):
            for others in self._from(number + 1, end):
                yield (end, *others)

    def first_mismatch(self) -> FirstMismatch:
        """Return where a text that cannot be split at all stops to match."""
        number = max(number for number, starts in enumerate(self._starts) if starts)
        before = self._tokens[number - 1] if number else None
        return FirstMismatch(
            position=self._starts[number].bit_length() - 1,
            matched=number,
            expected=self._expression[number] if number < len(self._tokens) else None,
            more_of=before.field_class if isinstance(before, Identifier) else None,
        )


def _reading(candidate: Candidate, spans: Spans, local_part: str, ends: tuple[int, ...]) -> Reading:
    matcher = candidate.matcher
    start = 0
    values = []
    identifiers = []
    code = Part(0, "")
    for token, end in zip(matcher.expression, ends, strict=True):
        part = Part(start, local_part[start:end])
        if isinstance(token, Identifier):
            values.append(spans.text[start:end])
            identifiers.append((token.field_class, part))
        elif isinstance(token, CodeField):
            code = part
        start = end
    wants = [contribution(item, values, candidate.account, candidate.alias) for item in matcher.items]
    code_end = code.position + len(code.text)
    distance, lengths = align(spans.text[code.position : code_end], matcher.items, wants)
    position = code.position
    checked = []
    spelled = matcher.rule.statement.items
    for item, shown, wanted, (length, right) in zip(matcher.items, spelled, wants, lengths, strict=True):
        read = "" if isinstance(item, CodeLiteral) else text_read(item, values, candidate.account, candidate.alias)
        given = Part(position, local_part[position : position + length])
        checked.append(CheckedItem(shown, read, wanted, given, right))
        position += length
    extra = Part(position, local_part[position:code_end])
    return Reading(tuple(identifiers), code, tuple(checked), extra, distance)
