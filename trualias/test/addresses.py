"""Addresses for a policy: hits, near misses, texts with many readings, and arbitrary texts.

A test needs hundreds for each policy, so one strategy draws the seed of a ``Random`` that chooses the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from hypothesis import strategies as st

from trualias.language.tree import (
    ATEXT_AND_DOT,
    Account,
    CodeField,
    FieldClass,
    Identifier,
    Literal,
    NameField,
    NameKind,
)
from trualias.test import naive
from trualias.test.strategies import FEW_CHARACTERS, SEPARATORS

RANDOMS = st.randoms(use_true_random=True)
"""Draws a ``Random`` by its seed; the same seeds every time in a deterministic profile."""

_ANY_CHARACTER = sorted(ATEXT_AND_DOT)
_CODE_CHARACTERS = "0123456789axX-.*"


def hits(statement: Account, case_sensitive: bool = True) -> st.SearchStrategy[str]:
    """Draw a local part that verifies for a statement; an empty text if the chosen words allow no code."""
    return RANDOMS.map(lambda random: hit(random, statement, case_sensitive))


def hit(random: Random, statement: Account, case_sensitive: bool) -> str:
    """Choose a local part that verifies for a statement, or an empty text: see ``hits``."""
    return _in_any_case(random, _attempt(random, statement, case_sensitive, mistake=False), case_sensitive)


def local_part(random: Random, policy: Sequence[Account], case_sensitive: bool) -> str:
    """Choose a local part to resolve."""
    statement = random.choice(policy)
    match random.choice(["hit"] * 6 + ["wrong code"] * 3 + ["mutated"] * 3 + ["repeated", "anything"]):
        case "hit":
            return hit(random, statement, case_sensitive)
        case "wrong code":
            return _in_any_case(random, _attempt(random, statement, case_sensitive, mistake=True), case_sensitive)
        case "mutated":
            return _mutated(random, hit(random, statement, case_sensitive))
        case "repeated":
            code = random.choice("01234x8") * random.randint(0, 3)
            return random.choice("x8is") * random.randint(1, 9) + random.choice(SEPARATORS) + code
        case _:
            return "".join(random.choice([*_ANY_CHARACTER, " ", "@", "\u0663", "\u212a"]) for _ in range(9))


def _word(random: Random, field_class: FieldClass) -> str:
    """Choose a text of a class, mostly a short one of few characters."""
    every = "".join(sorted(naive.ALPHABETS[field_class] - {"."}))
    characters = random.choice([FEW_CHARACTERS[field_class], FEW_CHARACTERS[field_class], every])
    while True:
        labels = random.choice([2, 2, 3, 4]) if field_class is FieldClass.FQDN else 1
        word = ".".join("".join(random.choices(characters, k=random.choice([1, 1, 2, 3, 4]))) for _ in range(labels))
        if naive.belongs(word, field_class):
            return word


def _attempt(random: Random, statement: Account, case_sensitive: bool, mistake: bool) -> str:
    """Choose words for a statement, and return the address with the right code, or with one wrong item."""
    if not case_sensitive:
        statement = naive.lowered(statement)
    account = random.choice(statement.accounts).text
    alias = random.choice(statement.aliases).text if statement.aliases else account
    repeated = random.choice(["", "", "x", "8", "s"])
    pieces = []
    for token in statement.expression:
        match token:
            case Literal(text):
                piece = text
            case NameField(kind):
                piece = account if kind is NameKind.ACCOUNT else alias
            case Identifier(field_class) if naive.belongs(repeated, field_class):
                piece = repeated * random.randint(1, 4)
            case Identifier(field_class):
                piece = _word(random, field_class)
            case CodeField():
                piece = ""
        pieces.append(piece if case_sensitive else piece.lower())
    words = naive.Reading(statement, account, alias, tuple(pieces)).words()
    choices = [naive.contributions(item, words) for item in statement.items]
    if not case_sensitive:
        choices = [{text for text in choice if text == text.lower()} for choice in choices]
    if mistake:
        read = "".join(word.text for word in words.values())
        choices[random.randrange(len(choices))] = {*read, *_CODE_CHARACTERS, str(len(read)), ""}
    if not all(choices):
        return ""
    code = "".join(random.choice(sorted(choice)) for choice in choices)
    tokens = zip(statement.expression, pieces, strict=True)
    return "".join(code if isinstance(token, CodeField) else piece for token, piece in tokens)


def _in_any_case(random: Random, text: str, case_sensitive: bool) -> str:
    return text if case_sensitive else random.choice([text, text.upper(), text.title(), text.swapcase()])


def _mutated(random: Random, text: str) -> str:
    """Change one or two characters: often the result is a near miss, sometimes another hit."""
    for _ in range(random.choice([1, 1, 2])):
        at = random.randint(0, len(text))
        before, here, after = text[:at], text[at : at + 1], text[at + 1 :]
        other = random.choice([*"axisX801_-.", *_ANY_CHARACTER])
        changed = [before + other + after, before + other + here + after, before + after, before + here + here + after]
        text = random.choice([*changed, before + here.swapcase() + after, after + before])
    return text
