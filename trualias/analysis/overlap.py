"""Searches for addresses that two statements accept for different accounts.

What the search makes up is asked of the policy before it is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from attrs import frozen

from trualias.analysis.composition import Target
from trualias.analysis.intersection import Pair, Side, StepLimitReached
from trualias.language.rule import Rule
from trualias.language.tree import Literal, NameField, NameKind, Token
from trualias.matching.matcher import Matcher
from trualias.matching.outcome import Ambiguous
from trualias.matching.policy import LONGEST, Policy

STEPS = 200_000
"""Steps that a search may take; a second has about 100,000."""

_ROUNDS = ((300, False), (3_000, False), (3_000, True), (20_000, False), (20_000, True))
"""Steps for each two statements, and whether widely, in one round after the other, so that one hard pair does not take
the time of all."""

_LOOKED = 1_000_000
"""Pairs of statements and names of which the ends are compared; that is done in about a second."""


@frozen
class Overlap:
    """An address that two statements accept for different accounts. ``one`` stands first in the file."""

    local_part: str
    one: Target
    other: Target


@frozen
class Search:
    """What a search found: at most one address for each two statements.

    ``undecided`` are the pairs of statements that look as if they could share an address, of which the search did not
    find out; ``complete`` tells whether it came to look at every pair.
    """

    overlaps: tuple[Overlap, ...]
    undecided: tuple[tuple[Rule, Rule], ...]
    complete: bool


def find_overlaps(
    policy: Policy, steps: int = STEPS, most: int = 100, pause: Callable[[], None] = lambda: None
) -> Search:
    """Search for addresses of two accounts; ends after about so many steps, or overlaps."""
    left = steps
    contests: list[_Contest] = []
    complete = True
    for looked, (one, other) in enumerate(_neighbours(policy)):
        if left < steps // 2 or looked > _LOOKED:
            complete = False
            break
        if looked % 1000 == 0:
            pause()
        if not one.may_meet(other):
            continue
        pair = Pair(one.side, other.side)
        left -= pair.steps
        if pair.least <= LONGEST:
            contests.append(_Contest(one.target, other.target, pair))
    overlaps: dict[tuple[int, int], Overlap] = {}
    for share, wide in _ROUNDS:
        undecided = []
        for contest in contests:
            pause()
            if contest.statements in overlaps or len(overlaps) >= most:
                continue
            before = contest.pair.steps
            try:
                if overlap := contest.search(policy, min(share, left), wide):
                    overlaps[contest.statements] = overlap
                elif not wide:
                    undecided.append(contest)
            except StepLimitReached:
                undecided.append(contest)
            left -= contest.pair.steps - before
        contests = undecided
    ordered = sorted(overlaps.values(), key=lambda overlap: (_offset(overlap.one), _offset(overlap.other)))
    open_ends = {contest.statements: contest.rules for contest in contests}
    return Search(tuple(ordered), tuple(open_ends.values()), complete and len(overlaps) < most)


def _offset(target: Target) -> int:
    return target.rule.statement.offset


@frozen(eq=False, slots=False)
class _Member:
    """A statement for one account and one alias.

    ``before`` and ``behind`` are the texts that all its addresses begin and end with.
    """

    target: Target
    before: str
    behind: str
    fold: Callable[[str], str]

    @cached_property
    def side(self) -> Side:
        """The statement as a reader."""
        return Side(self.target, self.fold)

    def may_meet(self, other: _Member) -> bool:
        """Tell whether they are of two accounts, and the texts at the end leave room for a common address."""
        ends_alike = self.behind.endswith(other.behind) or other.behind.endswith(self.behind)
        return ends_alike and self.fold(self.target.account) != self.fold(other.target.account)


def _members(policy: Policy) -> Iterator[_Member]:
    for rule in policy.rules:
        matcher = Matcher(rule, policy.fold)
        for account in rule.accounts:
            for alias in rule.aliases or ("",):
                names = {NameKind.ACCOUNT: policy.fold(account), NameKind.ALIAS: policy.fold(alias)}
                before = "".join(_fixed(matcher.expression, names))
                behind = "".join(reversed(list(_fixed(reversed(matcher.expression), names))))
                yield _Member(Target(matcher, account, alias), before, behind, policy.fold)


def _fixed(tokens: Iterable[Token], names: dict[NameKind, str]) -> Iterator[str]:
    """The texts of the tokens up to the first that has no certain text."""
    for token in tokens:
        if isinstance(token, Literal):
            yield token.text
        elif isinstance(token, NameField):
            yield names[token.kind]
        else:
            return


def _neighbours(policy: Policy) -> Iterator[tuple[_Member, _Member]]:
    """The pairs of which the texts at the beginning leave room for a common address."""
    members = sorted(_members(policy), key=lambda member: member.before)
    for number, one in enumerate(members):
        for at in range(number + 1, len(members)):
            other = members[at]
            if not other.before.startswith(one.before):
                break
            yield one, other


@frozen(eq=False)
class _Contest:
    """Two statements that look as if they could share an address."""

    one: Target
    other: Target
    pair: Pair

    @property
    def rules(self) -> tuple[Rule, Rule]:
        """The statements, in the order of the file."""
        first, second = sorted((self.one, self.other), key=_offset)
        return first.rule, second.rule

    @property
    def statements(self) -> tuple[int, int]:
        """Which statements they are."""
        first, second = self.rules
        return first.statement.offset, second.statement.offset

    def search(self, policy: Policy, steps: int, wide: bool) -> Overlap | None:
        """Search for an address that both accept.

        Raises:
            Spent: it takes more steps than are allowed.
        """
        wanted = {policy.fold(self.one.account), policy.fold(self.other.account)}
        for text in self.pair.texts(LONGEST, steps, wide):
            outcome = policy.resolve(text)
            if isinstance(outcome, Ambiguous) and wanted <= set(map(policy.fold, outcome.accounts)):
                one, other = sorted((self.one, self.other), key=_offset)
                return Overlap(text, one, other)
        return None
