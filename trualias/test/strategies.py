"""Hypothesis strategies for the policy language: statements that pass the checks, and sets of them.

Texts consist of few characters, which also separate fields, so that many addresses have several readings. Call
``trualias.test.trialprofile.load`` before using them.
"""

from __future__ import annotations

import string
from itertools import pairwise

from attrs import evolve
from hypothesis import strategies as st

from trualias.language.name_list import Name
from trualias.language.tree import (
    ATEXT_AND_DOT,
    IDENTIFIER_CLASSES,
    Account,
    Argument,
    Call,
    CodeField,
    CodeLiteral,
    Deliver,
    Expect,
    ExpectedAnswer,
    Expression,
    FieldClass,
    Identifier,
    Item,
    Literal,
    NameField,
    NameKind,
    Refuse,
    Setting,
    Token,
    expression_text,
)
from trualias.test import naive

SEPARATORS = ("-", ".", "+", "%", "x", "X", "is", "8", "_", "=", "%%", "8ball", "a-", "0", "{}")
LOOSE_SEPARATORS = ("x", "x", "8", "_", "is", "s", "a", "-", ".")
"""Separators that identifiers can contain too, so that a text has many readings."""

RESERVED = {"account", "using", "aliased", "matches", "with", "expect", "nothing", "debug", "alias", "code"}
RESERVED |= {field_class.value for field_class in FieldClass}
RESERVED |= {"digits", "alphas", "vowels", "chars", "labels", "any", "none", "char"}
"""Keywords of the language, which are never drawn as names or literals."""

FEW_CHARACTERS = {
    FieldClass.ALNUM: "axisX80",
    FieldClass.ALPHA: "axisX",
    FieldClass.NUMBER: "801",
    FieldClass.IDENT: "axisX80_",
    FieldClass.FQDN: "axX8-",
    FieldClass.MAILBOX: "axX8-+'%*",
}
"""The characters of most words of each class, without the dots."""

_CLASSES = st.sampled_from(IDENTIFIER_CLASSES)
ANY_CHARACTER = st.sampled_from(sorted(ATEXT_AND_DOT))
"""A character of a local part."""
_ALNUM = string.ascii_letters + string.digits


@st.composite
def words(draw: st.DrawFn, field_class: FieldClass) -> str:
    """Draw a text of a class, mostly a short one of few characters."""
    every = "".join(sorted(naive.ALPHABETS[field_class] - {"."}))
    characters = draw(st.sampled_from([FEW_CHARACTERS[field_class], FEW_CHARACTERS[field_class], every]))
    text = st.text(characters, min_size=1, max_size=4)
    if field_class is FieldClass.MAILBOX:
        return ".".join(draw(st.lists(text, min_size=1, max_size=3)))
    labels = st.lists(text, min_size=2, max_size=4)
    word = ".".join(draw(labels)) if field_class is FieldClass.FQDN else draw(text)
    ends = [character for character in characters if character in _ALNUM]
    if word[0] not in _ALNUM:
        word = draw(st.sampled_from(ends)) + word[1:]
    if word[-1] not in _ALNUM:
        word = word[:-1] + draw(st.sampled_from(ends))
    return word


def names(field_class: FieldClass) -> st.SearchStrategy[Name]:
    """Draw the name of an account or an alias."""
    return words(field_class).filter(lambda text: text.lower() not in RESERVED | {"*"}).map(Name)


@st.composite
def _name_lists(draw: st.DrawFn, field_class: FieldClass, length: int) -> tuple[Name, ...]:
    """Draw the names of a statement; sometimes one of them twice, or twice in different case."""
    chosen = [draw(names(field_class)) for _ in range(length)]
    if length > 1:
        again = chosen[0].text
        chosen[-1] = draw(st.sampled_from([*3 * [chosen[-1]], Name(again), Name(again.swapcase())]))
    return tuple(chosen)


