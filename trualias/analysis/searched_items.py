"""The calls that an attacker considers as items of a rule: all that look a limited number of characters into a word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trualias.analysis.candidates import Candidate, Candidates
from trualias.analysis.code_distribution import Codes, texts_of
from trualias.analysis.trials import Trials
from trualias.analysis.word_sets import UNKNOWN_DEFAULT
from trualias.language.functions import FUNCTIONS, BoundCall
from trualias.language.tree import FieldClass, NameKind

FURTHEST_INDEX = 12
"""The furthest index from either end of a word that is searched, unless the true rule has a further one; few people
count further."""


def candidates_of(codes: Codes, trials: Trials) -> Candidates:
    """Return the candidates that read the identifiers of a statement."""
    rule = codes.target.rule
    furthest = max([FURTHEST_INDEX, *(abs(item.index) for item in rule.items if isinstance(item, BoundCall))])
    if furthest not in trials.candidates:
        calls = [
            call
            for number, field_class in enumerate(rule.identifiers)
            for call in _calls(number, field_class, codes.words[number], furthest)
        ]
        trials.candidates[furthest] = Candidates(map(trials.sets, calls))
    return trials.candidates[furthest]


def candidates_of_names(codes: Codes, trials: Trials) -> list[Candidate]:
    """Return the candidates that read a name: only choices, since all others are constant, and searched as literals."""
    kinds = (NameKind.ACCOUNT, NameKind.ALIAS) if codes.target.alias else (NameKind.ACCOUNT,)
    calls = [
        BoundCall(function, kind, codes.target.rule.statement.using)
        for kind in kinds
        for function in FUNCTIONS.values()
        if function.is_choice
    ]
    return [
        Candidate(dict.fromkeys(texts_of(call.evaluate(codes.target.names[kind])), trials.runs.every), {})
        for call in calls
        if isinstance(kind := call.reads, NameKind)
    ]


def _calls(number: int, field_class: FieldClass, words: Sequence[str], furthest: int) -> Iterator[BoundCall]:
    """Yield the calls that read an identifier, with an unknown default."""
    dotted = field_class is FieldClass.FQDN
    for function in FUNCTIONS.values():
        if function.needs_labels and not dotted:
            continue
        if not function.takes_index:
            yield BoundCall(function, number, field_class)
            continue
        longest = max(len(label) for word in words for label in word.split("."))
        labels = _indexes(max(word.count(".") + 1 for word in words)) if dotted else [None]
        for label in labels:
            for index in _indexes(min(longest, furthest)):
                yield BoundCall(function, number, field_class, label, index or 0, UNKNOWN_DEFAULT)


def _indexes(furthest: int) -> list[int | None]:
    """The indexes from 1, and from -1 at the end, up to the furthest."""
    return [index for number in range(1, furthest + 1) for index in (number, -number)]
