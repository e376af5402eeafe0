"""The names that statements accept, each with the texts that all its addresses begin and end with.

They exclude most pairs of statements from the search for common addresses.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import chain, islice

from attrs import frozen

from trualias.analysis.composition import Target, targets_of
from trualias.analysis.statement_automaton import StatementAutomaton
from trualias.language.rule import Names, Rule
from trualias.language.tree import Expression, Literal, NameField, NameKind
from trualias.matching.policy import Policy


def number_of_targets(policy: Policy) -> int:
    """Return the number of names, or pairs of an account and an alias, of all statements together."""
    return sum(len(rule.accounts) * (len(rule.aliases) or 1) for rule in policy.rules)


@frozen(eq=False, repr=False, slots=False)
class BoundTarget:
    """A target, and the texts that all its addresses begin and end with."""

    target: Target
    start: str
    end: str
    fold: Callable[[str], str]

    @cached_property
    def automaton(self) -> StatementAutomaton:
        """The automaton that reads the target's addresses."""
        return StatementAutomaton(self.target, self.fold)

    def may_overlap(self, other: BoundTarget) -> bool:
        """Return whether the accounts differ, the last texts allow a common address, and a domain is common."""
        same_end = self.end.endswith(other.end) or other.end.endswith(self.end)
        if not same_end or not _share_domain(self.target.rule, other.target.rule):
            return False
        return self.target.names[NameKind.ACCOUNT] != other.target.names[NameKind.ACCOUNT]


def bound_targets(policy: Policy, most: int) -> Iterator[BoundTarget]:
    """Yield up to ``most`` targets: of all statements the first, then of all statements the second, and so on."""
    remaining = deque(targets_of(rule, policy.fold) for rule in policy.rules)
    if number_of_targets(policy) <= most:
        chosen: Iterator[Target] = chain.from_iterable(remaining)
    else:
        chosen = islice(_in_turn(remaining), most)
    for target in chosen:
        first = _leading_text(target.rule.expression, target.names)
        last = _leading_text(target.rule.expression[::-1], target.names, backwards=True)
        yield BoundTarget(target, policy.fold(first), policy.fold(last), policy.fold)


def _in_turn(remaining: deque[Iterator[Target]]) -> Iterator[Target]:
    while remaining:
        of_statement = remaining.popleft()
        if target := next(of_statement, None):
            yield target
            remaining.append(of_statement)


def _leading_text(expression: Expression, names: Names, backwards: bool = False) -> str:
    """Return the literals and names before the first field; ``backwards``, the expression is, and the text is not."""
    texts: list[str] = []
    for token in expression:
        if isinstance(token, Literal):
            texts.append(token.text)
        elif isinstance(token, NameField):
            texts.append(names[token.kind])
        else:
            break
    return "".join(texts[::-1] if backwards else texts)


def pairs_with_common_start(targets: Sequence[BoundTarget]) -> Iterator[tuple[BoundTarget, BoundTarget]]:
    """Yield the pairs whose first texts allow a common address; the targets are sorted by these texts."""
    for number, one in enumerate(targets):
        for other_number in range(number + 1, len(targets)):
            other = targets[other_number]
            if not other.start.startswith(one.start):
                break
            yield one, other


def count_pairs_with_common_start(targets: Sequence[BoundTarget]) -> int:
    """Count what ``pairs_with_common_start`` yields, without the pairs."""
    starts = [target.start for target in targets]
    # A tilde is the last character of a local part; no start goes on with DEL.
    return sum(bisect_left(starts, start + "\x7f", number) - number - 1 for number, start in enumerate(starts))


def _share_domain(one: Rule, other: Rule) -> bool:
    return one.domains is None or other.domains is None or not one.domains.isdisjoint(other.domains)


def common_domain(one: Rule, other: Rule) -> str | None:
    """Return a domain in which two statements that share one hold; None if both are for all."""
    if one.domains is None or other.domains is None:
        return one.any_domain or other.any_domain
    return min(one.domains & other.domains)
