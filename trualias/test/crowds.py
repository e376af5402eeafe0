"""Drawn policies in which one address finds many statements, or many names of one statement."""

from __future__ import annotations

from itertools import product

from attrs import evolve
from hypothesis import strategies as st

from trualias.language.name_list import Name
from trualias.language.tree import (
    Account,
    Argument,
    Call,
    CodeField,
    CodeLiteral,
    Expression,
    FieldClass,
    Identifier,
    Item,
    Literal,
    NameField,
    NameKind,
    Token,
)
from trualias.matching.index import CROWD
from trualias.test.strategies import LOOSE_SEPARATORS

COPIES = 180
"""Copies of each drawn statement for a policy of thousands."""

_OWNERS = [Name(text) for text in ("ann", "ANN", "bob", "cy", "dan")]


@st.composite
def _items(draw: st.DrawFn, classes: list[FieldClass], reads_account: bool) -> tuple[Item, ...]:
    """Draw the items of a code: calls that read identifiers of these classes or the account, and literals."""
    items: list[Item] = []
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.integers(0, 3)) == 0:
            items.append(CodeLiteral(draw(st.sampled_from(["q", "7", "x7", "Z"]))))
            continue
        if reads_account and draw(st.integers(0, 3)) == 0:
            function = draw(st.sampled_from(["CHARS", "ANY", "NONE", "VOWELS"]))
            items.append(Call(function, (Argument("account"),)))
            continue
        number = draw(st.integers(0, len(classes) - 1))
        function = draw(st.sampled_from(["CHARS", "DIGITS", "ANY", "NONE", "VOWELS", "CHAR"]))
        arguments = [str(number + 1)]
        if function == "CHAR":
            if classes[number] is FieldClass.FQDN:
                arguments.append(draw(st.sampled_from(["1", "-1"])))
            arguments += [draw(st.sampled_from(["1", "-1", "3"])), draw(st.sampled_from("-x8"))]
        items.append(Call(function, tuple(map(Argument, arguments))))
    return tuple(items)


def _without_characters(items: tuple[Item, ...]) -> bool:
    return not any(isinstance(item, Call) and item.function == "CHAR" for item in items)


@st.composite
def crowds(draw: st.DrawFn) -> tuple[Account, ...]:
    """Draw statements with the same literals, so many that they are grouped: of several accounts with other classes, or
    of one account that their addresses show.
    """
    literal = draw(st.sampled_from([".", "-", *LOOSE_SEPARATORS]))
    separators = st.sampled_from([literal, literal, draw(st.sampled_from(LOOSE_SEPARATORS))])
    count = draw(st.integers(2, 3))
    touching = draw(st.sampled_from([None, None, None, (FieldClass.ALPHA, FieldClass.NUMBER)]))
    gaps = [draw(separators) for _ in range(count)]
    code_first = draw(st.sampled_from([False, False, False, True]))
    shows_account = draw(st.booleans())
    several = [FieldClass.ALPHA, FieldClass.NUMBER, FieldClass.ALNUM, FieldClass.IDENT, FieldClass.FQDN]
    combinations = draw(st.permutations(list(product(several, repeat=count))))[: draw(st.integers(CROWD, 14))]
    # Items that are valid whatever the classes are.
    shared = draw(st.none() | _items([FieldClass.ALNUM] * count, False).filter(_without_characters))
    statements: list[Account] = []
    for combination in combinations:
        classes = list(combination)
        fields: list[Token] = []
        for field_class, gap in zip(classes, gaps, strict=True):
            fields += [Identifier(field_class), Literal(gap)]
        read = classes
        if touching is not None:
            fields[:0] = [*map(Identifier, touching), Literal(gaps[0])]
            read = [*touching, *classes]
        expression: Expression = (CodeField(), Literal(gaps[0]), *fields[:-1]) if code_first else (*fields, CodeField())
        if shows_account:
            expression = (NameField(NameKind.ACCOUNT), Literal(gaps[-1]), *expression)
        owner = _OWNERS[0] if shows_account else draw(st.sampled_from(_OWNERS))
        items = shared or draw(_items(read, True))
        statements.append(Account((owner,), FieldClass.IDENT, (), expression, items))
    if shows_account:
        # The same expression again, with other codes.
        again = [evolve(one, items=draw(_items(read, False))) for one in statements[-1:] * 2]
        statements += again
    return tuple(statements)


@st.composite
def overlapping_names(draw: st.DrawFn) -> tuple[Account, ...]:
    """Draw a statement of several accounts and several aliases, all of them parts of one short text."""
    text = draw(st.sampled_from(["xxxxx", "xaxax", "x8x8x", "ax8xa"]))
    parts = sorted({text[start:end] for start in range(5) for end in range(start + 1, 6)})
    names = st.lists(st.sampled_from(parts), min_size=2, max_size=6, unique=True)
    accounts, aliases = draw(names), draw(names)
    fields: list[Token] = [CodeField(), NameField(NameKind.ACCOUNT), NameField(NameKind.ALIAS)]
    classes = [draw(st.sampled_from([FieldClass.ALNUM, FieldClass.ALPHA, FieldClass.IDENT]))]
    fields += map(Identifier, classes)
    if draw(st.booleans()):
        fields.append(NameField(draw(st.sampled_from(NameKind))))
    separators = st.sampled_from(["x", "-", ".", "a", "8"]).map(Literal)
    order = draw(st.permutations(fields))
    expression: Expression = (order[0],)
    for field in order[1:]:
        expression += (draw(separators), field)
    items = draw(_items(classes, True))
    return (Account(tuple(map(Name, accounts)), FieldClass.IDENT, tuple(map(Name, aliases)), expression, items),)


def numbered(name: Name, using: FieldClass, number: int) -> Name:
    """Return a name that occurs once, made of a drawn one."""
    suffix = {FieldClass.ALPHA: str(number).translate(str.maketrans("0123456789", "abcdefghij"))}
    return Name(name.text + suffix.get(using, str(number)))


def copies(statement: Account) -> list[Account]:
    """Return a statement and copies of it for other accounts, if its expression shows names."""
    if not any(isinstance(token, NameField) for token in statement.expression):
        return [statement]
    using = statement.using
    return [statement] + [
        evolve(
            statement,
            accounts=tuple(numbered(name, using, number) for name in statement.accounts),
            aliases=tuple(numbered(name, using, number) for name in statement.aliases),
        )
        for number in range(100, 100 + COPIES)
    ]
