"""Random policies and keys that may be costly to match, and mutations of them; see ``benchmarks.hostile``."""

import random
from collections.abc import Callable, Sequence
from itertools import pairwise

from attrs import evolve, frozen

from trualias.language.fields import fits
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
    expression_text,
)

IDENTIFIERS = 8
"""The largest number of identifiers in a statement."""
STATEMENTS = 100
"""The largest number of statements in a policy."""
MOST_NAMES = 80
"""The largest number of accounts, and of aliases, in a statement."""
LONGEST = 64
"""The largest number of octets in a key."""

# The fewer different characters there are, the more readings a text has.
CHARACTERS = "xxxxa1120.-_"
SEPARATORS = ("x", "x", "xx", "a", "1", "0", ".", "-", "_", "1x", "x1")
NAMES = ("x", "xx", "xxx", "a", "ax", "x1", "1", "11", "xa")
FUNCTIONS = ("DIGITS", "ALPHAS", "VOWELS", "CHARS", "LABELS", "ANY", "NONE", "CHAR")


@frozen
class Attempt:
    """A policy and a key in the search."""

    statements: tuple[Account, ...]
    key: str


def identifiers(expression: Expression) -> list[FieldClass]:
    """Return the classes of an expression's identifiers."""
    return [token.field_class for token in expression if isinstance(token, Identifier)]


def random_item(chance: random.Random, expression: Expression) -> Item:
    """Return an item that is valid for the expression, in most cases."""
    classes = identifiers(expression)
    if not classes or chance.random() < 0.1:
        return CodeLiteral(chance.choice(SEPARATORS))
    number = chance.randrange(len(classes))
    function = chance.choice(FUNCTIONS)
    if function == "LABELS" and classes[number] is not FieldClass.FQDN:
        function = "ANY"
    arguments = [str(number + 1)]
    if function == "CHAR":
        if classes[number] is FieldClass.FQDN:
            arguments.append(chance.choice("123") if chance.random() < 0.6 else "-1")
        arguments += [chance.choice(("1", "2", "3", "9", "-1", "-2")), chance.choice("x1-a")]
    return Call(function, tuple(map(Argument, arguments)))


def random_field(chance: random.Random) -> Token:
    """Return an identifier, or one time in ten a name."""
    if chance.random() < 0.1:
        return NameField(chance.choice(list(NameKind)))
    return Identifier(chance.choice(list(FieldClass)))


def join_fields(chance: random.Random, fields: Sequence[Token]) -> Expression:
    """Return the fields with literals between them, most of them the same literal."""
    usual = chance.choice(SEPARATORS)
    tokens: list[Token] = [fields[0]]
    for left, right in pairwise(fields):
        pair = {field.field_class for field in (left, right) if isinstance(field, Identifier)}
        if pair != {FieldClass.ALPHA, FieldClass.NUMBER} or chance.random() < 0.5:
            tokens.append(Literal(usual if chance.random() < 0.7 else chance.choice(SEPARATORS)))
        tokens.append(right)
    return tuple(tokens)


def random_statement(chance: random.Random, most: int) -> Account:
    """Return a statement with up to ``most`` identifiers; the checks may refuse it."""
    count = chance.randint(1, most)
    fields = [random_field(chance) for _ in range(count)]
    if chance.random() < 0.4:
        fields = [Identifier(chance.choice(list(FieldClass)))] * count
    fields.insert(chance.choice((0, count, count, count, chance.randint(0, count))), CodeField())
    expression = join_fields(chance, fields)
    items = tuple(random_item(chance, expression) for _ in range(chance.randint(1, 12)))
    return Account((Name(chance.choice(NAMES)),), FieldClass.IDENT, (), expression, items)


def random_key(chance: random.Random) -> str:
    """Return a long key of few different characters."""
    body = chance.choice("xxa1") * chance.randint(20, LONGEST)
    tail = "".join(chance.choice("01.x") for _ in range(chance.randint(0, 16)))
    return (body[: LONGEST - len(tail)] + tail)[:LONGEST]


def mutate_key(chance: random.Random, key: str) -> str:
    """Return a key with one small difference."""
    at = chance.randrange(len(key))
    to = min(len(key), at + chance.choice((1, 1, 1, 2, 4, 8)))
    match chance.randrange(5):
        case 0:
            key = key[:at] + chance.choice(CHARACTERS) + key[at + 1 :]
        case 1:
            key = key[:at] + chance.choice(CHARACTERS) + key[at:]
        case 2:
            key = key[:at] + key[to:]
        case 3:
            key = key[:at] + key[at:to] * 2 + key[to:]
        case _:
            key = key[:at] + chance.choice(CHARACTERS) * (to - at) + key[to:]
    return key[:LONGEST] or "x"


