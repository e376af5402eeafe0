"""Expressions and items for given names."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trualias.configuration import parse_configuration
from trualias.language.functions import FUNCTIONS, BoundCall
from trualias.language.rule import CodeItem, Names, bind, bind_items, fill
from trualias.language.tree import (
    Account,
    CodeField,
    CodeLiteral,
    Expression,
    FieldClass,
    Identifier,
    Literal,
    NameField,
    NameKind,
    Token,
    unparse,
)
from trualias.test import naive, trialprofile
from trualias.test.strategies import accounts

trialprofile.load()

ACCOUNT, ALIAS = NameField(NameKind.ACCOUNT), NameField(NameKind.ALIAS)
ALPHA, CODE = Identifier(FieldClass.ALPHA), CodeField()
NAMES = st.dictionaries(st.sampled_from(NameKind), st.sampled_from(["", "foo", "x", "8ball"]))


def shown(expression: Expression, names: Names) -> list[str | Token]:
    """Spell an expression: each character of its literals and names, and its other tokens."""
    spelled: list[str | Token] = []
    for token in expression:
        match token:
            case Literal(text):
                spelled += text
            case NameField(kind) if kind in names:
                spelled += names[kind]
            case _:
                spelled.append(token)
    return spelled


class FillTests(SynchronousTestCase):
    """``fill`` replaces names token for token."""

    def test_tokens(self) -> None:
        """The result has a token for each token, and the literals of names have the offsets of the fields."""
        filled = fill((NameField(NameKind.ACCOUNT, 3), Literal("-"), CODE, ALIAS), {NameKind.ACCOUNT: "foo"})
        self.assertEqual((Literal("foo"), Literal("-"), CODE, ALIAS), filled)
        self.assertEqual(3, filled[0].offset)


class BindTests(SynchronousTestCase):
    """``bind`` replaces names, and joins adjacent literals."""

    def test_joined(self) -> None:
        """A name and the literals around it become one literal."""
        expression = (Literal("a-"), ACCOUNT, Literal("+"), ALPHA, Literal("."), CODE, Literal("-"), ACCOUNT)
        wanted = (Literal("a-foo+"), ALPHA, Literal("."), CODE, Literal("-foo"))
        self.assertEqual(wanted, bind(expression, {NameKind.ACCOUNT: "foo"}))

    def test_one_name(self) -> None:
        """The field of a name that is not given stays."""
        expression = (ACCOUNT, Literal("-"), ALIAS, Literal("-"), CODE)
        self.assertEqual((Literal("foo-"), ALIAS, Literal("-"), CODE), bind(expression, {NameKind.ACCOUNT: "foo"}))

    def test_offset(self) -> None:
        """A joined literal has the offset of its first part."""
        bound = bind((CODE, Literal("-", 6), NameField(NameKind.ACCOUNT, 7)), {NameKind.ACCOUNT: "foo"})
        self.assertEqual([0, 6], [token.offset for token in bound])

    @given(accounts(), NAMES)
    def test_same_text(self, statement: Account, names: Names) -> None:
        """A bound expression spells the same as before, in the fewest tokens, without fields of the given names."""
        bound = bind(statement.expression, names)
        self.assertEqual(shown(statement.expression, names), shown(bound, {}))
        for one, other in pairwise(bound):
            self.assertFalse(isinstance(one, Literal) and isinstance(other, Literal), bound)
        self.assertFalse([token for token in bound if isinstance(token, NameField) and token.kind in names], bound)
        self.assertNotIn(Literal(""), bound)

    @given(accounts(), st.permutations(list(NameKind)))
    def test_one_after_the_other(self, statement: Account, kinds: list[NameKind]) -> None:
        """Names can be bound one by one, in any order."""
        names = {NameKind.ACCOUNT: "foo", NameKind.ALIAS: "8ball"}
        bound = statement.expression
        for kind in kinds:
            bound = bind(bound, {kind: names[kind]})
        self.assertEqual(bind(statement.expression, names), bound)


class BindItemsTests(SynchronousTestCase):
    """``bind_items`` evaluates the items that names make constant."""

    def test_items(self) -> None:
        """Literals and functions of given names become their contributions; all other items stay."""
        of_identifier = BoundCall(FUNCTIONS["CHARS"], 0, FieldClass.ALPHA)
        of_alias = BoundCall(FUNCTIONS["CHARS"], NameKind.ALIAS, FieldClass.IDENT)
        items: tuple[CodeItem, ...] = (
            CodeLiteral("x"),
            of_identifier,
            BoundCall(FUNCTIONS["CHARS"], NameKind.ACCOUNT, FieldClass.IDENT),
            BoundCall(FUNCTIONS["ANY"], NameKind.ACCOUNT, FieldClass.IDENT),
            of_alias,
        )
        wanted = ("x", of_identifier, "3", frozenset("fo"), of_alias)
        self.assertEqual(wanted, bind_items(items, {NameKind.ACCOUNT: "foo"}))

    @given(accounts())
    def test_values(self, statement: Account) -> None:
        """A constant is the reference's contribution for the names; an item that reads an identifier stays."""
        (rule,) = parse_configuration(f"CASE SENSITIVE: yes\n{unparse(statement)}", "test.conf").policy.rules
        account, alias = rule.accounts[0], (*rule.aliases, "")[0]
        words = {
            "account": naive.Word(account, statement.using),
            "alias": naive.Word(alias, statement.using),
        }
        bound = bind_items(rule.items, {NameKind.ACCOUNT: account, NameKind.ALIAS: alias})
        for spelled, item, constant in zip(statement.items, rule.items, bound, strict=True):
            if isinstance(item, BoundCall) and isinstance(item.reads, int):
                self.assertIs(item, constant)
            else:
                assert not isinstance(constant, BoundCall)
                texts = {constant} if isinstance(constant, str) else set(constant)
                self.assertEqual(naive.contributions(spelled, words), texts)