def literals() -> st.SearchStrategy[str]:
    """Draw the text of a literal in an expression or a code."""
    texts = st.one_of(st.sampled_from(SEPARATORS), st.text(ANY_CHARACTER, min_size=1, max_size=3))
    return texts.filter(lambda text: text.lower() not in RESERVED)


@st.composite
def _expressions(draw: st.DrawFn, several_accounts: bool, aliases: int) -> Expression:
    """Draw an expression that shows the names that the checks require."""
    account, alias = NameField(NameKind.ACCOUNT), NameField(NameKind.ALIAS)
    fields: list[Token] = [CodeField()]
    fields += [Identifier(draw(_CLASSES)) for _ in range(draw(st.sampled_from([0, 1, 1, 1, 1, 2, 2, 2, 3, 4])))]
    if several_accounts and not aliases:
        fields.append(draw(st.sampled_from([account, account, alias])))  # the alias is the account itself
    elif several_accounts:
        fields += [account, alias]
    elif aliases > 1:
        fields.append(alias)
    fields += draw(st.sampled_from([[], [], [], [account], [account], [alias], [account, alias]]))
    tokens: list[Token] = []
    literal = draw(st.sampled_from([literals(), st.sampled_from(LOOSE_SEPARATORS)])).map(Literal)
    for token in draw(st.permutations(fields)):
        if tokens:
            both = {token.field_class if isinstance(token, Identifier) else None}
            both.add(tokens[-1].field_class if isinstance(tokens[-1], Identifier) else None)
            if both != {FieldClass.ALPHA, FieldClass.NUMBER} or draw(st.booleans()):
                tokens.append(draw(literal))
        tokens.append(token)
    before, after = draw(st.sampled_from([(False, False), (False, False), (True, False), (False, True), (True, True)]))
    if before:
        tokens.insert(0, draw(literal))
    if after:
        tokens.append(draw(literal))
    return tuple(tokens)


@st.composite
def _items(draw: st.DrawFn, expression: Expression, using: FieldClass, listed_aliases: bool) -> tuple[Item, ...]:
    """Draw the items of a code: every function with every form of its arguments."""
    identifiers = [token.field_class for token in expression if isinstance(token, Identifier)]
    readable = [(str(n), field_class) for n, field_class in enumerate(identifiers, start=1)] * 2
    if len(identifiers) == 1:
        readable += [("", identifiers[0])] * 3
    readable += [("account", using)] * 2
    if listed_aliases:
        readable += [("alias", using)] * 2
    items: list[Item] = []
    for _ in range(draw(st.integers(1, 4))):
        n, field_class = draw(st.sampled_from(readable))
        functions = ["DIGITS", "ALPHAS", "VOWELS", "VOWELS", "CHARS", "ANY", "NONE", "CHAR", "CHAR", "CHAR", ""]
        if field_class is FieldClass.FQDN:
            functions += ["LABELS", "LABELS", "CHAR", "CHAR"]
        function = draw(st.sampled_from(functions))
        arguments = [n] if n else []
        if not function:
            items.append(CodeLiteral(draw(literals())))
            continue
        if function == "CHAR":
            index = st.sampled_from([1, 1, 2, 3, 4, -1, -1, -2, -3, 12]).map(str)
            # A name that is an fqdn has both forms: by its labels, and as a whole.
            if field_class is FieldClass.FQDN and (n not in ("account", "alias") or draw(st.booleans())):
                arguments.append(draw(index))
            arguments += [draw(index), draw(st.one_of(st.sampled_from("-*x8X"), ANY_CHARACTER))]
        items.append(Call(function, tuple(map(Argument, arguments))))
    return tuple(items)


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    """Draw an account statement that is valid by itself, with all elements of the language."""
    using = draw(st.sampled_from([FieldClass.IDENT, FieldClass.IDENT, *FieldClass]))
    owners = draw(st.sampled_from([1, 1, 1, 2, 2, 3]))
    aliases = draw(st.sampled_from([0, 0, 0, 1, 2, 2, 3]))
    expression = draw(_expressions(owners > 1, aliases))
    return Account(
        accounts=draw(_name_lists(using, owners)),
        using=using,
        aliases=draw(_name_lists(using, aliases)),
        expression=expression,
        items=draw(_items(expression, using, aliases > 0)),
    )


