"""The syntax tree of a configuration, before any checks.

Every node is frozen. ``offset`` is that of a node's first character in the text, counted from 0. The offsets of tokens
count from the start of their expression, those of items from the start of the items, so that statements can share them.
Offsets take no part in comparisons, so that the tree of a text and the tree of its unparsed form are equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from attrs import field, frozen

from trualias.language.name_list import NO_NAMES, Name, NameList, name_list

ATEXT_AND_DOT = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~.")
"""The characters of an unquoted local part: atext of RFC 5322 section 3.2.3, and the dot."""


class NameKind(Enum):
    """The kinds of name in a statement."""

    __hash__ = object.__hash__  # in C, unlike that of Enum

    ACCOUNT = "account"
    ALIAS = "alias"


class FieldClass(Enum):
    """The class of an identifier's text, or after ``USING`` of the names. ``MAILBOX`` is of names alone."""

    __hash__ = object.__hash__  # in C, unlike that of Enum

    ALNUM = "alnum"
    ALPHA = "alpha"
    NUMBER = "number"
    IDENT = "ident"
    FQDN = "fqdn"
    MAILBOX = "mailbox"


IDENTIFIER_CLASSES = tuple([field_class for field_class in FieldClass if field_class is not FieldClass.MAILBOX])
"""The classes that an identifier can have: one of mailbox names could take any separator."""


def _offset_field() -> int:
    return field(default=0, eq=False, repr=False)


@frozen(weakref_slot=False)  # there can be very many
class _Text:
    text: str
    offset: int = _offset_field()


class Literal(_Text):
    """Text that stands for itself in an expression; ``%%`` is already a single percent sign."""

    __slots__ = ()


@frozen
class NameField:
    """``%account%`` or ``%alias%``."""

    kind: NameKind
    offset: int = _offset_field()


@frozen
class Identifier:
    """``%alnum%`` and other classes: a part of an address that its owner makes up."""

    field_class: FieldClass
    offset: int = _offset_field()


@frozen
class _Mark:
    offset: int = _offset_field()


class CodeField(_Mark):
    """``%code%``."""

    __slots__ = ()


Token = Literal | NameField | Identifier | CodeField
Expression = tuple[Token, ...]


class Argument(_Text):
    """An argument of a function, as written."""

    __slots__ = ()


@frozen
class Call:
    """``NAME(argument, ...)`` among the items of a code."""

    function: str
    arguments: tuple[Argument, ...]
    offset: int = _offset_field()


class CodeLiteral(_Text):
    """Text that stands for itself in a code."""

    __slots__ = ()


Item = Call | CodeLiteral


@frozen(weakref_slot=False)
class Account:
    """An account statement. ``aliases`` is empty without ``ALIASED`` and for ``ALIASED *``, which mean the same.

    ``domains`` are those after ``AT``, none for a statement for all. A ``retired`` one accepts only aliases that the
    store knows.

    ``expression_at`` and ``items_at`` are the distances from ``offset`` to the expression and to the items: small
    numbers, which Python shares.
    """

    accounts: NameList = field(converter=name_list)
    using: FieldClass
    aliases: NameList = field(converter=name_list)
    expression: Expression
    items: tuple[Item, ...]
    domains: NameList = field(default=NO_NAMES, converter=name_list)
    retired: bool = False
    offset: int = _offset_field()
    expression_at: int = _offset_field()
    items_at: int = _offset_field()

    @property
    def expression_offset(self) -> int:
        """The offset in the text from which those of the tokens count."""
        return self.offset + self.expression_at

    @property
    def items_offset(self) -> int:
        """The offset in the text from which those of the items count."""
        return self.offset + self.items_at


@frozen
class Setting:
    """``NAME: value``; the value without the white space around it."""

    name: str
    value: str
    offset: int = _offset_field()
    value_offset: int = _offset_field()


class ExpectedAnswer(Enum):
    """The answers besides an account that a statement can expect."""

    NOTHING = "NOTHING"
    DEBUG = "DEBUG"


@frozen
class Expect:
    """``EXPECT address, ... answer;``: the answer that the configuration must give for some addresses."""

    addresses: NameList = field(converter=name_list)
    answer: Name | ExpectedAnswer
    offset: int = _offset_field()


@frozen
class Refuse:
    """``REFUSE address, ...;``: addresses that are not found, whatever the account statements say."""

    addresses: NameList = field(converter=name_list)
    offset: int = _offset_field()


@frozen
class Deliver:
    """``DELIVER account AT domains TO address, ...;``: the addresses that the virtual table answers for an account.

    ``domains`` are those of the alias; it is empty without ``AT``, which means all.
    """

    account: Name
    domains: NameList = field(converter=name_list)
    targets: NameList = field(converter=name_list)
    offset: int = _offset_field()


class End(_Mark):
    """``END``, the last statement of a complete file."""

    __slots__ = ()


Statement = Setting | Account | Expect | Refuse | Deliver | End


def expression_text(expression: Expression) -> str:
    """Return an expression as a configuration spells it."""
    parts = []
    for token in expression:
        match token:
            case Literal(text):
                parts.append(text.replace("%", "%%"))
            case NameField(kind):
                parts.append(f"%{kind.value}%")
            case Identifier(field_class):
                parts.append(f"%{field_class.value}%")
            case CodeField():
                parts.append("%code%")
    return "".join(parts)


def item_text(item: Item) -> str:
    """Return an item of a code as a configuration spells it."""
    match item:
        case Call(function, arguments):
            return f"{function}({','.join(argument.text for argument in arguments)})"
        case CodeLiteral(text):
            return text


def unparse(statement: Statement) -> str:
    """Return the text of a statement; parsing it gives an equal node."""
    match statement:
        case Setting(name, value):
            return f"{name}: {value}"
        case End():
            return "END"
        case Expect(addresses, answer):
            wanted = answer.value if isinstance(answer, ExpectedAnswer) else answer.text
            return f"EXPECT {_listed(addresses)} {wanted};"
        case Refuse(addresses):
            return f"REFUSE {_listed(addresses)};"
        case Deliver(account, domains, targets):
            return f"DELIVER {account.text}{_at(domains)} TO {_listed(targets)};"
        case Account(accounts, using, aliases, expression, items, domains, retired):
            using_text = "" if using is FieldClass.IDENT else f" USING {using.value}"
            aliased = f" ALIASED {_listed(aliases)}" if aliases else ""
            return (
                f"ACCOUNT {_listed(accounts)}{using_text}{aliased}{_at(domains)}"
                f" MATCHES {expression_text(expression)}"
                f" WITH {', '.join(map(item_text, items))}{' RETIRED' if retired else ''};"
            )


def _listed(names: Sequence[Name]) -> str:
    return ", ".join([name.text for name in names])


def _at(domains: Sequence[Name]) -> str:
    return f" AT {_listed(domains)}" if domains else ""
