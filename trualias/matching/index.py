"""Which statements can match an address at all.

Every statement says, by its literals and names, a text that an address must contain, often at its very start or end.
All these keys are in one Aho-Corasick automaton, which finds those that occur in an address in one pass, however many
there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ahocorasick
from attrs import frozen

from trualias.language.tree import Expression, Literal, NameField, NameKind
from trualias.matching.matcher import Matcher

# Not characters of any local part, so that they mark its two ends in the automaton's keys.
_START = "\x02"
_END = "\x03"
_PAUSE_EVERY = 200


@frozen(eq=False)
class Candidate:
    """A statement with the names that an address would have to show.

    ``account`` and ``alias`` are folded, ``spelled`` is the account as the file spells it. ``alias`` is empty for a
    statement without aliases.
    """

    matcher: Matcher
    account: str
    alias: str
    spelled: str


_Run = tuple[str | NameKind, ...]


def _runs(expression: Expression) -> list[_Run]:
    """The longest stretches of an expression without identifiers and code, the ends of the text marked."""
    runs: list[list[str | NameKind]] = [[_START]]
    for token in expression:
        match token:
            case Literal(text):
                runs[-1].append(text)
            case NameField(kind):
                runs[-1].append(kind)
            case _:
                runs.append([])
    runs[-1].append(_END)
    return [tuple(run) for run in runs if run not in ([], [_START], [_END])]


def _cut_around(run: _Run, kind: NameKind) -> _Run:
    """The stretch around the first name of a kind that has no name of another kind."""
    at = run.index(kind)
    others = [number for number, part in enumerate(run) if isinstance(part, NameKind) and part is not kind]
    first = max((number + 1 for number in others if number < at), default=0)
    stop = min((number for number in others if number > at), default=len(run))
    return run[first:stop]


def _filled(run: _Run, names: dict[NameKind, str]) -> _Run:
    """Put the names that are known in place of their fields, and join what then stands side by side."""
    parts: list[str | NameKind] = []
    for part in run:
        text = names.get(part, part) if isinstance(part, NameKind) else part
        if parts and isinstance(text, str) and isinstance(parts[-1], str):
            parts[-1] += text
        else:
            parts.append(text)
    return tuple(parts)


def _length(run: _Run) -> int:
    return sum(len(part) for part in run if isinstance(part, str))


@frozen(eq=False)
class _Half:
    """One of two names that an address must show: a candidate only together with one of the other kind."""

    matcher: Matcher
    kind: NameKind
    name: str
    spelled: str


class Index:
    """Finds the candidates for a text.

    ``add`` all matchers, then ``finish``; after that, ``candidates``.
    """

    def __init__(self, fold: Callable[[str], str]) -> None:
        self._fold = fold
        self._by_key: dict[str, list[Candidate | _Half]] = {}
        self._automaton = ahocorasick.Automaton()
        self._always: list[Candidate] = []
        self._pairs = False
        self._spelled: dict[str, str] = {}  # how the file first spells an account, by its folded name

    def add(self, matcher: Matcher, pause: Callable[[], None] = lambda: None) -> None:
        """Enter a statement."""
        fold = self._fold
        rule = matcher.rule
        names = {
            NameKind.ACCOUNT: [(fold(name), self._spelled.setdefault(fold(name), name)) for name in rule.accounts],
            NameKind.ALIAS: [(fold(name), name) for name in rule.aliases] or [("", "")],
        }
        several = [kind for kind, given in names.items() if len(given) > 1]
        known = {kind: given[0][0] for kind, given in names.items() if len(given) == 1}
        runs = [_filled(run, known) for run in _runs(matcher.expression)]
        account, spelled = names[NameKind.ACCOUNT][0]
        alias = names[NameKind.ALIAS][0][0]
        if not several:
            candidate = Candidate(matcher, account, alias, spelled)
            key = max(("".join(part for part in run if isinstance(part, str)) for run in runs), key=len, default="")
            if key:
                self._enter(key, candidate)
            else:
                self._always.append(candidate)
            return
        for kind in several:
            run = max((_cut_around(run, kind) for run in runs if kind in run), key=_length)
            for number, (name, name_spelled) in enumerate(names[kind]):
                if number % _PAUSE_EVERY == _PAUSE_EVERY - 1:
                    pause()
                entry: Candidate | _Half
                if len(several) > 1:
                    self._pairs = True
                    entry = _Half(matcher, kind, name, name_spelled)
                elif kind is NameKind.ACCOUNT:
                    entry = Candidate(matcher, name, alias, name_spelled)
                else:
                    entry = Candidate(matcher, account, name, spelled)
                self._enter("".join([part if isinstance(part, str) else name for part in run]), entry)

    def _enter(self, key: str, entry: Candidate | _Half) -> None:
        self._by_key.setdefault(key, []).append(entry)

    def finish(self, pause: Callable[[], None] = lambda: None) -> None:
        """Make the automaton; nothing can be added after."""
        for number, (key, entries) in enumerate(self._by_key.items()):
            if number % _PAUSE_EVERY == _PAUSE_EVERY - 1:
                pause()
            self._automaton.add_word(key, tuple(entries))
        self._by_key.clear()
        self._spelled.clear()
        if len(self._automaton):
            self._automaton.make_automaton()

    def candidates(self, text: str) -> Sequence[Candidate]:
        """The statements and names whose key occurs in a folded text, each once."""
        if not len(self._automaton):
            return self._always
        hits = [entries for _, entries in self._automaton.iter(f"{_START}{text}{_END}")]
        if not hits:
            return self._always
        if len(hits) == 1 and not self._always and not self._pairs:
            only: tuple[Candidate, ...] = hits[0]
            return only
        found = self._always.copy()
        halves: list[_Half] = []
        # A key can occur several times.
        for entries in {id(entries): entries for entries in hits}.values():
            for entry in entries:
                if type(entry) is Candidate:
                    found.append(entry)
                else:
                    halves.append(entry)
        return found + self._joined(halves) if halves else found

    def parts(self) -> list[object]:
        """All entries, so that who drops the index can let go of them a few at a time."""
        return list(self._automaton.values())

    def _joined(self, halves: list[_Half]) -> list[Candidate]:
        """Pair the accounts and the aliases that were found of the same statement."""
        return [
            Candidate(one.matcher, one.name, other.name, one.spelled)
            for one in halves
            for other in halves
            if one.matcher is other.matcher and one.kind is NameKind.ACCOUNT and other.kind is NameKind.ALIAS
        ]