_WIDER = {
    FieldClass.ALPHA: FieldClass.ALNUM,
    FieldClass.NUMBER: FieldClass.ALNUM,
    FieldClass.ALNUM: FieldClass.IDENT,
    FieldClass.IDENT: FieldClass.IDENT,
    FieldClass.FQDN: FieldClass.FQDN,
}


def _widened(expression: Expression) -> Expression:
    """Return the expression with wider classes, unless identifiers touch."""
    if any(isinstance(one, Identifier) and isinstance(other, Identifier) for one, other in pairwise(expression)):
        return expression
    return tuple(
        Identifier(_WIDER[token.field_class]) if isinstance(token, Identifier) else token for token in expression
    )


@st.composite
def _siblings(draw: st.DrawFn, statement: Account) -> Account:
    """Draw a statement that matches many of the addresses of another one."""
    expression = draw(st.sampled_from([statement.expression, _widened(statement.expression)]))
    owners = tuple(draw(names(statement.using)) for _ in statement.accounts)
    respelled = tuple(Name(name.text.swapcase()) for name in statement.accounts)
    items = draw(_items(expression, statement.using, bool(statement.aliases)))
    return evolve(
        statement,
        expression=expression,
        accounts=draw(st.sampled_from([statement.accounts, respelled, owners, owners])),
        items=draw(st.sampled_from([statement.items, statement.items, items])),
    )


def _shown(statement: Account) -> set[NameKind]:
    """Return the kinds of names in an expression. Without listed aliases, the alias is the account."""
    kinds = {token.kind for token in statement.expression if isinstance(token, NameField)}
    return kinds if statement.aliases else {NameKind.ACCOUNT for _ in kinds}


def fit_together(one: Account, other: Account) -> bool:
    """Return whether two statements can be in one file.

    Spellings that differ in case only count as equal or as different, whichever forbids more.
    """
    if expression_text(one.expression).lower() == expression_text(other.expression).lower() and not (
        _shown(one) and _shown(other)
    ):
        return False
    shared = {name.text.lower() for name in one.aliases} & {name.text.lower() for name in other.aliases}
    if shared and {name.text for name in (*one.accounts, *other.accounts)} != {one.accounts[0].text}:
        return _shown(one) == _shown(other) == set(NameKind)
    return True


@st.composite
def policies(draw: st.DrawFn) -> tuple[Account, ...]:
    """Draw statements that are valid together."""
    chosen = [draw(accounts())]
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2, 3, 4]))):
        statement = draw(st.one_of(accounts(), *(2 * [_siblings(other) for other in chosen])))
        if all(fit_together(statement, other) for other in chosen):
            chosen.append(statement)
    return tuple(chosen)


@st.composite
def at_domains(
    draw: st.DrawFn, drawn: st.SearchStrategy[tuple[Account, ...]], domains: tuple[str, ...]
) -> tuple[Account, ...]:
    """Draw statements of which some are for some domains only, and others for the same expression in the rest.

    They are valid together if the drawn ones are: copies for other accounts share no domain with the originals.
    """
    chosen: list[Account] = []
    for statement in draw(drawn):
        at = tuple(map(Name, draw(st.lists(st.sampled_from(domains), max_size=len(domains) - 1, unique=True))))
        chosen.append(evolve(statement, domains=at))
        rest = tuple(Name(domain) for domain in domains if Name(domain) not in at)
        is_copied = draw(st.booleans())
        if at and is_copied:
            owners = tuple(Name(name.text[::-1]) for name in statement.accounts)
            copy = evolve(statement, accounts=owners, domains=rest)
            fits = all(
                naive.belongs(name.text, statement.using) and name.text.lower() not in RESERVED | {"*"}
                for name in owners
            )
            if fits and all(fit_together(copy, other) or not naive.share_domain(copy, other) for other in chosen):
                chosen.append(copy)
    return tuple(
        one
        for one in chosen
        if all(one is other or fit_together(one, other) or not naive.share_domain(one, other) for other in chosen)
    )


