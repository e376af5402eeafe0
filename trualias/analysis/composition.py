"""Writes addresses: from the names and the words that somebody has in mind to the local part with the right code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice, product
from typing import assert_never

from attrs import frozen

from trualias.language.fields import RULES, fits
from trualias.language.rule import Rule
from trualias.language.tree import (
    CodeField,
    CodeLiteral,
    Expression,
    FieldClass,
    Identifier,
    Literal,
    NameField,
    NameKind,
    item_text,
)
from trualias.matching.codes import contribution, text_read
from trualias.matching.matcher import Matcher
from trualias.matching.outcome import Ambiguous, BudgetExceeded, Found, NotFound, PolicyOutcome
from trualias.matching.policy import LONGEST, Policy
from trualias.messages import number_of

TRIED = 2000
"""Codes of one address that are tried, to find one which no other account's statement accepts as well."""


@frozen(eq=False)
class Target:
    """A statement by which an account can be reached, with the names to show; ``alias`` is empty where it lists none.

    The names are as the file spells them.
    """

    matcher: Matcher
    account: str
    alias: str

    @property
    def rule(self) -> Rule:
        """The statement."""
        return self.matcher.rule


@frozen
class Draft:
    """An address but for the choices that are left: a text for each token of the expression, and the items' choices.

    The piece of the code is empty. Each item has one text, or several characters with the first to take first.
    """

    pieces: tuple[str, ...]
    code_at: int
    choices: tuple[Sequence[str], ...]

    def written(self) -> Iterator[tuple[str, ...]]:
        """Each address that the choices give, as a text for each token."""
        for chosen in product(*self.choices):
            yield (*self.pieces[: self.code_at], "".join(chosen), *self.pieces[self.code_at + 1 :])


@frozen
class Composed:
    """A local part, as one text for each token of the expression, and what the policy answers to it.

    ``code_at`` is the number of the text that is the code, counted from 0.
    """

    pieces: tuple[str, ...]
    code_at: int
    outcome: PolicyOutcome

    @property
    def local_part(self) -> str:
        """The whole text."""
        return "".join(self.pieces)


@frozen
class CannotCompose:
    """The words make no address; why not."""

    reason: str


def targets(policy: Policy, name: str) -> Iterator[Target]:
    """Find the statements that have an account or an alias of that name, in the order of the file."""
    folded = policy.fold(name)
    for rule in policy.rules:
        is_account = [policy.fold(account) == folded for account in rule.accounts]
        is_alias = [policy.fold(alias) == folded for alias in rule.aliases]
        if not any(is_account) and not any(is_alias):
            continue
        matcher = Matcher(rule, policy.fold)
        for account, of_account in zip(rule.accounts, is_account, strict=True):
            for alias, of_alias in zip(rule.aliases or ("",), is_alias or (False,), strict=True):
                if of_account or of_alias:
                    yield Target(matcher, account, alias)


def _as_ordered(choices: Sequence[str]) -> Sequence[str]:
    return choices


def compose(
    policy: Policy,
    target: Target,
    words: Sequence[str],
    order: Callable[[Sequence[str]], Sequence[str]] = _as_ordered,
    resolve: Callable[[str], PolicyOutcome] | None = None,
    tried: int = TRIED,
) -> Composed | CannotCompose:
    """Write an address with a word for each identifier of the statement, in its order.

    Where a code leaves a choice, the first is taken with which the address is the account's alone; where there is none
    among the first so many that are ``tried``, the outcome tells so. ``order`` changes which choice comes first.
    ``resolve`` asks for the outcome in another way than the policy's own.
    """
    resolve = resolve or policy.resolve
    draft = sketch(policy, target, words, order)
    if isinstance(draft, CannotCompose):
        return draft
    best: Composed | None = None
    for pieces in islice(draft.written(), tried):
        composed = Composed(pieces, draft.code_at, resolve("".join(pieces)))
        if best is None or _rank(composed.outcome) < _rank(best.outcome):
            best = composed
        if _rank(best.outcome) == 0:
            break
    assert best is not None
    return best


def _rank(outcome: PolicyOutcome) -> int:
    match outcome:
        case Found():
            return 0
        case Ambiguous():
            return 1
        case BudgetExceeded():
            return 2
        case NotFound():  # only where the outcome is asked for in another way than the policy's own
            return 3
        case _:
            assert_never(outcome)


def sketch(
    policy: Policy,
    target: Target,
    words: Sequence[str],
    order: Callable[[Sequence[str]], Sequence[str]] = _as_ordered,
) -> Draft | CannotCompose:
    """Put names and words in their places, and find what the code may be."""
    classes = target.rule.identifiers
    if len(words) != len(classes):
        return CannotCompose(_wrong_number(classes, len(words)))
    for word, field_class in zip(words, classes, strict=True):
        if not fits(field_class, word):
            return CannotCompose(_wrong_class(word, field_class))
    values = [policy.fold(word) for word in words]
    account, alias = policy.fold(target.account), policy.fold(target.alias)
    choices = []
    for item, spelled in zip(target.matcher.items, target.rule.statement.items, strict=True):
        wanted = contribution(item, values, account, alias)
        if isinstance(wanted, str):
            choices.append([wanted])
            continue
        assert not isinstance(item, CodeLiteral)
        read = text_read(item, values, account, alias)
        characters = sorted((c for c in wanted if policy.fold(c) == c), key=lambda c: (read.find(c), _plainness(c)))
        if not characters:
            return CannotCompose(f"{item_text(spelled)} finds no character that does not occur in '{read}'")
        choices.append(list(order(characters)))
    pieces = _pieces(target.matcher.expression, values, account, alias)
    length = sum(map(len, pieces)) + sum(len(choice[0]) for choice in choices)
    if length > LONGEST:
        return CannotCompose(f"it would have {length} characters, and a local part has at most {LONGEST} (RFC 5321)")
    return Draft(pieces, target.matcher.expression.index(CodeField()), tuple(choices))


def _pieces(expression: Expression, values: Sequence[str], account: str, alias: str) -> tuple[str, ...]:
    """A text for each token of an expression; an empty one for the code."""
    left = iter(values)
    pieces = []
    for token in expression:
        match token:
            case Literal(text):
                pieces.append(text)
            case NameField(kind):
                pieces.append(account if kind is NameKind.ACCOUNT else alias)
            case Identifier():
                pieces.append(next(left))
            case CodeField():
                pieces.append("")
            case _:
                assert_never(token)
    return tuple(pieces)


def _plainness(character: str) -> tuple[bool, bool, bool, str]:
    """What is easier said comes first: small letters, digits, capitals, signs."""
    return not character.islower(), not character.isdigit(), not character.isupper(), character


def _wrong_number(classes: Sequence[FieldClass], given: int) -> str:
    wants = ", ".join(field_class.value for field_class in classes)
    needs = f"{number_of(len(classes), 'word')} ({wants})" if classes else "no word"
    return f"it takes {needs}, and {number_of(given, 'word')} {'is' if given == 1 else 'are'} given"


def _wrong_class(word: str, field_class: FieldClass) -> str:
    rule = RULES[field_class]
    shown = word if word.isprintable() else ascii(word)[1:-1]
    left = "".join(character for character in word if character in rule.alphabet)
    fix = f"; '{left}' would be one" if fits(field_class, left) else ""
    return f"'{shown}' is not {field_class.value} ({rule.meaning}){fix}"
