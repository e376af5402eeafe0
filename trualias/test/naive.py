"""A naive matcher, written from the language's reference: slow, and simple enough to be obviously correct.

It enumerates every reading of an address, and computes every item of a code as the reference's table of functions
defines it. The tests compare the fast matcher with it. Statements must be valid.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator, Sequence

from attrs import evolve, frozen

from trualias.language.name_list import Name
from trualias.language.tree import (
    ATEXT_AND_DOT,
    Account,
    Argument,
    Call,
    CodeField,
    CodeLiteral,
    FieldClass,
    Identifier,
    Item,
    Literal,
    NameField,
    NameKind,
    Token,
)

LONGEST = 64
"""Octets in a local part, RFC 5321 section 4.5.3.1.1."""

_LETTERS = frozenset(string.ascii_letters)
_DIGITS = frozenset(string.digits)
ALPHABETS = {
    FieldClass.ALNUM: _LETTERS | _DIGITS,
    FieldClass.ALPHA: _LETTERS,
    FieldClass.NUMBER: _DIGITS,
    FieldClass.IDENT: _LETTERS | _DIGITS | {"_"},
    FieldClass.FQDN: _LETTERS | _DIGITS | {"-", "."},
    FieldClass.MAILBOX: _LETTERS | _DIGITS | set("!#$%&'*+-/=?^_`{|}~."),
}
"""The characters that a class allows."""


@frozen
class Verdict:
    """The accounts for which an address verifies, as the file spells them, and whether several readings verify.

    If none verifies, ``near_misses`` are the accounts of the readings with a code that is not empty.
    """

    accounts: frozenset[str] = frozenset()
    several_readings: bool = False
    near_misses: frozenset[str] = frozenset()


@frozen
class Word:
    """A text that functions read, which is an identifier or a name, and its class."""

    text: str
    field_class: FieldClass


@frozen
class Reading:
    """A reading of a local part: the account, the alias, and the segment for each token of the expression."""

    statement: Account
    account: str
    alias: str
    pieces: tuple[str, ...]

    def code(self) -> str:
        """Return the code."""
        tokens = zip(self.statement.expression, self.pieces, strict=True)
        return next(piece for token, piece in tokens if isinstance(token, CodeField))

    def words(self) -> dict[str, Word]:
        """Return the words that functions can read, by *n* as spelled in arguments; a lone identifier also under ''."""
        using = self.statement.using
        words = {"account": Word(self.account, using), "alias": Word(self.alias, using)}
        identifiers = [
            Word(piece, token.field_class)
            for token, piece in zip(self.statement.expression, self.pieces, strict=True)
            if isinstance(token, Identifier)
        ]
        for n, word in enumerate(identifiers, start=1):
            words[str(n)] = word
        if len(identifiers) == 1:
            words[""] = identifiers[0]
        return words


def naive_lookup(statements: Sequence[Account], local_part: str, case_sensitive: bool) -> Verdict:
    """Return the accounts for which a local part verifies.

    Unless case matters, names that differ in case only are one account, which has its first spelling in the file.
    """
    if not set(local_part) <= ATEXT_AND_DOT or len(local_part) > LONGEST:
        return Verdict()
    spellings: dict[str, str] = {}
    for statement in statements:
        for name in statement.accounts:
            spellings.setdefault(name.text if case_sensitive else name.text.lower(), name.text)
    if not case_sensitive:
        statements = [lowered(statement) for statement in statements]
        local_part = local_part.lower()
    found = [reading for statement in statements for reading in readings(statement, local_part)]
    verified = [reading for reading in found if verifies(reading)]
    if not verified:
        return Verdict(near_misses=frozenset(spellings[reading.account] for reading in found if reading.code()))
    return Verdict(frozenset(spellings[reading.account] for reading in verified), len(verified) > 1)


def share_domain(one: Account, other: Account) -> bool:
    """Return whether two statements hold in a common domain; without ``AT`` a statement holds in all."""
    domains, others = ({name.text.lower() for name in statement.domains} for statement in (one, other))
    return not domains or not others or bool(domains & others)


def lowered(statement: Account) -> Account:
    """Return a statement with all texts that are compared with addresses in lower case."""

    def lower_token(token: Token) -> Token:
        return Literal(token.text.lower()) if isinstance(token, Literal) else token

    def lower_item(item: Item) -> Item:
        match item:
            case Call(function, arguments):
                return Call(function, tuple(Argument(argument.text.lower()) for argument in arguments))
            case CodeLiteral(text):
                return CodeLiteral(text.lower())

    return evolve(
        statement,
        accounts=tuple(Name(name.text.lower()) for name in statement.accounts),
        aliases=tuple(Name(name.text.lower()) for name in statement.aliases),
        expression=tuple(map(lower_token, statement.expression)),
        items=tuple(map(lower_item, statement.items)),
    )


def readings(statement: Account, local_part: str) -> Iterator[Reading]:
    """Yield every reading of a local part: each account, each alias, each split."""
    for account in _different(statement.accounts):
        for alias in _different(statement.aliases) or [account]:
            for pieces in _splits(statement.expression, account, alias, local_part):
                yield Reading(statement, account, alias, pieces)


def _different(names: Iterable[Name]) -> list[str]:
    """Return the texts of names, each once."""
    return list(dict.fromkeys(name.text for name in names))


def _splits(expression: Sequence[Token], account: str, alias: str, text: str) -> Iterator[tuple[str, ...]]:
    """Yield every way to split a text into one segment for each token."""
    if not expression:
        if not text:
            yield ()
        return
    for piece in _beginnings(expression[0], account, alias, text):
        for others in _splits(expression[1:], account, alias, text[len(piece) :]):
            yield (piece, *others)


def _beginnings(token: Token, account: str, alias: str, text: str) -> list[str]:
    """Return the segments at the start of a text that a token can match."""
    match token:
        case Literal(literal):
            return [literal] if text.startswith(literal) else []
        case NameField(kind):
            name = account if kind is NameKind.ACCOUNT else alias
            return [name] if text.startswith(name) else []
        case Identifier(field_class):
            return [text[:end] for end in range(1, len(text) + 1) if belongs(text[:end], field_class)]
        case CodeField():
            return [text[:end] for end in range(len(text) + 1)]


def belongs(text: str, field_class: FieldClass) -> bool:
    """Return whether a text is of a class."""
    if not text or not set(text) <= ALPHABETS[field_class]:
        return False
    if field_class is FieldClass.MAILBOX:
        return "" not in text.split(".")
    if field_class is FieldClass.FQDN:
        labels = text.split(".")
        if len(labels) < 2 or "" in labels:
            return False
    return {text[0], text[-1]} <= _LETTERS | _DIGITS


def verifies(reading: Reading) -> bool:
    """Return whether the code of a reading is right."""
    words = reading.words()
    return _spells(reading.code(), [contributions(item, words) for item in reading.statement.items])


def _spells(code: str, choices: Sequence[set[str]]) -> bool:
    """Return whether a code is a concatenation of one text of each choice, in order."""
    if not choices:
        return code == ""
    return any(code.startswith(text) and _spells(code[len(text) :], choices[1:]) for text in choices[0])


def contributions(item: Item, words: dict[str, Word]) -> set[str]:
    """Return the texts that an item can contribute to a code."""
    match item:
        case CodeLiteral(text):
            return {text}
        case Call("CHAR", arguments):
            return {_character([argument.text for argument in arguments], words)}
        case Call(function, arguments):
            n = arguments[0].text if arguments else ""
            return _choice(function, words[n])


def _choice(function: str, word: Word) -> set[str]:
    match function:
        case "DIGITS":
            return {str(sum(character in _DIGITS for character in word.text))}
        case "ALPHAS":
            return {str(sum(character in _LETTERS for character in word.text))}
        case "VOWELS":
            return {str(sum(character in "aeiouAEIOU" for character in word.text))}
        case "CHARS":
            return {str(len(word.text))}
        case "LABELS":
            return {str(len(word.text.split(".")))}
        case "ANY":
            return set(word.text)
        case "NONE":
            return set(ALPHABETS[word.field_class]) - set(word.text)
        case _:
            raise AssertionError(function)


def _character(arguments: Sequence[str], words: dict[str, Word]) -> str:
    """Return the value of ``CHAR([n,] [label,] index, default)``."""
    *where, index, default = arguments
    match where:
        case []:
            text = words[""].text
        case [n, label]:
            text = _at(words[n].text.split("."), int(label))
        case ["account" | "alias" as name]:
            text = words[name].text
        case [label] if "" in words and words[""].field_class is FieldClass.FQDN:
            text = _at(words[""].text.split("."), int(label))
        case [n]:
            text = words[n].text
        case _:
            raise AssertionError(arguments)
    return _at(text, int(index)) or default


def _at(sequence: Sequence[str], index: int) -> str:
    """Return the member at an index, from 1 or backwards from -1; an empty text if there is none."""
    position = index - 1 if index > 0 else len(sequence) + index
    return sequence[position] if 0 <= position < len(sequence) else ""