@st.composite
def tangles(draw: st.DrawFn) -> tuple[Account, ...]:
    """Draw statements, valid together, that match the same addresses, each in many ways."""
    separators = st.sampled_from(LOOSE_SEPARATORS).map(Literal)
    classes = st.sampled_from([FieldClass.ALPHA, FieldClass.NUMBER, FieldClass.ALNUM, FieldClass.IDENT])
    identifiers: list[Token] = [Identifier(draw(classes)) for _ in range(draw(st.integers(1, 3)))]
    fields = draw(st.permutations([*identifiers, CodeField()]))
    expression: Expression = (fields[0],)
    for token in fields[1:]:
        expression += (draw(separators), token)
    functions = st.sampled_from(["VOWELS", "DIGITS", "ANY", "VOWELS", "DIGITS", "ANY", "CHARS", "NONE"])
    items = tuple(
        Call(draw(functions), (Argument(str(draw(st.integers(1, len(identifiers))))),))
        for _ in range(draw(st.integers(1, 4)))
    )
    first, second, third = draw(st.lists(names(FieldClass.IDENT), min_size=3, max_size=3))
    policy = [Account((first,), FieldClass.IDENT, (), expression, items)]
    respelled = Name(first.text.swapcase())
    for name in (second, draw(st.sampled_from([third, respelled]))):
        wider = evolve(policy[-1], accounts=(name,), expression=_widened(policy[-1].expression))
        if all(fit_together(wider, other) for other in policy):
            policy.append(wider)
    return tuple(policy)


def settings_lines() -> st.SearchStrategy[Setting]:
    """Draw a setting with a value that it may have."""
    return st.one_of(
        st.builds(Setting, st.just("HOST"), st.ip_addresses().map(str)),
        st.builds(Setting, st.just("PORT"), st.integers(0, 65535).map(str)),
        st.builds(Setting, st.just("STATISTICS"), st.one_of(st.just("none"), st.integers(0, 3600).map(str))),
        st.builds(Setting, st.just("CASE SENSITIVE"), st.sampled_from(["yes", "no", "true", "false", "1", "0"])),
        st.builds(Setting, st.just("ALIAS DOMAINS"), st.just("example.com Example.ORG")),
    )


def refusals() -> st.SearchStrategy[Refuse]:
    """Draw a ``REFUSE`` statement."""
    texts = st.text(ANY_CHARACTER, min_size=1, max_size=12)
    addresses = st.one_of(texts, texts.map(lambda text: f"{text}@example.com")).map(Name)
    return st.builds(Refuse, st.lists(addresses, min_size=1, max_size=3).map(tuple))


def deliveries() -> st.SearchStrategy[Deliver]:
    """Draw a ``DELIVER`` statement."""
    domains = st.lists(st.sampled_from(["example.com", "Example.ORG", "bücher.example"]).map(Name), max_size=2)
    addresses = names(FieldClass.MAILBOX).flatmap(
        lambda name: st.sampled_from([name, Name(f"{name.text}@example.com"), Name(f"{name.text}@mail.example.net")])
    )
    targets = st.lists(addresses, min_size=1, max_size=3)
    return st.builds(Deliver, names(FieldClass.MAILBOX), domains.map(tuple), targets.map(tuple))


def expectations() -> st.SearchStrategy[Expect]:
    """Draw an ``EXPECT`` statement."""
    texts = st.text(ANY_CHARACTER, min_size=1, max_size=12).filter(lambda text: text.lower() not in RESERVED)
    answers = st.one_of(st.sampled_from(ExpectedAnswer), names(FieldClass.IDENT))
    return st.builds(Expect, st.lists(texts.map(Name), min_size=1, max_size=3).map(tuple), answers)
