"""Composition of addresses: from a statement's names and given words to a local part with a right code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice, product
from typing import assert_never
from unicodedata import normalize

from attrs import frozen

from trualias.language.fields import RULES, fits
from trualias.language.rule import Names, Rule, fill
from trualias.language.tree import (
    CodeField,
    CodeLiteral,
    Expression,
    FieldClass,
    Identifier,
    Literal,
    NameKind,
    item_text,
)
from trualias.matching.codes import contribution, text_read
from trualias.matching.matcher import Matcher
from trualias.matching.outcome import Ambiguous, BudgetExceeded, Found, NotFound, PolicyOutcome
from trualias.matching.policy import LONGEST, Policy
from trualias.messages import number_of, quoted

ATTEMPTS = 2000
"""The most codes tried for one address, to find one that belongs to no other account."""


@frozen(eq=False, repr=False)
class Target:
    """A statement with one of its accounts and one of its aliases.

    ``account`` and ``alias`` are spelled as in the file, folded in ``names``. The alias is empty in a statement without
    listed aliases.
    """

    rule: Rule
    account: str
    alias: str
    names: Names
    _shared_matcher: Callable[[], Matcher]

    @property
    def matcher(self) -> Matcher:
        """The statement's matcher, made when it is first needed, once for all targets of the statement."""
        return self._shared_matcher()


class _SharedMatcher:
    """Makes the matcher of a statement once. For 30,000 statements, functools.cache for each takes a second."""

    __slots__ = ("_fold", "_made", "_rule")

    def __init__(self, rule: Rule, fold: Callable[[str], str]) -> None:
        self._rule = rule
        self._fold = fold
        self._made: Matcher | None = None

    def __call__(self) -> Matcher:
        """Return the matcher."""
        if self._made is None:
            self._made = Matcher(self._rule, self._fold)
        return self._made


def targets_of(
    rule: Rule, fold: Callable[[str], str], aliases: Sequence[str] = (), accounts: Sequence[str] = ()
) -> Iterator[Target]:
    """Yield a statement's targets, account by account; of the given aliases or accounts alone, if any are."""
    matcher = _SharedMatcher(rule, fold)
    for account in accounts or rule.accounts:
        for alias in aliases or rule.aliases or ("",):
            names = {NameKind.ACCOUNT: fold(account), NameKind.ALIAS: fold(alias)}
            yield Target(rule, account, alias, names, matcher)


def targets_named(policy: Policy, name: str) -> Iterator[Target]:
    """Yield the targets whose account or alias has a name, in the order of the file."""
    folded = policy.fold(name)
    for rule in policy.rules:
        if folded in map(policy.fold, (*rule.accounts, *rule.aliases)):
            yield from (target for target in targets_of(rule, policy.fold) if folded in target.names.values())


@frozen
class ComposedAddress:
    """A local part and the policy's answer to it.

    ``parts`` has one text for each token of the expression; ``code_index`` is the index of the code among them.
    """

    parts: tuple[str, ...]
    code_index: int
    outcome: PolicyOutcome

    @property
    def local_part(self) -> str:
        """The whole text."""
        return "".join(self.parts)


@frozen
class CannotCompose:
    """No address can be composed of the given words, for a reason in plain language."""

    reason: str


@frozen
class _Template:
    """All addresses with the same words: a text for each token of the expression, and the choices that the code leaves.

    Each item of the code has a sequence of texts, the preferred one first.
    """

    parts: tuple[str, ...]
    code_index: int
    choices: tuple[Sequence[str], ...]

    def addresses(self) -> Iterator[tuple[str, ...]]:
        """Yield the address for each combination of choices, as a text for each token."""
        for chosen in product(*self.choices):
            yield (*self.parts[: self.code_index], "".join(chosen), *self.parts[self.code_index + 1 :])


def _unchanged(choices: Sequence[str]) -> Sequence[str]:
    return choices


def compose(
    policy: Policy,
    target: Target,
    words: Sequence[str],
    order: Callable[[Sequence[str]], Sequence[str]] = _unchanged,
    resolve: Callable[[str], PolicyOutcome] | None = None,
    attempts: int = ATTEMPTS,
) -> ComposedAddress | CannotCompose:
    """Compose an address with a word for each identifier of the statement, in its order.

    Where a code leaves choices, the result is the first address that belongs to the account alone; if the first
    ``attempts`` have none, the outcome of the result is not ``Found``. ``order`` reorders the choices of an item.
    ``resolve`` replaces the policy's own lookup, in one of the statement's domains.
    """
    if resolve is None:
        resolve = partial(policy.resolve, domain=target.rule.any_domain)
    template = _template(policy, target, words, order)
    if isinstance(template, CannotCompose):
        return template
    best: ComposedAddress | None = None
    for parts in islice(template.addresses(), attempts):
        composed = ComposedAddress(parts, template.code_index, resolve("".join(parts)))
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
        case NotFound():  # possible only with a given ``resolve``
            return 3
        case _:
            assert_never(outcome)


def _template(
    policy: Policy, target: Target, words: Sequence[str], order: Callable[[Sequence[str]], Sequence[str]]
) -> _Template | CannotCompose:
    classes = target.rule.identifiers
    if len(words) != len(classes):
        return CannotCompose(_wrong_number(classes, len(words)))
    for word, field_class in zip(words, classes, strict=True):
        if not fits(field_class, word):
            return CannotCompose(_wrong_class(word, field_class))
    values = [policy.fold(word) for word in words]
    account, alias = target.names[NameKind.ACCOUNT], target.names[NameKind.ALIAS]
    choices: list[Sequence[str]] = []
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
        choices.append(order(characters))
    parts = token_texts(fill(target.matcher.expression, target.names), values)
    length = sum(map(len, parts)) + sum(len(choice[0]) for choice in choices)
    if length > LONGEST:
        return CannotCompose(f"it would have {length} characters, and a local part has at most {LONGEST} (RFC 5321)")
    return _Template(parts, target.matcher.expression.index(CodeField()), tuple(choices))


def token_texts(expression: Expression, values: Sequence[str], code: str = "") -> tuple[str, ...]:
    """Return a text for each token of an expression without names, given the values of its identifiers and a code."""
    remaining = iter(values)
    texts = []
    for token in expression:
        if isinstance(token, Literal):
            texts.append(token.text)
        else:
            texts.append(next(remaining) if isinstance(token, Identifier) else code)
    return tuple(texts)


def _plainness(character: str) -> tuple[bool, bool, bool, str]:
    """A sort key: characters that are easier to say first, that is small letters, digits, capitals, signs."""
    return not character.islower(), not character.isdigit(), not character.isupper(), character


def _wrong_number(classes: Sequence[FieldClass], given: int) -> str:
    wants = ", ".join(field_class.value for field_class in classes)
    needs = f"{number_of(len(classes), 'word')} ({wants})" if classes else "no word"
    return f"it takes {needs}, and {number_of(given, 'word')} {'is' if given == 1 else 'are'} given"


def _wrong_class(word: str, field_class: FieldClass) -> str:
    rule = RULES[field_class]
    # An accent is dropped before what is still no character of the class: cafe, not caf.
    plain = "".join(sign if sign.isascii() else sign.casefold() for sign in normalize("NFKD", word))
    left = "".join(character for character in plain if character in rule.alphabet)
    fix = f"; '{left}' would be one" if fits(field_class, left) else ""
    return f"{quoted(word)} is not {field_class.value} ({rule.meaning}){fix}"
