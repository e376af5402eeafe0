"""All readings of an address, also those that do not verify, with the place where each goes wrong.

The servers count readings and stop early; who asks why an address is refused wants to see them. Both read texts by the
same classes and compute codes by the same table of functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nsmallest
from itertools import islice
from typing import assert_never

from attrs import field, frozen

from trualias.analysis.alignment import align
from trualias.language.functions import CodeText
from trualias.language.rule import Rule
from trualias.language.spans import Spans, ends_of
from trualias.language.tree import (
    ATEXT_AND_DOT,
    CodeField,
    CodeLiteral,
    FieldClass,
    Identifier,
    Item,
    Literal,
    NameField,
    NameKind,
    Token,
)
from trualias.matching.codes import contribution, text_read
from trualias.matching.index import Candidate
from trualias.matching.policy import LONGEST, Policy

SEARCHED = 5_000
"""Readings of one address that are looked at; few addresses have more than ten."""
_LEAST = 20
"""Readings that are looked at of each statement, even so."""


@frozen
class Part:
    """A part of an address: where it starts, counted from 0, and its text."""

    position: int
    text: str


@frozen
class Checked:
    """An item of a code, what it contributes in a reading, and what the address has in its place.

    ``read`` is the identifier or the name that it is computed from, folded; a literal has none.
    """

    item: Item
    read: str
    wants: CodeText
    given: Part
    right: bool


@frozen
class Reading:
    """One way to read an address as a statement.

    ``surplus`` is what comes behind all the items in the code. ``distance`` grows with what is wrong; it is 0 where the
    reading verifies.
    """

    identifiers: tuple[tuple[FieldClass, Part], ...]
    code: Part
    items: tuple[Checked, ...]
    extra: Part
    distance: int

    @property
    def verifies(self) -> bool:
        """Whether the code is right."""
        return self.distance == 0


@frozen
class FirstMismatch:
    """Where an address stops to look like a statement: ``place`` counts from 0; ``fits`` tokens of the expression fit.

    ``expected`` is the token that does not, None where the address should end. ``more_of`` is the class of the
    identifier before the place, which could also go on there.
    """

    position: int
    fits: int
    expected: Token | None
    more_of: FieldClass | None


@frozen
class Considered:
    """A statement that was compared with the address, for one account and one alias.

    There are readings, nearest first and at most as many as were asked for, or else it is ``stuck``. ``count`` is how
    many were looked at; ``counted`` tells whether those are all.
    """

    rule: Rule
    account: str
    alias: str
    readings: tuple[Reading, ...]
    count: int
    counted: bool
    stuck: FirstMismatch | None

    @property
    def nearness(self) -> tuple[int, int]:
        """Less is nearer."""
        if self.readings:
            return 0, self.readings[0].distance
        return 1, -self.stuck.fits if self.stuck else 0


@frozen
class Explanation:
    """Why a policy answers what it answers.

    ``unfit`` says why the text can be no local part of an alias at all, and is empty where it can. ``never`` is the
    number of statements that were not even compared, because a name or a literal of theirs does not occur.
    """

    text: str
    invalid: str = ""
    considered: tuple[Considered, ...] = field(default=())
    never: int = 0


def explain(policy: Policy, local_part: str, keep: int = 3) -> Explanation:
    """Find the statements that an address may belong to, nearest first, each with its ``keep`` nearest readings."""
    if invalid := invalid_local_part(local_part):
        return Explanation(local_part, invalid, never=len(policy.rules))
    candidates = policy.candidates(local_part)
    spans = Spans(policy.fold(local_part))
    considered: list[Considered] = []
    left = SEARCHED
    for candidate in candidates:
        considered.append(_consider(policy, candidate, spans, local_part, keep, max(left, _LEAST)))
        left -= considered[-1].count
    compared = {id(candidate.matcher) for candidate in candidates}
    return Explanation(
        local_part,
        considered=tuple(sorted(considered, key=lambda one: (one.nearness, one.rule.statement.offset))),
        never=len(policy.rules) - len(compared),
    )


def invalid_local_part(local_part: str) -> str:
    """Why a text cannot be the local part of an alias, such as a character or its length; empty where it can."""
    if not local_part:
        return "there is nothing before the @"
    for at, character in enumerate(local_part, 1):
        if character not in ATEXT_AND_DOT:
            return (
                f"character {at} is {character!a}, which a local part cannot hold without quotes "
                "(RFC 5322, section 3.2.3)"
            )
    if len(local_part) > LONGEST:
        has = f"it has {len(local_part)} characters"
        return f"{has}, and a local part has at most {LONGEST} (RFC 5321, section 4.5.3.1.1)"
    return ""


def _consider(policy: Policy, candidate: Candidate, spans: Spans, local_part: str, keep: int, limit: int) -> Considered:
    cuts = _Cuts(candidate, spans)
    found = list(islice(cuts, limit + 1))
    readings = nsmallest(
        keep,
        (_reading(candidate, spans, local_part, ends) for ends in found[:limit]),
        key=lambda reading: reading.distance,
    )
    rule = candidate.matcher.rule
    alias = next((name for name in rule.aliases if policy.fold(name) == candidate.alias), "")
    stuck = None if found else cuts.stuck()
    count = min(len(found), limit)
    return Considered(rule, candidate.spelled, alias, tuple(readings), count, len(found) <= limit, stuck)


class _Cuts:
    """The ways to cut a text into the tokens of an expression, whatever the code; each as the tokens' ends."""

    def __init__(self, candidate: Candidate, spans: Spans) -> None:
        self._names = {NameKind.ACCOUNT: candidate.account, NameKind.ALIAS: candidate.alias}
        self._tokens = candidate.matcher.expression
        self._spans = spans
        self._starts = [1]  # before each token and at the end, the set of positions that can be reached
        for token in self._tokens:
            reached = 0
            for start in ends_of(self._starts[-1]):
                reached |= self._ends(token, start)
            self._starts.append(reached)
        # Of these, those from which the rest of the text can be cut.
        self._good = [0] * len(self._tokens) + [self._starts[-1] & 1 << len(spans.text)]
        for number in reversed(range(len(self._tokens))):
            after = self._good[number + 1]
            for start in ends_of(self._starts[number] if after else 0):
                if self._ends(self._tokens[number], start) & after:
                    self._good[number] |= 1 << start

    def _ends(self, token: Token, start: int) -> int:
        """The set of ends for which a token can stand for the text from a start."""
        match token:
            case Literal(text):
                return self._text_end(text, start)
            case NameField(kind):
                return self._text_end(self._names[kind], start)
            case Identifier(field_class):
                return self._spans.ends_in_class(field_class, start)
            case CodeField():
                return self._spans.all_ends & -2 << start
            case _:
                assert_never(token)

    def _text_end(self, text: str, start: int) -> int:
        return 1 << start + len(text) if self._spans.text.startswith(text, start) else 0

    def __iter__(self) -> Iterator[tuple[int, ...]]:
        return self._from(0, 0) if self._good[0] else iter(())

    def _from(self, number: int, start: int) -> Iterator[tuple[int, ...]]:
        if number == len(self._tokens):
            yield ()
            return
        for end in ends_of(self._ends(self._tokens[number], start) & self._good[number + 1]):
            for others in self._from(number + 1, end):
                yield (end, *others)

    def stuck(self) -> FirstMismatch:
        """Where the text that can be cut in no way stops to fit."""
        number = max(number for number, starts in enumerate(self._starts) if starts)
        before = self._tokens[number - 1] if number else None
        return FirstMismatch(
            position=self._starts[number].bit_length() - 1,
            fits=number,
            expected=self._tokens[number] if number < len(self._tokens) else None,
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
    at = code.position
    checked = []
    spelled = matcher.rule.statement.items
    for item, shown, wanted, (length, right) in zip(matcher.items, spelled, wants, lengths, strict=True):
        read = "" if isinstance(item, CodeLiteral) else text_read(item, values, candidate.account, candidate.alias)
        checked.append(Checked(shown, read, wanted, Part(at, local_part[at : at + length]), right))
        at += length
    return Reading(tuple(identifiers), code, tuple(checked), Part(at, local_part[at:code_end]), distance)
