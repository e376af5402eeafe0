"""Which statements can match an address at all.

Every statement says, by its literals and names, a text that an address must contain, often at its start or end. All
these keys are in one Aho-Corasick automaton, which finds those that occur in an address in one pass, however many there
are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ahocorasick
from attrs import frozen

from trualias.language.tree import NameKind
from trualias.matching.form import END, MARKS, START
from trualias.matching.matcher import Matcher


@frozen(eq=False)
class Candidate:
    """A statement with the names that an address would have to show.

    ``account`` and ``alias`` are folded, ``spelled`` is the account as the file first spells it. ``alias`` is empty for
    a statement without aliases.
    """

    matcher: Matcher
    account: str
    alias: str
    spelled: str


@frozen(eq=False)
class _NameFound:
    """A name of a statement whose addresses show both names: a candidate only with a name of the other kind."""

    matcher: Matcher
    kind: NameKind
    name: str
    spelled: str


_Entry = Candidate | _NameFound


class Index:
    """Finds the candidates for a text.

    ``add`` all matchers, then ``finish``; after that, ``candidates``.
    """

    def __init__(self, fold: Callable[[str], str]) -> None:
        self._fold = fold
        self._by_key: dict[str, list[_Entry]] = {}
        self._automaton: ahocorasick.Automaton[tuple[_Entry, ...]] = ahocorasick.Automaton()
        self._always: list[Candidate] = []
        self._has_pairs = False
        self._spelled: dict[str, str] = {}  # how the file first spells an account, by its folded name

    def add(self, matcher: Matcher, pause: Callable[[], None] = lambda: None) -> None:
        """Enter a statement; ``pause`` is called at each name of a list."""
        fold = self._fold
        rule = matcher.rule
        names = {
            NameKind.ACCOUNT: [(fold(name), self._spelled.setdefault(fold(name), name)) for name in rule.accounts],
            NameKind.ALIAS: [(fold(name), name) for name in rule.aliases] or [("", "")],
        }
        several = [kind for kind, given in names.items() if len(given) > 1]
        runs = matcher.runs
        for kind, given in names.items():
            if kind not in several:
                runs = tuple([run.replace(MARKS[kind], given[0][0]) for run in runs])
        account, spelled = names[NameKind.ACCOUNT][0]
        alias = names[NameKind.ALIAS][0][0]
        if not several:
            candidate = Candidate(matcher, account, alias, spelled)
            if key := max(runs, key=len, default=""):
                self._enter(key, candidate)
            else:
                self._always.append(candidate)
            return
        for kind in several:
            other = MARKS[NameKind.ALIAS if kind is NameKind.ACCOUNT else NameKind.ACCOUNT]
            run = max((part for run in runs for part in run.split(other) if MARKS[kind] in part), key=len)
            for name, name_spelled in names[kind]:
                pause()
                entry: _Entry
                if len(several) > 1:
                    self._has_pairs = True
                    entry = _NameFound(matcher, kind, name, name_spelled)
                elif kind is NameKind.ACCOUNT:
                    entry = Candidate(matcher, name, alias, name_spelled)
                else:
                    entry = Candidate(matcher, account, name, spelled)
                self._enter(run.replace(MARKS[kind], name), entry)

    def _enter(self, key: str, entry: _Entry) -> None:
        self._by_key.setdefault(key, []).append(entry)

    def finish(self, pause: Callable[[], None] = lambda: None) -> None:
        """Make the automaton; nothing can be added after. ``pause`` is called at each key."""
        for key, entries in self._by_key.items():
            pause()
            self._automaton.add_word(key, tuple(entries))
        self._by_key.clear()
        self._spelled.clear()
        if len(self._automaton):
            self._automaton.make_automaton()

    def candidates(self, text: str) -> Sequence[Candidate]:
        """Return the statements and names whose key occurs in a folded text, each once."""
        if not len(self._automaton):
            return self._always
        occurrences = [entries for _, entries in self._automaton.iter(f"{START}{text}{END}")]
        if not occurrences:
            return self._always
        if len(occurrences) == 1 and not self._always and not self._has_pairs:
            return occurrences[0]  # type: ignore[return-value]  # without pairs, all entries are candidates
        found = self._always.copy()
        names: list[_NameFound] = []
        # A key can occur several times.
        for entries in {id(entries): entries for entries in occurrences}.values():
            for entry in entries:
                if isinstance(entry, Candidate):
                    found.append(entry)
                else:
                    names.append(entry)
        return found + _pairs(names) if names else found

    def parts(self) -> list[object]:
        """Return all entries, for releasing a large index a few entries at a time."""
        return list(self._automaton.values())


def _pairs(names: list[_NameFound]) -> list[Candidate]:
    """Return the candidates of each account with each alias that was found of the same statement."""
    return [
        Candidate(account.matcher, account.name, alias.name, account.spelled)
        for account in names
        for alias in names
        if account.matcher is alias.matcher and account.kind is NameKind.ACCOUNT and alias.kind is NameKind.ALIAS
    ]
