"""Tests of the naive matcher, by the examples and rules of the language's reference."""

from __future__ import annotations

import re
from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from trualias.language.name_list import Name
from trualias.language.tree import (
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
from trualias.test import naive
from trualias.test.naive import Verdict, naive_lookup


def _token(text: str) -> Token:
    match text:
        case "%code%":
            return CodeField()
        case "%account%" | "%alias%":
            return NameField(NameKind(text.strip("%")))
        case "%%":
            return Literal("%")
        case _ if text.startswith("%"):
            return Identifier(FieldClass(text.strip("%")))
        case _:
            return Literal(text)


def _item(text: str) -> Item:
    call = re.fullmatch(r"([A-Z]+)\((.*)\)", text)
    if not call:
        return CodeLiteral(text)
    return Call(call[1], tuple(Argument(argument) for argument in call[2].split(",") if argument))


def _statement(
    owners: str, expression: str, *items: str, aliases: str = "", using: FieldClass = FieldClass.IDENT
) -> Account:
    """Return the tree of a statement whose texts hold no comma and no white space."""
    return Account(
        tuple(map(Name, owners.split())),
        using,
        tuple(map(Name, aliases.split())),
        tuple(_token(text) for text in re.findall(r"%[a-z]*%|[^%]+", expression)),
        tuple(map(_item, items)),
    )


FRED = _statement("fred.morris", "%account%+%alnum%+%code%", "x", "CHARS()", using=FieldClass.FQDN)
MANY = _statement("baz", "%alpha%x%alpha%.%code%", "VOWELS(1)", "DIGITS(2)")

EXAMPLES: Sequence[tuple[Account, dict[str, str], dict[str, str]]] = [
    (
        _statement("foo", "%account%-%ident%-%code%", "CHAR(1,-)", "CHARS()"),
        {"foo-google-g6": "foo", "foo-macys-m5": "foo"},
        {"foo-macys-m6": "foo", "foo-macys-5m": "foo"},
    ),
    (
        _statement("foo", "%alias%-%ident%-%code%", "CHAR(1,-)", "CHARS()", aliases="joe paul"),
        {"joe-google-g6": "foo", "paul-macys-m5": "foo"},
        {"foo-google-g6": "", "joe-google-g7": "foo"},
    ),
    (
        _statement("foo", "%account%-%fqdn%-%code%", "CHAR(1,1,-)", "CHAR(2,-1,-)", "CHARS()"),
        {"foo-register.co.uk-ro14": "foo"},
        {"foo-google-g6": ""},
    ),
    (
        _statement("baz", "%alpha%is%alpha%.%code%", "CHARS(1)", "CHARS(2)"),
        {"samissexy.34": "baz", "isisisisis.44": "baz"},
        {"samissexy.43": "baz", "samissexy.": ""},
    ),
    (
        _statement("amelia", "%account%wants%alpha%.%code%", "CHARS(account)", "NONE(account)", "CHARS(1)"),
        {"ameliawantschips.6k5": "amelia"},
        {"ameliawantschips.6a5": "amelia"},
    ),
    (
        _statement("bar", "%alpha%8ball%code%", "CHAR(1,2,*)", "CHARS(1)"),
        {"magic8balla5": "bar"},
        {"magic8balla4": "bar"},
    ),
    (
        _statement("foo bar", "%account%-%alnum%-%code%", "DIGITS()", "ANY()", "VOWELS()"),
        {"foo-23skidoo-2k3": "foo", "bar-none-0n2": "bar"},
        {"baz-none-0n2": "", "bar-none-0n3": "bar"},
    ),
    (FRED, {"fred.morris+macys+x5": "fred.morris"}, {"fred.morris+macys+5": "fred.morris"}),
]
"""The table of the reference: a statement, the addresses that it accepts with their accounts, and those that it refuses
with the accounts that they nearly miss."""


class ReferenceTests(SynchronousTestCase):
    """The naive matcher gives the answers of the reference."""

    def accounts(self, local_part: str, *statements: Account, case_sensitive: bool = True) -> list[str]:
        """Return the accounts that a local part verifies for."""
        return sorted(naive_lookup(statements, local_part, case_sensitive).accounts)

    def test_examples(self) -> None:
        """Each example verifies for its account in one reading of its own statement."""
        for statement, accepted, refused in EXAMPLES:
            for local_part, account in accepted.items():
                verdict = naive_lookup([statement], local_part, True)
                self.assertEqual((local_part, verdict), (local_part, Verdict(frozenset([account]), False)))
            for local_part, account in refused.items():
                verdict = naive_lookup([statement], local_part, True)
                near_misses = frozenset(filter(None, [account]))
                self.assertEqual((local_part, verdict), (local_part, Verdict(near_misses=near_misses)))

    def test_all_examples_in_one_file(self) -> None:
        """The examples have the same answers with all statements in one file."""
        statements = [statement for statement, _, _ in EXAMPLES]
        for _, accepted, _ in EXAMPLES:
            for local_part, account in accepted.items():
                self.assertEqual((local_part, self.accounts(local_part, *statements)), (local_part, [account]))

    def test_dynamic_ambiguity(self) -> None:
        """An address that can be split in four ways has four readings of one account."""
        found = [reading.pieces for reading in naive.readings(MANY, "xxxxxx.00") if naive.verifies(reading)]
        self.assertEqual([pieces[0] for pieces in found], ["x", "xx", "xxx", "xxxx"])
        self.assertEqual(naive_lookup([MANY], "xxxxxx.00", True), Verdict(frozenset(["baz"]), True))

    def test_several_accounts(self) -> None:
        """All accounts with a verified reading are returned; two statements of one account give two readings."""
        one = _statement("foo", "%alpha%-%code%", "CHARS()")
        other = _statement("bar", "%alnum%-%code%", "CHARS()")
        same = _statement("foo", "%alnum%-%code%", "CHARS()")
        self.assertEqual(naive_lookup([one, other], "abc-3", True), Verdict(frozenset(["foo", "bar"]), True))
        self.assertEqual(naive_lookup([one, same], "abc-3", True), Verdict(frozenset(["foo"]), True))
        self.assertEqual(naive_lookup([one, other], "a8c-3", True), Verdict(frozenset(["bar"]), False))

    def test_near_misses(self) -> None:
        """A near miss has an identifier of the class for each field and some text in place of the code."""
        statement = _statement("Foo", "%account%-%alnum%.%code%.x", "CHARS()")
        for local_part, accounts in (
            ("Foo-ab.3.x", {"Foo"}),
            ("Foo-ab.any.code.x", {"Foo"}),
            ("Foo-ab..x", set()),
            ("Foo-a_b.2.x", set()),
            ("foo-ab.3.x", set()),
        ):
            verdict = naive_lookup([statement], local_part, True)
            self.assertEqual((local_part, verdict), (local_part, Verdict(near_misses=frozenset(accounts))))
        self.assertEqual(naive_lookup([statement], "foo-ab.3.X", False), Verdict(near_misses=frozenset(["Foo"])))

    def test_no_near_miss_beside_a_hit(self) -> None:
        """An address that verifies for one account is a near miss of no other."""
        one = _statement("foo", "%alpha%-%code%", "CHARS()")
        other = _statement("bar", "%alnum%-%code%", "VOWELS()")
        self.assertEqual(naive_lookup([one, other], "bcd-3", True), Verdict(frozenset(["foo"])))
        self.assertEqual(naive_lookup([one, other], "bcd-4", True), Verdict(near_misses=frozenset(["foo", "bar"])))

    def test_way_of_cutting_a_code(self) -> None:
        """A code that its items can make in two ways is one reading."""
        statement = _statement("foo", "%account%-%alnum%-%code%", "ANY()", "ANY()")
        self.assertEqual(naive_lookup([statement], "foo-aa-aa", True), Verdict(frozenset(["foo"]), False))

    def test_name_given_twice(self) -> None:
        """A name given twice in a list is one name, by the case rule of the configuration."""
        statement = _statement("Foo foo", "%account%-%code%", "CHARS(account)")
        self.assertEqual(naive_lookup([statement], "foo-3", True), Verdict(frozenset(["foo"]), False))
        self.assertEqual(naive_lookup([statement], "foo-3", False), Verdict(frozenset(["Foo"]), False))
        twice = _statement("foo", "%alias%-%code%", "CHARS(alias)", aliases="joe joe")
        self.assertEqual(naive_lookup([twice], "joe-3", True), Verdict(frozenset(["foo"]), False))

    def test_alias_means_account(self) -> None:
        """Without listed aliases, the alias is the account."""
        self.assertEqual(self.accounts("foo-3", _statement("foo", "%alias%-%code%", "CHARS(account)")), ["foo"])

    def test_names_that_the_expression_does_not_show(self) -> None:
        """Functions read a name that the expression does not show."""
        statement = _statement("foo", "%ident%-%code%", "CHAR(alias,-1,*)", "VOWELS(account)", aliases="joe")
        self.assertEqual(self.accounts("x-e2", statement), ["foo"])
        self.assertEqual(self.accounts("x-o2", statement), [])

    def test_case(self) -> None:
        """The case rule holds for every part of an address; accounts are returned as the file spells them."""
        statement = _statement("Foo", "%account%-Is%alpha%-%code%", "CHAR(9,Q)", "Zz", "NONE()", "ANY()")
        self.assertEqual(self.accounts("Foo-Isaz-QZzAa", statement), ["Foo"])
        for local_part in ("foo-Isaz-QZzAa", "Foo-isaz-QZzAa", "Foo-Isaz-qZzAa", "Foo-Isaz-QzzAa", "Foo-Isaz-QZzAA"):
            self.assertEqual((local_part, self.accounts(local_part, statement)), (local_part, []))
        for local_part in ("fOO-iSaz-qzzbA", "FOO-ISAZ-QZZBZ", "Foo-Isaz-QZzba"):
            self.assertEqual(self.accounts(local_part, statement, case_sensitive=False), ["Foo"])
        self.assertEqual(self.accounts("Foo-Isaz-QZzAa", statement, case_sensitive=False), [])

    def test_first_spelling(self) -> None:
        """Without regard to case, an account has its first spelling in the file."""
        one = _statement("Foo", "%account%-%code%", "x")
        other = _statement("foo", "%account%+%code%", "x")
        self.assertEqual(self.accounts("foo+x", one, other, case_sensitive=False), ["Foo"])
        self.assertEqual(self.accounts("foo+x", one, other), ["foo"])

    def test_domain_names(self) -> None:
        """Labels and characters count from both ends; out of range is the default."""
        for argument, code in (
            ("1,1", "r"),
            ("1,-1", "r"),
            ("2,2", "o"),
            ("-1,1", "u"),
            ("-3,1", "r"),
            ("-4,1", "*"),
            ("4,1", "*"),
            ("2,3", "*"),
            ("2,-2", "c"),
            ("2,-3", "*"),
        ):
            for n in ("", "1,"):
                statement = _statement("foo", "%account%+%fqdn%+%code%", f"CHAR({n}{argument},*)", "LABELS()")
                self.assertEqual((argument, self.accounts(f"foo+r.co.uk+{code}3", statement)), (argument, ["foo"]))
        for argument, code in (("account,5", "."), ("account,2,1", "m"), ("account,3,1", "*")):
            statement = _statement("fred.morris", "%account%+%code%", f"CHAR({argument},*)", using=FieldClass.FQDN)
            self.assertEqual(self.accounts(f"fred.morris+{code}", statement), ["fred.morris"])

    def test_characters_that_do_not_occur(self) -> None:
        """``NONE`` is a character of the identifier's class, or of the class after ``USING``."""
        for field_class, text, good, bad in (
            (FieldClass.NUMBER, "12", "093", "12a_"),
            (FieldClass.ALPHA, "ab", "ABz", "a1_"),
            (FieldClass.ALNUM, "a1", "Az9", "a1_"),
            (FieldClass.IDENT, "a1", "A_9", "a1-."),
            (FieldClass.FQDN, "a.1", "A9-", "a1._"),
        ):
            anonymous = _statement("foo", f"%code%+%{field_class.value}%", "NONE()")
            named = _statement(text, "%code%+%account%", "NONE(account)", using=field_class)
            for statement, owner in ((anonymous, "foo"), (named, text)):
                for code in good:
                    self.assertEqual((code, self.accounts(f"{code}+{text}", statement)), (code, [owner]))
                for code in bad:
                    self.assertEqual((code, self.accounts(f"{code}+{text}", statement)), (code, []))

    def test_characters_that_do_not_occur_in_a_mailbox_name(self) -> None:
        """``NONE`` of a mailbox name is any character of a local part that does not occur in the name."""
        statement = _statement("o'neil", "%code%=%account%", "NONE(account)", using=FieldClass.MAILBOX)
        for code, found in (("-", True), (".", True), ("+", True), ("a", True), ("'", False), ("n", False)):
            self.assertEqual((code, self.accounts(f"{code}=o'neil", statement)), (code, ["o'neil"] if found else []))

    def test_classes(self) -> None:
        """Each class has the texts of the reference, in ASCII."""
        for field_class, good, bad in (
            (FieldClass.ALNUM, "a 1 a1 A", "_ a_b a-b é \u0663"),
            (FieldClass.ALPHA, "a Ab", "1 a1 é"),
            (FieldClass.NUMBER, "0 12", "a 1a \u0663"),
            (FieldClass.IDENT, "a 1 a_b a__1", "_ _a a_ a-b"),
            (FieldClass.FQDN, "a.b 1.2.3 a-.-b a.-.b x-y.z", "a a. .a a..b -a.b a.b- a_b.c"),
            (FieldClass.MAILBOX, "a mary-jane _www o'neil sales+eu a.b -.- {}", ". a. .a a..b a@b é"),
        ):
            for text in good.split():
                self.assertEqual((field_class, text, naive.belongs(text, field_class)), (field_class, text, True))
            for text in ["", *bad.split()]:
                self.assertEqual((field_class, text, naive.belongs(text, field_class)), (field_class, text, False))

    def test_local_parts_that_are_none(self) -> None:
        """A local part of 65 octets, an empty one, or one with other characters than atext and dots is not found."""
        statement = _statement("foo", "%account%-%alnum%-%code%", "CHARS()")
        self.assertEqual(self.accounts(f"foo-{'x' * 57}-57", statement), ["foo"])
        self.assertEqual(self.accounts(f"foo-{'x' * 58}-58", statement), [])
        for local_part in ("", "foo-a\u212a-2", "foo-a b-3", "foo-a@b-3", "foo-ab-2\n", "foo-ab-\u0662", "\udc80"):
            for case_sensitive in (True, False):
                found = self.accounts(local_part, statement, case_sensitive=case_sensitive)
                self.assertEqual((local_part, found), (local_part, []))
