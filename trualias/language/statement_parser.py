"""Parses a statement by recursive descent: the function of each production has it in its docstring.

The text of a statement ends with its semicolon, or with its line if it is a setting or END. White space and comment
lines may stand between any two words. ``expressions.py`` parses the word that is the expression.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from trualias.language.expressions import UnknownWord, parse_expression
from trualias.language.memo import MOST
from trualias.language.name_list import NO_NAMES, Name, NameList
from trualias.language.tree import (
    Account,
    Argument,
    Call,
    CodeLiteral,
    Deliver,
    End,
    Expect,
    ExpectedAnswer,
    FieldClass,
    Item,
    Refuse,
    Setting,
    Statement,
)
from trualias.language.words import UnexpectedWord, Word, Words
from trualias.messages import did_you_mean, one_of, quoted

_CLASSES = {field_class.value: field_class for field_class in FieldClass}
_ANSWERS = {answer.value: answer for answer in ExpectedAnswer}

# The keywords that cannot be words of these kinds.
_NO_NAME = frozenset({"USING", "ALIASED", "MATCHES", "WITH"})
_NO_CLASS = frozenset({"ALIASED", "MATCHES", "WITH"})
_NO_EXPRESSION = frozenset({"WITH"})
_NO_DOMAIN = frozenset({"MATCHES", "WITH", "TO"})


def parse_statement(
    kind: str, text: str, base: int, pause: Callable[[], None] = lambda: None
) -> tuple[Statement, tuple[UnknownWord, ...]]:
    """Parse a statement that begins at the offset ``base`` of the file; return it, and its unknown words.

    ``pause`` is called often while a long list of names is read.

    Raises:
        UnexpectedWord: a syntax error; its offset counts from the start of the text.
    """
    if kind == "setting":
        return _setting(text, base), ()
    words = Words(text, len(kind), pause)
    if kind == "account":
        return _account(words, base)
    return _OTHERS[kind](words, base), ()


def _setting(text: str, base: int) -> Setting:
    """``name ":" [value]``."""
    name, _, rest = text.partition(":")
    value = rest.strip()
    value_offset = len(text) - len(rest.lstrip()) if value else len(name.rstrip())
    return Setting(" ".join(name.split()), value, base, base + value_offset)


def _end(_words: Words, base: int) -> End:
    """``END``."""
    return End(base)


def _account(words: Words, base: int) -> tuple[Account, tuple[UnknownWord, ...]]:
    """``ACCOUNT names [USING class] [ALIASED ("*" | names)] [AT domains] MATCHES expression WITH items``."""
    accounts = _names(words, base)
    using = words.read("a class", but_not=_NO_CLASS) if words.accept("USING") else None
    aliases = NO_NAMES
    if words.accept("ALIASED") and not words.accept("*"):
        aliases = _names(words, base)
    domains = _at(words, base)
    words.require("MATCHES")
    expression, expression_offset = words.read("an expression", but_not=_NO_EXPRESSION)
    words.require("WITH")
    try:
        items, retired = _items(words.rest)
    except UnexpectedWord as error:
        raise UnexpectedWord(words.end + error.offset, error.expected) from None
    field_class, unknown_words = _class_of(using, base)
    tokens, of_expression = parse_expression(expression)
    start = accounts[0].offset
    account = Account(
        *(accounts, field_class, aliases, tokens, items, domains, retired),
        *(start, base + expression_offset - start, base + words.end - start),
    )
    return account, (*unknown_words, *[(base + expression_offset + at, message) for at, message in of_expression])


def _class_of(using: Word | None, base: int) -> tuple[FieldClass, tuple[UnknownWord, ...]]:
    """Return the class that a word after USING names, and the word if it is unknown."""
    if using is None:
        return FieldClass.IDENT, ()
    word, offset = using
    if word in _CLASSES:
        return _CLASSES[word], ()
    known = list(_CLASSES)
    message = f"unknown class {quoted(word)}; expected {one_of(known)}{did_you_mean(word, known)}"
    return FieldClass.IDENT, ((base + offset, message),)


# Most statements of a large configuration share their items with others: without the cache of all items, parsing 30,000
# statements takes twice as long. Without those of single items, one of 30,000 whose items differ takes 700 octets more.


@lru_cache(MOST)
def _items(text: str) -> tuple[tuple[Item, ...], bool]:
    """``item {"," item} [RETIRED] ";"``; return the items, and whether there is RETIRED.

    Offsets count from the start of the text, which is that after WITH.
    """
    words = Words(text, 0)
    items = [_item(words)]
    while words.accept(","):
        items.append(_item(words))
    retired = words.accept("RETIRED")
    words.require(";")
    return tuple(items), retired


def _item(words: Words) -> Item:
    """``function "(" [argument {"," argument}] ")" | literal``."""
    text, offset = words.read("a function", "a literal")
    if not words.has_next("("):
        return _literal(text, offset)
    words.require("(")
    arguments: list[Word] = []
    if not words.accept(")"):
        arguments.append(words.read("an argument"))
        while words.accept(","):
            arguments.append(words.read("an argument"))
        words.require(")")
    return _call(text, offset, *arguments)


@lru_cache(MOST)
def _call(function: str, offset: int, *arguments: Word) -> Call:
    return Call(function, tuple([Argument(text, at) for text, at in arguments]), offset)


@lru_cache(MOST)
def _literal(text: str, offset: int) -> CodeLiteral:
    return CodeLiteral(text, offset)


def _names(words: Words, base: int) -> NameList:
    """``name {"," name}``."""
    return words.read_list(base, "a name", _NO_NAME)


def _at(words: Words, base: int) -> NameList:
    """``[AT domain {"," domain}]``."""
    return words.read_list(base, "a domain", _NO_DOMAIN) if words.accept("AT") else NO_NAMES


def _addresses(words: Words, base: int) -> NameList:
    """``address {"," address}``."""
    words.read_addresses()
    return words.read_list(base, "an address")


def _deliver(words: Words, base: int) -> Deliver:
    """``DELIVER name [AT domains] TO addresses ";"``."""
    account, offset = words.read("a name", but_not=_NO_NAME)
    domains = _at(words, base)
    words.require("TO")
    targets = _addresses(words, base)
    words.require(";")
    return Deliver(Name(account, base + offset), domains, targets, base + offset)


def _refuse(words: Words, base: int) -> Refuse:
    """``REFUSE addresses ";"``."""
    addresses = _addresses(words, base)
    words.require(";")
    return Refuse(addresses, addresses[0].offset)


def _expect(words: Words, base: int) -> Expect:
    """``EXPECT addresses (account | NOTHING | DEBUG) ";"``."""
    addresses = _addresses(words, base)
    answer, offset = words.read("an account, NOTHING, DEBUG")
    words.require(";")
    return Expect(addresses, _ANSWERS.get(answer) or Name(answer, base + offset), addresses[0].offset)


_OTHERS: dict[str, Callable[[Words, int], Statement]] = {
    "deliver": _deliver,
    "refuse": _refuse,
    "expect": _expect,
    "end": _end,
}
