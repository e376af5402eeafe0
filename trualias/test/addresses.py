"""Hypothesis strategies for addresses: what people, owners and guessers might ask a policy for."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from trualias.policy.tree import Account, CodeField, Identifier, Literal, NameField, NameKind
from trualias.test import naive
from trualias.test.strategies import ANY_CHARACTER, SEPARATORS, words


@st.composite
def hits(draw: st.DrawFn, statement: Account, case_sensitive: bool = True) -> str:
    """Draw a local part that a statement verifies; an empty text where the words that were drawn allow no code."""
    if not case_sensitive:
        statement = naive.lowered(statement)
    account = draw(st.sampled_from(statement.accounts)).text
    alias = draw(st.sampled_from(statement.aliases)).text if statement.aliases else account
    repeated = draw(st.sampled_from(["", "", "x", "8", "s"]))
    pieces = []
    for token in statement.expression:
        match token:
            case Literal(text):
                piece = text
            case NameField(kind):
                piece = account if kind is NameKind.ACCOUNT else alias
            case Identifier(field_class) if naive.belongs(repeated, field_class):
                piece = repeated * draw(st.integers(1, 4))
            case Identifier(field_class):
                piece = draw(words(field_class))
            case CodeField():
                piece = ""
        pieces.append(piece if case_sensitive else piece.lower())
    reading = naive.Reading(statement, account, alias, tuple(pieces))
    code = ""
    for item in statement.items:
        choice = naive.contributions(item, reading.words())
        if not case_sensitive:
            choice = {text for text in choice if text == text.lower()}
        if not choice:
            return ""
        code += draw(st.sampled_from(sorted(choice)))
    pieces[[isinstance(token, CodeField) for token in statement.expression].index(True)] = code
    return _in_any_case(draw, "".join(pieces), case_sensitive)


def _in_any_case(draw: st.DrawFn, text: str, case_sensitive: bool) -> str:
    if case_sensitive:
        return text
    return draw(st.sampled_from([text, text.upper(), text.title(), text.swapcase()]))


@st.composite
def _mutated(draw: st.DrawFn, local_part: str) -> str:
    """Draw a local part that differs in a place or two: often a near miss, at times another hit."""
    for _ in range(draw(st.sampled_from([1, 1, 2]))):
        at = draw(st.integers(0, len(local_part)))
        before, here, after = local_part[:at], local_part[at : at + 1], local_part[at + 1 :]
        other = draw(st.one_of(st.sampled_from("axisX801_-."), ANY_CHARACTER))
        changed = [before + other + after, before + other + here + after, before + after, before + here + here + after]
        local_part = draw(st.sampled_from([*changed, before + here.swapcase() + after, after + before]))
    return local_part


@st.composite
def local_parts(draw: st.DrawFn, policy: Sequence[Account], case_sensitive: bool = True) -> str:
    """Draw a local part to ask a policy for: a hit, a near miss, repeated characters, or anything."""
    kind = draw(st.sampled_from(["hit", "hit", "hit", "hit", "near", "near", "near", "repeated", "any"]))
    if kind == "repeated":
        character, code = draw(st.sampled_from("x8is")), draw(st.sampled_from("01234x8"))
        between = draw(st.sampled_from(SEPARATORS))
        return character * draw(st.integers(1, 9)) + between + code * draw(st.integers(0, 3))
    if kind == "any":
        return draw(st.text(st.one_of(ANY_CHARACTER, st.characters()), max_size=12))
    hit = draw(hits(draw(st.sampled_from(list(policy))), case_sensitive))
    return hit if kind == "hit" else draw(_mutated(hit))