def mutate_expression(chance: random.Random, statement: Account) -> Account:
    """Change a class or a literal, add, remove or swap fields."""
    tokens = list(statement.expression)
    at = chance.randrange(len(tokens))
    if isinstance(tokens[at], Literal) and chance.random() < 0.7:
        tokens[at] = Literal(chance.choice(SEPARATORS))
        return evolve(statement, expression=tuple(tokens))
    fields: list[Token] = [token for token in tokens if not isinstance(token, Literal)]
    at = chance.randrange(len(fields))
    match chance.randrange(4):
        case 0 if not isinstance(fields[at], CodeField):
            fields[at] = random_field(chance)
        case 1 if not isinstance(fields[at], CodeField) and len(fields) > 2:
            del fields[at]
        case 2:
            fields.insert(at, random_field(chance))
        case _:
            other = chance.randrange(len(fields))
            fields[at], fields[other] = fields[other], fields[at]
    return evolve(statement, expression=join_fields(chance, fields))


def mutate_items(chance: random.Random, statement: Account) -> Account:
    """Add, remove or replace an item."""
    items = list(statement.items)
    at = chance.randrange(len(items))
    match chance.randrange(3):
        case 0:
            items.insert(at, random_item(chance, statement.expression))
        case 1 if len(items) > 1:
            del items[at]
        case _:
            items[at] = random_item(chance, statement.expression)
    return evolve(statement, items=tuple(items))


def mutate_names(chance: random.Random, statement: Account, key: str) -> Account:
    """Replace the accounts and aliases by others, many of which occur in a text of one repeated character."""
    parts = [key[at : at + length] for at in range(len(key)) for length in range(1, len(key) - at + 1)]
    parts = sorted({part for part in parts if fits(statement.using, part)}) or list(NAMES)

    def names() -> tuple[Name, ...]:
        known = chance.choice((parts, NAMES))
        return tuple(map(Name, chance.sample(known, chance.randint(1, min(MOST_NAMES, len(known))))))

    return evolve(statement, accounts=names(), aliases=names() if chance.random() < 0.5 else ())


def mutate_using(statement: Account) -> Account:
    """Let the names be an fqdn's where they are an identifier's, and the other way round."""
    using = FieldClass.IDENT if statement.using is FieldClass.FQDN else FieldClass.FQDN
    names = tuple(map(Name, ("x.x", "1.1", "a.x.x"))) if using is FieldClass.FQDN else (Name("x"),)
    return evolve(statement, using=using, accounts=names, aliases=names if statement.aliases else ())


def add_siblings(chance: random.Random, attempt: Attempt) -> Attempt:
    """Add statements for other accounts that differ from one of the policy in a class, a literal or an item."""
    statements = list(attempt.statements)
    known = {expression_text(statement.expression) for statement in statements}
    one = chance.choice(statements)
    for _ in range(chance.choice((1, 4, 16, 64))):
        tokens = list(one.expression)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(tokens))
            if isinstance(tokens[at], Identifier):
                tokens[at] = Identifier(chance.choice(list(FieldClass)))
            elif isinstance(tokens[at], Literal) and chance.random() < 0.3:
                tokens[at] = Literal(chance.choice(SEPARATORS))
        expression = tuple(tokens)
        items = tuple(random_item(chance, expression) if chance.random() < 0.3 else item for item in one.items)
        if len(statements) < STATEMENTS and expression_text(expression) not in known:
            known.add(expression_text(expression))
            owner = Name(f"n{len(statements)}")
            if not any(isinstance(token, NameField) for token in expression):
                statements.append(evolve(one, accounts=(owner,), aliases=(), expression=expression, items=items))
            else:
                statements.append(evolve(one, expression=expression, items=items))
    return evolve(attempt, statements=tuple(statements))


def mutate(chance: random.Random, attempt: Attempt) -> Attempt:
    """Return an attempt with a small difference in its key, or in one of its statements."""
    if chance.random() < 0.5:
        return evolve(attempt, key=mutate_key(chance, attempt.key))
    if chance.random() < 0.1:
        return add_siblings(chance, attempt)
    statements = list(attempt.statements)
    at = chance.randrange(len(statements))
    if chance.random() < 0.1:
        statements[at] = mutate_names(chance, statements[at], attempt.key)
        return evolve(attempt, statements=tuple(statements))
    mutations: list[Callable[[random.Random, Account], Account]] = [mutate_expression, mutate_items, mutate_items]
    statements[at] = chance.choice(mutations)(chance, statements[at])
    if chance.random() < 0.03 and len(statements) < STATEMENTS:
        statements.append(random_statement(chance, IDENTIFIERS))
    if chance.random() < 0.03 and len(statements) > 1:
        del statements[at]
    if chance.random() < 0.01:
        at = chance.randrange(len(statements))
        statements[at] = mutate_using(statements[at])
    return evolve(attempt, statements=tuple(statements))
