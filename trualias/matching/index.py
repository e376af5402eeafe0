"""Which statements can match an address at all.

Every statement says, by its literals and names, a text that an address must contain, often at its start or end. All
these keys are in one Aho-Corasick automaton, which finds those that occur in an address in one pass, however many there
are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice

import ahocorasick

from trualias.language.pauses import with_pauses
from trualias.language.tree import NameKind
from trualias.matching.candidate import Candidate
from trualias.matching.form import END, MARKS, START
from trualias.matching.lookup_record import BUDGET, StepBudgetExceeded
from trualias.matching.matcher import Matcher
from trualias.matching.pairs import NameFound, NamePairs
from trualias.matching.skeleton import Skeleton, SkeletonGroup, skeleton_of

Comparable = Candidate | SkeletonGroup | NamePairs
"""A statement with names, or many at once."""

_Entry = Candidate | SkeletonGroup | NameFound

_ANY_NUMBER = 1 << 62

_FREED_AT_ONCE = 200

CROWD = 8
"""The number of statements found together from which on they are told apart by other keys, or grouped."""


class Index:
    """Finds the candidates for a text.

    ``add`` all matchers, then ``finish``; after that, ``find``. ``has_several``: what it finds may be groups or
    pairs of names. ``longest`` is the number of characters of the longest text. ``spelled`` is how the file first
    spells an account, by its folded name, as far as it is known; ``add`` completes it.
    """

    def __init__(self, fold: Callable[[str], str], longest: int, spelled: dict[str, str] | None = None) -> None:
        self._fold = fold
        self._longest_key = len(START) + longest + len(END)
        # The only entry of a key stands for itself: a tuple for each would take 64 octets more, and a mapping from keys
        # beside the automaton, until it is made, 80.
        self._automaton: ahocorasick.Automaton[_Entry | tuple[_Entry, ...]] = ahocorasick.Automaton()
        self._shared: dict[str, list[_Entry]] = {}  # all entries of a key that has several
        self._always: list[Comparable] = []
        self.has_several = False
        self._has_names = False
        self._has_keys = False
        self._spelled = {} if spelled is None else spelled  # how the file first spells an account, by its folded name

    def add(self, matcher: Matcher, pause: Callable[[], None] = lambda: None) -> None:
        """Enter a statement; ``pause`` is called at each name of a list."""
        fold = self._fold
        rule = matcher.rule
        names = {NameKind.ACCOUNT: rule.accounts, NameKind.ALIAS: rule.aliases or ("",)}
        several = [kind for kind, given in names.items() if len(given) > 1]
        runs = matcher.runs
        for kind, given in names.items():
            if kind not in several:
                runs = tuple([run.replace(MARKS[kind], fold(given[0])) for run in runs])
        account, alias = _folded(rule.accounts[0], fold), _folded(names[NameKind.ALIAS][0], fold)
        spelled = self._spelled.setdefault(account, rule.accounts[0])
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
            for given_name in names[kind]:
                pause()
                # The folded name is mostly the same text: one object of them takes 60 octets less.
                name, name_spelled = _folded(given_name, fold), given_name
                if kind is NameKind.ACCOUNT:
                    name_spelled = self._spelled.setdefault(name, given_name)
                entry: _Entry
                if len(several) > 1:
                    self._has_names = self.has_several = True
                    entry = NameFound(matcher, kind, name, name_spelled)
                elif kind is NameKind.ACCOUNT:
                    entry = Candidate(matcher, name, alias, name_spelled)
                else:
                    entry = Candidate(matcher, account, name, spelled)
                self._enter(run.replace(MARKS[kind], name), entry)

    def _enter(self, key: str, entry: _Entry) -> None:
        # No text has a longer key, and an automaton with one of megabytes ends the process by its recursion.
        if len(key) > self._longest_key:
            return
        if key in self._shared:
            self._shared[key].append(entry)
            return
        entered = self._automaton.get(key, None)
        if entered is None:
            self._automaton.add_word(key, entry)
        else:
            assert not isinstance(entered, tuple)
            self._shared[key] = [entered, entry]

    def finish(self, pause: Callable[[], None] = lambda: None) -> None:
        """Make the automaton; nothing can be added after. ``pause`` is called at each key of several entries."""
        self._spread(pause)
        for key, entries in self._shared.items():
            pause()
            self._automaton.add_word(key, tuple(entries if len(entries) < CROWD else self._grouped(entries, pause)))
        self._shared.clear()
        self._spelled = {}
        self._has_keys = len(self._automaton) > 0
        if self._has_keys:
            self._automaton.make_automaton()

    def _spread(self, pause: Callable[[], None]) -> None:
        """Enter the candidates of crowded keys anew, each by the text of its addresses that the fewest others have."""
        shared = with_pauses(self._shared.items(), pause)
        crowds = {key: entries for key, entries in shared if len(entries) >= CROWD}
        moved: list[tuple[Candidate, tuple[str, ...]]] = []
        for key, entries in crowds.items():
            del self._shared[key]
            self._automaton.remove_word(key)
            staying: list[_Entry] = [entry for entry in entries if not isinstance(entry, Candidate)]
            if staying:
                self._shared[key] = staying
                self._automaton.add_word(key, staying[0])
            for entry in entries:
                if isinstance(entry, Candidate):
                    pause()
                    moved.append((entry, _bound_runs(entry)))
        numbers = Counter([run for _, runs in with_pauses(moved, pause) for run in set(runs)])
        for run in with_pauses(numbers, pause):
            alone = int(self._automaton.get(run, None) is not None)
            numbers[run] += len(self._shared[run]) if run in self._shared else alone
        for candidate, runs in moved:
            pause()
            self._enter(min(runs, key=lambda run: (numbers[run], -len(run))), candidate)

    def _grouped(self, entries: Sequence[_Entry], pause: Callable[[], None]) -> list[_Entry]:
        """Return the entries of a key with a group in place of each crowd of candidates of one skeleton."""
        grouped: list[_Entry] = [entry for entry in entries if not isinstance(entry, Candidate)]
        by_skeleton: dict[Skeleton, list[Candidate]] = {}
        for entry in entries:
            if isinstance(entry, Candidate):
                pause()
                by_skeleton.setdefault(skeleton_of(entry), []).append(entry)
        for candidates in by_skeleton.values():
            if len(candidates) < CROWD:
                grouped += candidates
            else:
                self.has_several = True
                grouped.append(SkeletonGroup(candidates, pause))
        return grouped

    def candidates(self, text: str) -> list[Candidate]:
        """Return all candidates for a folded text, each once, those of groups among them."""
        found: list[Candidate] = []
        for one in self.find(text, _ANY_NUMBER):
            if isinstance(one, Candidate):
                found.append(one)
            else:
                found += one.candidates
        return found

    def find(self, text: str, most: int = BUDGET) -> Sequence[Comparable]:
        """Return the statements and names whose key occurs in a folded text, each once.

        Raises:
            StepBudgetExceeded: several keys occur, with more than ``most`` candidates.
        """
        if not self._has_keys:
            return self._always
        occurrences = list(self._automaton.iter(f"{START}{text}{END}"))
        if not occurrences:
            return self._always
        if len(occurrences) == 1 and not self._always and not self._has_names:
            only = occurrences[0][1]
            # Without names, all entries are candidates.
            return only if isinstance(only, tuple) else (only,)  # type: ignore[return-value]
        found = self._always.copy()
        names: list[NameFound] = []
        # A key can occur several times.
        different = {id(entries): entries for _, entries in occurrences}.values()
        together = [entries if isinstance(entries, tuple) else (entries,) for entries in different]
        if sum(map(len, together)) > most:
            raise StepBudgetExceeded
        for entries in together:
            for entry in entries:
                if isinstance(entry, NameFound):
                    names.append(entry)
                else:
                    found.append(entry)
        if names:
            by_statement: dict[int, list[NameFound]] = {}
            for name in names:
                by_statement.setdefault(id(name.matcher), []).append(name)
            found += map(NamePairs, by_statement.values())
        return found

    @property
    def is_empty(self) -> bool:
        """True if no statement was added."""
        return not len(self._automaton) and not self._always

    def empty(self, pause: Callable[[], None]) -> None:
        """Free the entries in steps, and call ``pause`` after each; nothing may use the index any more.

        A search in it raises AttributeError from then on. All at once, an index of 100,000 statements holds the
        interpreter's lock for 35 to 75 ms.
        """
        while keys := list(islice(self._automaton.keys(), _FREED_AT_ONCE)):
            for key in keys:
                self._automaton.remove_word(key)
            pause()


def _folded(name: str, fold: Callable[[str], str]) -> str:
    """Return a folded name, which is the same object as the name where folding changes nothing."""
    folded = fold(name)
    return name if folded == name else folded


def _bound_runs(candidate: Candidate) -> tuple[str, ...]:
    """Return the texts that stand in every address of a candidate."""
    account, alias = MARKS[NameKind.ACCOUNT], MARKS[NameKind.ALIAS]
    return tuple(
        [run.replace(account, candidate.account).replace(alias, candidate.alias) for run in candidate.matcher.runs]
    )
