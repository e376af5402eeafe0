"""Statements whose codes are equally strong: they differ in names and literals that play no part in it."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from trualias.analysis.composition import Target
from trualias.analysis.word_classes import Words
from trualias.language.functions import BoundCall
from trualias.language.tree import Identifier, Literal, NameField, NameKind


def likeness_of(target: Target, words: Words, fold: Callable[[str], str]) -> Hashable:
    """Return what decides on the strength of a target; targets that share it need to be measured once.

    A name or a literal counts if the code reads it, or if it occurs in a word, since the address can then be read in
    another way.
    """
    rule = target.rule
    read = {item.reads for item in rule.items if isinstance(item, BoundCall)}

    def shown(text: str, kind: NameKind | None = None) -> str | NameKind | None:
        return text if kind in read or words.contain(fold(text)) else kind

    form: list[object] = []
    for token in rule.expression:
        match token:
            case Identifier(field_class):
                form.append(field_class)
            case Literal(text):
                form.append(("literal", shown(text)))
            case NameField(kind):
                form.append(("name", shown(target.names[kind], kind)))
            case _:
                form.append("code")
    names = tuple([target.names[kind] for kind in NameKind if kind in read])
    return tuple(form), rule.items, rule.statement.using, bool(target.alias), names
