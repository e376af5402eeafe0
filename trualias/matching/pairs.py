"""The pairs of accounts and aliases of one statement that an address has room for.

Where names are parts of each other, an address of one account holds hundreds of names, and tens of thousands of pairs.
But a name can only stand where the text between it and the end of the address is like the tokens there. The tokens
before the code are followed from the start of the address, those after it from its end.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from trualias.language.spans import Spans, positions_in
from trualias.language.tree import CodeField, Identifier, Literal, NameField, NameKind, Token
from trualias.matching.candidate import Candidate
from trualias.matching.form import NAMES
from trualias.matching.lookup_record import LookupRecord
from trualias.matching.matcher import Matcher

_FEW = 4
"""The number of pairs that are compared with an address whether it has room for them or not."""


@frozen(eq=False, repr=False)
class NameFound:
    """A name of a statement whose addresses show both names: a candidate only with a name of the other kind."""

    matcher: Matcher
    kind: NameKind
    name: str
    spelled: str


_Shown = tuple[NameFound | None, NameFound | None]
"""The account and the alias that some tokens show."""


class NamePairs:
    """The names of one statement that an address holds."""

    __slots__ = ("_accounts", "_aliases")

    def __init__(self, names: Iterable[NameFound]) -> None:
        self._accounts: list[NameFound] = []
        self._aliases: list[NameFound] = []
        for name in names:
            (self._accounts if name.kind is NameKind.ACCOUNT else self._aliases).append(name)

    @property
    def candidates(self) -> list[Candidate]:
        """The candidates of each account with each alias."""
        return [_candidate(account, alias) for account in self._accounts for alias in self._aliases]

    def possible(self, record: LookupRecord) -> list[Candidate]:
        """Return the candidates that the text has room for, and perhaps some others.

        Raises:
            StepBudgetExceeded: too many steps were needed.
        """
        if len(self._accounts) * len(self._aliases) <= _FEW:
            return self.candidates
        expression = self._accounts[0].matcher.expression
        code = expression.index(CodeField())
        before = self._follow(record, record.spans, expression[:code], is_mirrored=False)
        after = self._follow(record, record.mirrored, expression[:code:-1], is_mirrored=True)
        pairs: dict[tuple[NameFound, NameFound], None] = {}
        for left in before:
            record.step(len(after))
            for right in after:
                account, alias = left[0] or right[0], left[1] or right[1]
                assert account is not None and alias is not None, "the expression shows both names"
                # A name that is on both sides must be the same.
                if right[0] in (None, account) and right[1] in (None, alias):
                    pairs[account, alias] = None
        return [_candidate(account, alias) for account, alias in pairs]

    def _follow(
        self, record: LookupRecord, spans: Spans, tokens: Iterable[Token], *, is_mirrored: bool
    ) -> list[_Shown]:
        """Return the names with which the text of the spans can begin like some tokens."""
        states: dict[_Shown, int] = {(None, None): 1}
        starts: dict[NameKind, dict[int, list[NameFound]]] = {}
        for token in tokens:
            record.step(len(states))
            reached: dict[_Shown, int] = {}
            for shown, positions in states.items():
                if isinstance(token, Identifier):
                    ends = spans.ends_from_any(token.field_class, positions)
                elif isinstance(token, Literal):
                    ends = _after(spans, token.text[::-1] if is_mirrored else token.text, positions)
                else:
                    assert isinstance(token, NameField)
                    number = NAMES.index(token.kind)
                    if (known := shown[number]) is None:
                        if token.kind not in starts:
                            starts[token.kind] = self._starts(record, spans, token.kind, is_mirrored)
                        for at in positions_in(positions):
                            names = starts[token.kind].get(at, ())
                            record.step(len(names))
                            for name in names:
                                there = (name, shown[1]) if number == 0 else (shown[0], name)
                                reached[there] = reached.get(there, 0) | 1 << at + len(name.name)
                        continue
                    ends = _after(spans, known.name[::-1] if is_mirrored else known.name, positions)
                if ends:
                    reached[shown] = ends
            states = reached
        return list(states)

    def _starts(
        self, record: LookupRecord, spans: Spans, kind: NameKind, is_mirrored: bool
    ) -> dict[int, list[NameFound]]:
        """Return the names of a kind by the positions at which they start."""
        names = self._accounts if kind is NameKind.ACCOUNT else self._aliases
        record.step(3 * len(names) // 4)
        starts: dict[int, list[NameFound]] = {}
        text = spans.text
        for name in names:
            here = name.name[::-1] if is_mirrored else name.name
            at = text.find(here)
            while at >= 0:
                starts.setdefault(at, []).append(name)
                at = text.find(here, at + 1)
        record.step(sum(map(len, starts.values())) // 4)
        return starts


def _after(spans: Spans, text: str, positions: int) -> int:
    """Return the positions after a literal at some positions."""
    return (positions & spans.occurrences(text)) << len(text)


def _candidate(account: NameFound, alias: NameFound) -> Candidate:
    return Candidate(account.matcher, account.name, alias.name, account.spelled)
